//! `gpx_watch`, for development: a component that was built again takes the place of the one that runs.

#[cfg(target_os = "linux")]
mod changes;

#[cfg(not(target_os = "linux"))]
use std::io;
#[cfg(not(target_os = "linux"))]
use std::path::PathBuf;

use tokio::task::spawn_blocking;
use tokio::time::Instant;

#[cfg(target_os = "linux")]
use self::changes::Changes;
use crate::host::Host;
use crate::log::{Log, Value, duration};
use crate::plugin::{Component, LoadError};

/// How much of a SHA-256 tells two builds apart, in hexadecimal digits.
const SHOWN: usize = 16;

/// Follows the file of a plugin's component.
pub(super) struct Watch {
    changes: Changes,
    component: Component,
    /// The SHA-256 of what runs, if anything does.
    running: Option<String>,
}

// === impl Watch ===

impl Watch {
    /// Begins to follow the component's file. Also returns the component as it is now, for the host to begin with, so that
    /// no change is missed. If the file cannot be followed, the log says why, and nothing else is different.
    pub(super) fn begin(component: Component, log: &Log) -> (Component, Option<Self>) {
        let named = ("component", Value::from(component.to_string()));
        let changes = match Changes::of(component.files()) {
            Ok(changes) => changes,
            Err(error) => {
                let reason = ("reason", Value::from(error.to_string()));
                log.warn("The component is not watched, so a new build needs a restart", &[named, reason]);
                return (component, None);
            }
        };
        // If it cannot be read, the host says so when it loads it.
        let (first, running) = match component.as_it_is_now() {
            Ok((first, digest)) => (first, Some(digest)),
            Err(_) => (component.clone(), None),
        };
        log.info(
            "The component is watched: a new build takes its place (gpx_watch is for development)",
            &[named],
        );
        (first, Some(Self { changes, component, running }))
    }

    /// Has each new build replace the one before it. A build that cannot be loaded replaces nothing.
    pub(super) async fn follow(mut self, host: Host, log: Log) {
        if host.loaded().await.is_err() {
            self.running = None;
        }
        loop {
            match self.changes.next().await {
                Ok(since) => self.replace(&host, &log, since).await,
                Err(error) => {
                    let reason = ("reason", Value::from(error.to_string()));
                    log.warn("The component is no longer watched, so a new build needs a restart", &[reason]);
                    return;
                }
            }
        }
    }

    /// Looks at the file, which has changed `since` then.
    async fn replace(&mut self, host: &Host, log: &Log, since: Instant) {
        let component = self.component.clone();
        let read = spawn_blocking(move || component.as_it_is_now()).await;
        let read = read.unwrap_or_else(|error| Err(LoadError::Host { reason: error.to_string() }));
        let refused = match read {
            Ok((_, digest)) if self.running.as_ref() == Some(&digest) => {
                host.keep(None);
                return;
            }
            Ok((component, digest)) => match host.put(component).await {
                Ok(()) => {
                    let shown = digest.chars().take(SHOWN).collect::<String>();
                    let took = duration(since.elapsed());
                    log.info("The component is replaced", &[("sha256", shown.into()), ("took", took.into())]);
                    self.running = Some(digest);
                    return;
                }
                Err(error) => error,
            },
            Err(error) => error,
        };
        log.error("The component is not replaced", &[("reason", refused.to_string().into())]);
        host.keep(Some(refused));
    }
}

/// Other systems are not supported yet: a new build needs a restart.
#[cfg(not(target_os = "linux"))]
struct Changes;

#[cfg(not(target_os = "linux"))]
impl Changes {
    fn of(_: impl IntoIterator<Item = PathBuf>) -> io::Result<Self> {
        Err(io::ErrorKind::Unsupported.into())
    }

    async fn next(&mut self) -> io::Result<Instant> {
        std::future::pending().await
    }
}
