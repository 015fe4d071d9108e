//! What signals mean to a plugin.

use std::io;

use crate::shutdown::Shutdown;

/// From now on SIGINT means nothing: Ctrl-C in the terminal of a Grafana reaches its plugins too, which must outlive
/// Grafana's own orderly stop. SIGTERM means the same as Grafana's request to stop. Needs a running tokio runtime.
#[cfg(unix)]
pub fn handle(shutdown: &Shutdown) -> io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};

    // The handler stays for good, though nobody listens to it.
    drop(signal(SignalKind::interrupt())?);
    let mut terminate = signal(SignalKind::terminate())?;
    let shutdown = shutdown.clone();
    tokio::spawn(async move {
        terminate.recv().await;
        shutdown.trigger();
    });
    Ok(())
}

/// Ctrl-C means nothing: it reaches plugins too, which must outlive Grafana's own orderly stop.
#[cfg(windows)]
pub fn handle(_shutdown: &Shutdown) -> io::Result<()> {
    drop(tokio::signal::windows::ctrl_c()?);
    Ok(())
}
