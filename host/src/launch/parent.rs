//! Notices when Grafana is gone without having stopped us, because it was killed or crashed, so that no orphan remains.
//!
//! PR_SET_PDEATHSIG does not work here: it follows the thread that forked, and Go forks from any of its threads.

use std::io;

/// The process that started us.
#[derive(Debug)]
pub(super) struct Parent {
    /// `None` if the parent died before the descriptor could be opened.
    #[cfg(target_os = "linux")]
    pidfd: Option<std::os::fd::OwnedFd>,
}

// === impl Parent ===

#[cfg(target_os = "linux")]
impl Parent {
    /// Call this as early as possible: a parent that died before is no longer our parent.
    ///
    /// Returns `None` if the parent is outside our PID namespace, where it cannot be watched.
    pub(super) fn find() -> io::Result<Option<Self>> {
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

    /// Waits until the parent is dead. Needs a running tokio runtime.
    pub(super) async fn exit(self) -> io::Result<()> {
        use tokio::io::Interest;
        use tokio::io::unix::AsyncFd;

        let Some(pidfd) = self.pidfd else { return Ok(()) };
        #[expect(
            unsafe_code,
            reason = "tokio watches a descriptor safely only if its type is one of tokio's own"
        )]
        // SAFETY: an `OwnedFd` is the same open descriptor for as long as it lives.
        let pidfd = unsafe { AsyncFd::register_with_interest(pidfd, Interest::READABLE) }?;
        // pidfd_open(2): readable once the process has terminated.
        pidfd.readable().await?.retain_ready();
        Ok(())
    }
}

/// Other systems are not supported yet: an orphan ends only when it is stopped.
#[cfg(not(target_os = "linux"))]
impl Parent {
    pub fn find() -> io::Result<Option<Self>> {
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
    use rustix::process::{Pid, PidfdFlags, pidfd_open};

    #[tokio::test]
    async fn a_living_parent_is_waited_for() {
        let parent = Parent::find().unwrap().unwrap();
        assert!(parent.exit().now_or_never().is_none());
    }

    #[tokio::test]
    async fn a_dead_process_is_noticed() {
        let mut process =
            std::process::Command::new("cat").stdin(std::process::Stdio::piped()).spawn().unwrap();
        let pid = Pid::from_raw(process.id().try_into().unwrap()).unwrap();
        let parent = Parent { pidfd: Some(pidfd_open(pid, PidfdFlags::empty()).unwrap()) };
        let exit = tokio::spawn(parent.exit());
        process.kill().unwrap();
        exit.await.unwrap().unwrap();
        process.wait().unwrap();
    }

    #[tokio::test]
    async fn a_parent_that_died_earlier_counts_as_dead() {
        Parent { pidfd: None }.exit().await.unwrap();
    }
}
