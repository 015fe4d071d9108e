//! Real servers on free ports of the loopback. They run as whoever runs the test, without any file of the system's, and end
//! with the test. `xtask/src/servers.rs` finds them; there is a file here for each, which knows its configuration.

pub mod certificates;
pub mod dante;
pub mod microsocks;
pub mod nginx;
pub mod squid;
pub mod stunnel;

use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use tokio::net::TcpStream;
use tokio::process::{Child, Command};

use crate::artifacts;
use crate::directory::Directory;

/// How often it is looked whether something has happened of which a server says nothing.
const PAUSE: Duration = Duration::from_millis(10);

/// A running server.
pub struct Server {
    process: Child,
    directory: Directory,
    ports: Vec<u16>,
    command: Command,
}

/// Returns the command of a server, if `cargo xtask test` has found it. Otherwise says that the test is skipped.
pub fn find(name: &str) -> Option<PathBuf> {
    let command = artifacts::servers().join(name);
    if !command.is_file() {
        crate::skipped(&format!("without {name}, nothing is tested against it"));
        return None;
    }
    Some(command)
}

/// Looks until there is what is looked for. What a server does is seen in its log, which does not wake anybody.
pub async fn until<T>(mut look: impl FnMut() -> Option<T>) -> T {
    loop {
        if let Some(seen) = look() {
            return seen;
        }
        tokio::time::sleep(PAUSE).await;
    }
}

// === impl Server ===

impl Server {
    /// Starts a server, and waits until it listens on so many ports. `configure` writes its files into the directory, for the
    /// given ports, and returns its arguments. It must stay in the foreground.
    pub async fn start(
        command: &Path,
        ports: usize,
        configure: impl Fn(&Directory, &[u16]) -> Vec<String>,
    ) -> Self {
        loop {
            let directory = Directory::new().expect("a directory for the server");
            let ports = free_ports(ports);
            let mut command = Command::new(command);
            command.args(configure(&directory, &ports)).current_dir(directory.path());
            let mut server = Self { process: spawn(&mut command, &directory), directory, ports, command };
            if server.listens().await {
                return server;
            }
            // Somebody else was given one of the ports meanwhile.
            let log = server.log();
            assert!(
                log.to_lowercase().contains("address already in use"),
                "the server does not start:\n{log}"
            );
        }
    }

    /// Starts it again on the same ports, after it has ended.
    pub async fn start_again(&mut self) {
        self.ended().await;
        self.process = spawn(&mut self.command, &self.directory);
        assert!(self.listens().await, "the server does not start again:\n{}", self.log());
    }

    /// Waits until it has ended.
    pub async fn ended(&mut self) {
        self.process.wait().await.expect("can wait for the server");
    }

    pub fn signal(&self, signal: Signal) {
        if let Some(id) = self.process.id().and_then(|id| Pid::from_raw(id.cast_signed())) {
            kill_process(id, signal).expect("the server can be told");
        }
    }

    pub fn port(&self, number: usize) -> u16 {
        self.ports[number]
    }

    /// Returns a file of the server's.
    pub fn file(&self, name: &str) -> PathBuf {
        self.directory.join(name)
    }

    /// Returns what it has printed.
    pub fn log(&self) -> String {
        let bytes = std::fs::read(self.file("output")).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// Waits until it listens on all of its ports. False if it has ended.
    async fn listens(&mut self) -> bool {
        for port in self.ports.clone() {
            while TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await.is_err() {
                if self.process.try_wait().expect("can look at the server").is_some() {
                    return false;
                }
                tokio::time::sleep(PAUSE).await;
            }
        }
        self.process.try_wait().expect("can look at the server").is_none()
    }
}

impl Drop for Server {
    /// A server with processes of its own ends them if it is told to end, but not if it is killed.
    fn drop(&mut self) {
        self.signal(Signal::TERM);
        for _ in 0..200 {
            if !matches!(self.process.try_wait(), Ok(None)) {
                return;
            }
            std::thread::sleep(PAUSE);
        }
        let _ = self.process.start_kill();
    }
}

fn spawn(command: &mut Command, directory: &Directory) -> Child {
    let output = std::fs::File::options().create(true).append(true).open(directory.join("output"));
    let output = output.expect("a file for what the server prints");
    let errors = output.try_clone().expect("the same file");
    command.stdin(Stdio::null()).stdout(output).stderr(errors).spawn().expect("the server starts")
}

/// Returns ports on which nobody listens. No server says which one it was given.
fn free_ports(count: usize) -> Vec<u16> {
    let listen = |_| TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    let listeners: Vec<_> = (0..count).map(listen).collect();
    listeners.iter().map(|listener| listener.local_addr().expect("the bound address").port()).collect()
}
