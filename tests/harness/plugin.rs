//! A plugin as a child process. It is started with exactly the environment that Grafana passes, the harness connects to
//! the address in its handshake line, and it is stopped as go-plugin stops it.

mod held;
pub mod launch;
pub mod root;

use std::path::Path;
use std::process::ExitStatus;

use anyhow::Context as _;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};
use tokio::process::Child;

pub use gpx_client::{Channel, Handshake};

pub use self::held::Held;
pub use self::launch::Launch;
use crate::directory::Directory;
use crate::logs::Logs;
use crate::process::Process;
use crate::proto::go_plugin::Empty;
use crate::proto::go_plugin::grpc_controller_client::GrpcControllerClient;
use crate::seen::Seen;

pub struct Plugin {
    pub handshake: Handshake,
    pub logs: Logs,
    pub channel: Channel,
    pub directory: Directory,
    child: Child,
    /// Output on stdout after the handshake line. There should be none.
    stdout: Seen<Vec<u8>>,
}

// === impl Plugin ===

impl Plugin {
    /// Returns the plugin that `cargo xtask package` built from an example.
    pub fn packaged(example: &str) -> Launch {
        Launch::of_folder(&crate::artifacts::packaged(example))
    }

    /// Returns a built guest by its package's name, in its own plugin directory, with its machine code if it was
    /// compiled ahead of time.
    pub fn guest(name: &str) -> Launch {
        Launch::of_guest(&crate::artifacts::component(name))
    }

    /// Returns the example in JavaScript, with its machine code, which takes long to make.
    pub fn javascript() -> Launch {
        Launch::of_guest(&crate::artifacts::javascript())
    }

    /// Returns a plugin whose component file contains any bytes.
    pub fn of(component: &[u8]) -> Launch {
        Launch::of_component(component)
    }

    /// `root` is the process's root directory as this process sees it. `read`: whether to keep its log.
    async fn connected(
        mut child: Child,
        directory: Directory,
        root: &Path,
        read: bool,
    ) -> anyhow::Result<Self> {
        let stderr = child.stderr.take().context("stderr is piped")?;
        let logs = if read { Logs::of(stderr) } else { Logs::unread(stderr) };
        let mut stdout = BufReader::new(child.stdout.take().context("stdout is piped")?);
        let mut line = String::new();
        stdout.read_line(&mut line).await?;
        if line.is_empty() {
            logs.ended().await;
            anyhow::bail!("the plugin ended without a handshake:\n{logs}");
        }
        let mut handshake = Handshake::parse(&line)?;
        if let Ok(path) = Path::new(&handshake.address).strip_prefix("/") {
            handshake.address = root.join(path).to_string_lossy().into_owned();
        }
        let rest = Seen::<Vec<u8>>::new();
        tokio::spawn({
            let rest = rest.clone();
            async move {
                let mut chunk = [0; 1024];
                while let Ok(count @ 1..) = stdout.read(&mut chunk).await {
                    rest.change(|bytes| bytes.extend_from_slice(chunk.get(..count).unwrap_or_default()));
                }
            }
        });
        let channel = handshake.connect().await?;
        Ok(Self { handshake, logs, channel, directory, child, stdout: rest })
    }

    pub fn signal(&self, signal: rustix::process::Signal) {
        let pid = self.id().cast_signed();
        let pid = rustix::process::Pid::from_raw(pid).expect("a process id");
        rustix::process::kill_process(pid, signal).expect("the signal can be sent");
    }

    /// Calls the controller's Shutdown, as go-plugin does first. The reply may be lost if the process ends quickly.
    pub async fn shutdown(&self) {
        let _ = GrpcControllerClient::new(self.channel.clone()).shutdown(Empty {}).await;
    }

    /// Waits for the end of the process, and checks that stdout is empty and stderr is valid.
    pub async fn exit(&mut self) -> ExitStatus {
        let status = self.child.wait().await.expect("can wait for the process");
        self.logs.ended().await;
        self.assert_quiet_stdout();
        self.logs.assert_valid();
        status
    }

    /// Calls Shutdown, and returns the process's exit status.
    pub async fn stop(mut self) -> ExitStatus {
        self.shutdown().await;
        self.exit().await
    }

    pub async fn kill(&mut self) {
        self.child.kill().await.expect("the process can be killed");
    }

    /// Whether the process is still running.
    pub fn running(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    pub fn id(&self) -> u32 {
        self.child.id().expect("the process is still running")
    }

    /// What the process holds. If another program started it, this is that program unless it has become the plugin.
    pub fn process(&self) -> Process {
        Process::of(self.id())
    }

    /// Opens a new connection to the same process. The old one is closed once no call uses it any more.
    pub async fn reconnect(&mut self) {
        self.channel = self.handshake.connect().await.expect("another connection");
    }

    fn assert_quiet_stdout(&self) {
        let text = self.stdout.now(|bytes| String::from_utf8_lossy(bytes).into_owned());
        assert!(text.is_empty(), "written to stdout after the handshake: {text}");
    }
}

impl Drop for Plugin {
    /// Tokio kills the child. A failing test shows the plugin's log; a test that would pass fails if a log line was
    /// invalid.
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("--- the plugin's log\n{}---", self.logs);
        } else {
            self.logs.assert_valid();
            self.assert_quiet_stdout();
        }
    }
}
