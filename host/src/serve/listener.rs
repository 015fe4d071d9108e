//! Where the server listens: a unix socket wherever that can be had, TCP on the loopback interface otherwise.

use std::io;
use std::net::Ipv4Addr;
use std::time::Duration;

use futures_util::{Stream, stream};
use tokio::net::{TcpListener, TcpStream};

use crate::config::{Process, Transport};
use crate::handshake::Address;

#[cfg(unix)]
use super::unix::UnixSocket;

/// A bound socket that Grafana can connect to.
#[derive(Debug)]
pub enum Listener {
    #[cfg(unix)]
    Unix(UnixSocket),
    Tcp(TcpListener),
}

#[derive(Debug, thiserror::Error)]
pub enum BindError {
    #[error(
        "no port of 127.0.0.1 from {min} to {max} can be listened on ({cause}); free one, or widen PLUGIN_MIN_PORT \
         and PLUGIN_MAX_PORT"
    )]
    Tcp { min: u16, max: u16, cause: io::Error },
    #[error(
        "no unix socket can be made ({0}); set TMPDIR to a directory that this process can write to, or \
         `gpx_transport = tcp` in the plugin's section of grafana.ini"
    )]
    Unix(io::Error),
    #[error(
        "PLUGIN_UNIX_SOCKET_GROUP: the socket cannot be given to group `{group}` ({cause}); name a group that exists \
         and that this process is in"
    )]
    Group { group: String, cause: io::Error },
}

/// How long to wait after a connection could not be taken: the usual cause, too many open files, does not go away at
/// once.
const RETRY_ACCEPT: Duration = Duration::from_millis(50);

// === impl Listener ===

impl Listener {
    /// Binds as `process` says. Needs a running tokio runtime.
    pub fn bind(process: &Process) -> Result<Self, BindError> {
        match process.transport {
            #[cfg(unix)]
            Transport::Unix => UnixSocket::bind(process).map(Self::Unix),
            _ => bind_tcp(process.min_port, process.max_port).map(Self::Tcp),
        }
    }

    pub fn address(&self) -> io::Result<Address> {
        Ok(match self {
            #[cfg(unix)]
            Self::Unix(socket) => Address { network: "unix", address: socket.name().to_owned() },
            Self::Tcp(listener) => Address { network: "tcp", address: listener.local_addr()?.to_string() },
        })
    }
}

pub(super) fn tcp_incoming(listener: TcpListener) -> impl Stream<Item = io::Result<TcpStream>> {
    stream::unfold(listener, |listener| async {
        let accepted = accepted(listener.accept().await).await.and_then(|(stream, _)| {
            // Small messages must not wait for more.
            stream.set_nodelay(true)?;
            Ok(stream)
        });
        Some((accepted, listener))
    })
}

/// Slows down a loop of failing accepts.
pub(super) async fn accepted<T>(result: io::Result<T>) -> io::Result<T> {
    if result.is_err() {
        tokio::time::sleep(RETRY_ACCEPT).await;
    }
    result
}

/// The first free port, as go-plugin's own server does it; 0 to 0 leaves the choice to the system.
fn bind_tcp(min: u16, max: u16) -> Result<TcpListener, BindError> {
    let mut cause = io::Error::new(io::ErrorKind::InvalidInput, "the range is empty");
    for port in min..=max {
        match listen(port) {
            Ok(listener) => return Ok(listener),
            Err(error) => cause = error,
        }
    }
    Err(BindError::Tcp { min, max, cause })
}

fn listen(port: u16) -> io::Result<TcpListener> {
    let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, port))?;
    listener.set_nonblocking(true)?;
    TcpListener::from_std(listener)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn takes_a_port_of_the_range_on_the_loopback_interface() {
        let taken = bind_tcp(0, 0).unwrap();
        let address = taken.local_addr().unwrap();
        assert!(address.ip().is_loopback());
        let error = bind_tcp(address.port(), address.port()).unwrap_err();
        assert!(error.to_string().contains(&address.port().to_string()), "{error}");
    }

    #[tokio::test]
    async fn an_empty_range_is_an_error() {
        assert!(matches!(bind_tcp(2, 1), Err(BindError::Tcp { .. })));
    }
}
