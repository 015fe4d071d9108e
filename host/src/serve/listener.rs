//! Where the server listens: on a unix socket where possible, otherwise on TCP on the loopback interface.

use std::io;
use std::net::Ipv4Addr;

use futures_util::{Stream, stream};
use tokio::net::{TcpListener, TcpStream};

use super::accept::accepted;
use super::address::Address;
use super::error::BindError;
#[cfg(unix)]
use super::unix::UnixSocket;
use crate::config::{Process, Transport};

/// A bound socket that Grafana can connect to.
#[derive(Debug)]
pub enum Listener {
    #[cfg(unix)]
    Unix(UnixSocket),
    Tcp(TcpListener),
}

// === impl Listener ===

impl Listener {
    /// Binds as `process` specifies. Needs a running tokio runtime.
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

impl From<TcpListener> for Listener {
    fn from(listener: TcpListener) -> Self {
        Self::Tcp(listener)
    }
}

/// Whoever may connect to the socket may call the plugin: its permissions are the caller's business.
#[cfg(unix)]
impl From<tokio::net::UnixListener> for Listener {
    fn from(listener: tokio::net::UnixListener) -> Self {
        Self::Unix(UnixSocket::handed_over(listener))
    }
}

pub(super) fn tcp_incoming(listener: TcpListener) -> impl Stream<Item = io::Result<TcpStream>> {
    stream::unfold(listener, |listener| async {
        let accepted = accepted(listener.accept().await).await.and_then(|(stream, _)| {
            // Small messages must not wait for more data.
            stream.set_nodelay(true)?;
            Ok(stream)
        });
        Some((accepted, listener))
    })
}

/// Binds the first free port, like go-plugin's own server; with 0 to 0 the system chooses one.
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
    async fn binds_a_port_in_the_range_on_the_loopback_interface() {
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
