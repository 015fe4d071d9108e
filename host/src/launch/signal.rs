//! How a plugin handles signals.

use std::io;

use crate::shutdown::Shutdown;

/// Ignores SIGINT from now on: Ctrl-C in Grafana's terminal reaches its plugins too, and they must keep running while
/// Grafana shuts down. SIGTERM means the same as Grafana's request to stop. Needs a running tokio runtime.
#[cfg(unix)]
pub(super) fn handle(shutdown: &Shutdown) -> io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};

    // The handler stays installed, although nothing listens to it.
    drop(signal(SignalKind::interrupt())?);
    let mut terminate = signal(SignalKind::terminate())?;
    let shutdown = shutdown.clone();
    tokio::spawn(async move {
        terminate.recv().await;
        shutdown.trigger();
    });
    Ok(())
}

/// Ignores Ctrl-C: it reaches plugins too, and they must keep running while Grafana shuts down.
#[cfg(windows)]
pub fn handle(_shutdown: &Shutdown) -> io::Result<()> {
    drop(tokio::signal::windows::ctrl_c()?);
    Ok(())
}
