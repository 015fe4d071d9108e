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

/// All of these end the process, which a person has started, perhaps in a terminal that is closed. Needs a running tokio runtime.
#[cfg(unix)]
pub(super) fn end_by_any(shutdown: &Shutdown) -> io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};

    let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    let mut hangup = signal(SignalKind::hangup())?;
    let shutdown = shutdown.clone();
    tokio::spawn(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
            _ = hangup.recv() => {}
        }
        shutdown.trigger();
    });
    Ok(())
}

/// Ctrl-C ends the process, which a person has started.
#[cfg(windows)]
pub(super) fn end_by_any(shutdown: &Shutdown) -> io::Result<()> {
    let (mut interrupt, shutdown) = (tokio::signal::windows::ctrl_c()?, shutdown.clone());
    tokio::spawn(async move {
        interrupt.recv().await;
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
