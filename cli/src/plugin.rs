//! A plugin's process, started as Grafana starts it, for as long as a command needs it.

mod log;

use std::fmt;
use std::pin::{Pin, pin};
use std::process::{ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use gpx_client::proto::go_plugin::Empty;
use gpx_client::proto::go_plugin::grpc_controller_client::GrpcControllerClient;
use gpx_client::proto::pluginv2::PluginContext;
use gpx_client::trace::Span;
use gpx_client::{Channel, Code, Handshake, Status, collector, environment};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, BufReader};
use tokio::process::{Child, Command};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use self::log::{Level, Log};
use crate::folder::{Folder, Startable};
use crate::moment;
use crate::source::Source;
use crate::terminal::{patiently, shown};

/// As go-plugin: how long a plugin may take to say where it listens, and to end after it was asked to.
const START: Duration = Duration::from_secs(60);
const END: Duration = Duration::from_secs(2);
/// How long the last lines of its log may take, which another process may hold open.
const LAST_LINES: Duration = Duration::from_secs(1);
/// No handshake is longer.
const LONGEST_LINE: u64 = 64 << 10;

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// The plugin's directory, as Grafana loads it, or its project, once it has been built.
    #[arg(default_value = ".")]
    directory: std::path::PathBuf,
    /// The least severe lines of the plugin's log that are shown, on standard error; from `debug` on with all their fields.
    #[arg(long, value_enum, default_value_t, value_name = "LEVEL")]
    log: Level,
    /// How long a call may take, such as `500ms`, `30s` or `5m`. Without it, as long as the plugin lets it.
    #[arg(long, value_name = "TIME", value_parser = timeout)]
    timeout: Option<Duration>,
    #[command(flatten)]
    source: Source,
}

/// A running plugin.
pub(crate) struct Plugin {
    pub(crate) channel: Channel,
    /// What each call says of who calls, and for what.
    pub(crate) context: PluginContext,
    /// How often the host has said what came of a component that was built again.
    pub(crate) swaps: watch::Receiver<u64>,
    timeout: Option<Duration>,
}

/// A call that the plugin has not answered.
#[derive(Debug)]
pub(crate) struct Failed {
    what: String,
    status: Status,
}

/// The user has asked for the end, as with Ctrl-C.
#[derive(Debug)]
pub(crate) struct Interrupted;

/// What belongs to a plugin and lasts as long.
struct Process {
    child: Child,
    outputs: Vec<JoinHandle<()>>,
    spans: Arc<Mutex<Vec<Span>>>,
    collector: JoinHandle<()>,
    _startable: Startable,
}

// === impl Arguments ===

impl Arguments {
    /// Where the user says that the plugin, or its project, is.
    pub(crate) fn directory(&self) -> &std::path::Path {
        &self.directory
    }

    /// Sets what an operator would, unless the user has.
    pub(crate) fn set(&mut self, key: &str, value: &str) {
        self.source.set(key, value);
    }

    pub(crate) fn folder(&self) -> Result<Folder> {
        Folder::find(&self.directory)
    }

    /// Starts the plugin, does some work with it, and ends it, whatever comes of the work. Returns that, and the spans that the
    /// plugin has sent.
    pub(crate) fn with<T>(
        &self,
        folder: &Folder,
        work: impl AsyncFnOnce(&Plugin) -> Result<T>,
    ) -> Result<(T, Vec<Span>)> {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        let done = runtime.block_on(async {
            let interrupted = interrupted()?;
            let mut interrupted = pin!(interrupted);
            let (plugin, process) = self.start(folder, interrupted.as_mut()).await?;
            let done = tokio::select! {
                done = work(&plugin) => done,
                () = &mut interrupted => Err(Interrupted.into()),
            };
            let (crash, spans) = process.end(&plugin).await;
            match (done, crash) {
                (Ok(done), _) => Ok((done, spans)),
                (Err(error), None) => Err(error),
                (Err(error), Some(status)) => {
                    Err(error.context(format!("the plugin has ended by itself ({status})")))
                }
            }
        });
        // What still runs, such as a read of standard input, must not keep the process.
        runtime.shutdown_background();
        done
    }

    async fn start(
        &self,
        folder: &Folder,
        interrupted: Pin<&mut impl Future<Output = ()>>,
    ) -> Result<(Plugin, Process)> {
        let context = self.source.context(folder, moment::now())?;
        let startable = folder.startable()?;
        let listener =
            tokio::net::TcpListener::bind("127.0.0.1:0").await.context("cannot listen for spans")?;
        let mut variables = environment::of_grafana();
        let proxies = environment::PASSED_ON
            .iter()
            .filter_map(|name| Some(((*name).to_owned(), std::env::var(name).ok()?)));
        variables.extend(proxies);
        variables.extend(environment::tracing(&listener.local_addr()?.to_string(), &folder.version));
        variables.extend(self.source.variables()?);
        let mut command = Command::new(&startable.executable);
        command.env_clear().envs(&variables).current_dir("/").kill_on_drop(true);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        // Of its own, so that Ctrl-C reaches this process only, which ends the plugin as Grafana does.
        command.process_group(0);
        let mut child =
            command.spawn().with_context(|| format!("cannot start {}", startable.executable.display()))?;
        let log = Log::new(self.log);
        let stderr = child.stderr.take().context("standard error is piped")?;
        let mut outputs = vec![tokio::spawn(log.clone().read(BufReader::new(stderr)))];
        let mut stdout = BufReader::new(child.stdout.take().context("standard output is piped")?);
        let handshake = patiently("the plugin starts", tokio::time::timeout(START, handshake(&mut stdout)));
        let channel = async {
            let handshake =
                handshake.await.context("the plugin has not said within 60 s where it listens")??;
            let Some(handshake) = handshake else {
                let status = child.wait().await?;
                bail!("the plugin has ended before it said where it listens: {status}; its log says why");
            };
            Ok(handshake.connect().await?)
        };
        let channel = tokio::select! {
            channel = channel => channel,
            () = interrupted => Err(Interrupted.into()),
        };
        let channel = match channel {
            Ok(channel) => channel,
            Err(error) => {
                let _ = child.kill().await;
                last_lines(outputs).await;
                return Err(error);
            }
        };
        let swaps = log.swaps();
        // go-plugin expects nothing more there.
        outputs.push(tokio::spawn(log.read(stdout)));
        let spans = Arc::<Mutex<Vec<Span>>>::default();
        let collector = collect(listener, spans.clone());
        let process = Process { child, outputs, spans, collector, _startable: startable };
        Ok((Plugin { channel, context, swaps, timeout: self.timeout }, process))
    }
}

// === impl Plugin ===

impl Plugin {
    /// Waits for the answer to a call, which is told if it takes long.
    pub(crate) async fn answer<T>(
        &self,
        what: &str,
        call: impl IntoFuture<Output = Result<T, Status>>,
    ) -> Result<T> {
        let answered = patiently(format!("waiting for {what}"), call.into_future());
        let answered = match self.timeout {
            None => answered.await,
            Some(timeout) => tokio::time::timeout(timeout, answered)
                .await
                .with_context(|| format!("{what} has not come within {timeout:?}"))?,
        };
        Ok(answered.map_err(|status| Failed { what: what.to_owned(), status })?)
    }
}

// === impl Failed ===

impl Failed {
    /// The status of the call that an error is about.
    pub(crate) fn code(error: &anyhow::Error) -> Option<Code> {
        error.downcast_ref::<Self>().map(|failed| failed.status.code())
    }
}

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} has failed: {} ({:?})", self.what, shown(self.status.message()), self.status.code())
    }
}

impl std::error::Error for Failed {}

// === impl Process ===

impl Process {
    /// Ends the plugin as go-plugin does, which makes it send its last spans. Returns the status if it says that it has
    /// ended in another way.
    async fn end(mut self, plugin: &Plugin) -> (Option<ExitStatus>, Vec<Span>) {
        let mut client = GrpcControllerClient::new(plugin.channel.clone());
        let asked = async {
            // The answer may be lost, if the process ends at once.
            let _ = client.shutdown(Empty {}).await;
            self.child.wait().await
        };
        let status = match tokio::time::timeout(END, asked).await {
            Ok(status) => status.ok().filter(|status| !status.success()),
            Err(_) => {
                let _ = self.child.kill().await;
                None
            }
        };
        last_lines(self.outputs).await;
        self.collector.abort();
        let spans = std::mem::take(&mut *self.spans.lock().unwrap_or_else(PoisonError::into_inner));
        (status, spans)
    }
}

// === impl Interrupted ===

impl fmt::Display for Interrupted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("interrupted")
    }
}

impl std::error::Error for Interrupted {}

/// Returns `None` if the plugin writes nothing.
async fn handshake(stdout: &mut BufReader<impl tokio::io::AsyncRead + Unpin>) -> Result<Option<Handshake>> {
    let mut line = Vec::new();
    stdout.take(LONGEST_LINE).read_until(b'\n', &mut line).await?;
    if line.is_empty() {
        return Ok(None);
    }
    Ok(Some(Handshake::parse(&String::from_utf8_lossy(&line))?))
}

async fn last_lines(outputs: Vec<JoinHandle<()>>) {
    let all = async {
        for output in outputs {
            let _ = output.await;
        }
    };
    let _ = tokio::time::timeout(LAST_LINES, all).await;
}

fn collect(listener: tokio::net::TcpListener, spans: Arc<Mutex<Vec<Span>>>) -> JoinHandle<()> {
    let receiving = collector::receive(listener, move |new| {
        spans.lock().unwrap_or_else(PoisonError::into_inner).extend(new);
        std::future::ready(())
    });
    tokio::spawn(async move { drop(receiving.await) })
}

/// Ends when the user or the system asks for the end.
fn interrupted() -> Result<impl Future<Output = ()>> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut hangup = signal(SignalKind::hangup())?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
            _ = hangup.recv() => {}
        }
    })
}

fn timeout(text: &str) -> Result<Duration, String> {
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let milliseconds = match unit {
        "ms" => 1,
        "s" => 1000,
        "m" => 60_000,
        _ => 0,
    };
    let number = number.parse::<u32>().ok().filter(|number| *number > 0 && milliseconds > 0);
    let number = number.ok_or("write a number and a unit, such as `500ms`, `30s` or `5m`")?;
    Ok(Duration::from_millis(u64::from(number) * milliseconds))
}
