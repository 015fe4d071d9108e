//! A plugin's process that somebody holds: it makes no handshake, and Grafana finds it by the files beside its executable.

use std::process::ExitStatus;

use tokio::process::Child;

use crate::logs::Logs;

pub struct Held {
    pub logs: Logs,
    child: Child,
}

// === impl Held ===

impl Held {
    /// Takes over a process that was started, and waits until Grafana can find it.
    pub(super) async fn of(mut child: Child) -> Self {
        let stderr = child.stderr.take().expect("stderr is piped");
        let held = Self { logs: Logs::of(stderr), child };
        held.address().await;
        held
    }

    /// Returns where it listens.
    pub async fn address(&self) -> String {
        let is_held = |line: &crate::logs::Line| line.message.starts_with("The plugin is held: ");
        self.logs.wait_for(is_held).await.text("address").to_owned()
    }

    pub fn id(&self) -> u32 {
        self.child.id().expect("the process is still running")
    }

    /// Ends it as Ctrl-C does.
    pub async fn interrupt(self) -> ExitStatus {
        self.end_by(rustix::process::Signal::INT).await
    }

    /// Ends it by a signal.
    pub async fn end_by(mut self, signal: rustix::process::Signal) -> ExitStatus {
        let pid = rustix::process::Pid::from_raw(self.id().cast_signed()).expect("a process id");
        rustix::process::kill_process(pid, signal).expect("the signal can be sent");
        let status = self.child.wait().await.expect("can wait for the process");
        self.logs.ended().await;
        self.logs.assert_valid();
        status
    }
}
