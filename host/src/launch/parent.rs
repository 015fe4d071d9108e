//! Notices when another process is gone that had no time to say so, because it was killed or crashed: Grafana, so that no orphan
//! remains, or the process that somebody holds in place of this one.
//!
//! PR_SET_PDEATHSIG does not work here: it follows the thread that forked, and Go forks from any of its threads.

use std::io;

/// A process that this one must not outlive.
#[derive(Debug)]
pub(super) struct Watched {
    /// `None` if it died before the descriptor could be opened.
    #[cfg(target_os = "linux")]
    pidfd: Option<std::os::fd::OwnedFd>,
}

// === impl Watched ===

#[cfg(target_os = "linux")]
impl Watched {
    /// The process that started us. Call this as early as possible: a parent that died before is no longer our parent.
    ///
    /// Returns `None` if the parent is outside our PID namespace, where it cannot be watched.
    pub(super) fn parent() -> io::Result<Option<Self>> {
        use rustix::io::Errno;
        use rustix::process::{PidfdFlags, getppid, pidfd_open};

        let Some(pid) = getppid() else { return Ok(None) };
        let pidfd = match pidfd_open(pid, PidfdFlags::empty()) {
            // If it died in between, another process may have got its pid.
            Ok(pidfd) if getppid() == Some(pid) => Some(pidfd),
            Ok(_) | Err(Errno::SRCH) => None,
            Err(error) => return Err(error.into()),
        };
        Ok(Some(Self { pidfd }))
    }

    /// The process with this id.
    pub(super) fn with_id(pid: u32) -> io::Result<Option<Self>> {
        use rustix::io::Errno;
        use rustix::process::{Pid, PidfdFlags, pidfd_open};

        let Some(pid) = i32::try_from(pid).ok().and_then(Pid::from_raw) else { return Ok(None) };
        match pidfd_open(pid, PidfdFlags::empty()) {
            Ok(pidfd) => Ok(Some(Self { pidfd: Some(pidfd) })),
            Err(Errno::SRCH) => Ok(Some(Self { pidfd: None })),
            Err(error) => Err(error.into()),
        }
    }

    /// Waits until the process is dead. Needs a running tokio runtime.
    pub(super) async fn exit(self) -> io::Result<()> {
        let Some(pidfd) = self.pidfd else { return Ok(()) };
        // pidfd_open(2): readable once the process has terminated.
        super::readable::readable(pidfd)?.readable().await?.retain_ready();
        Ok(())
    }
}

/// Other systems are not supported yet: an orphan ends only when it is stopped.
#[cfg(not(target_os = "linux"))]
impl Watched {
    pub fn parent() -> io::Result<Option<Self>> {
        Ok(None)
    }

    pub fn with_id(_: u32) -> io::Result<Option<Self>> {
        Ok(None)
    }

    pub async fn exit(self) -> io::Result<()> {
        std::future::pending().await
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;
    use futures_util::FutureExt as _;

    #[tokio::test]
    async fn a_living_parent_is_waited_for() {
        let parent = Watched::parent().unwrap().unwrap();
        assert!(parent.exit().now_or_never().is_none());
    }

    #[tokio::test]
    async fn a_dead_process_is_noticed() {
        let mut process =
            std::process::Command::new("cat").stdin(std::process::Stdio::piped()).spawn().unwrap();
        let id = process.id();
        let exit = tokio::spawn(Watched::with_id(id).unwrap().unwrap().exit());
        process.kill().unwrap();
        exit.await.unwrap().unwrap();
        process.wait().unwrap();
        Watched::with_id(id).unwrap().unwrap().exit().await.unwrap();
        assert!(Watched::with_id(u32::MAX).unwrap().is_none(), "no process has such an id");
    }

    #[tokio::test]
    async fn a_parent_that_died_earlier_counts_as_dead() {
        Watched { pidfd: None }.exit().await.unwrap();
    }
}
