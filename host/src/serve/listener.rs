//! Where the server listens: on a unix socket, or on TCP on the loopback interface.

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

/// A bound socket that a host serves on.
///
/// A `TcpListener` or `UnixListener` of tokio's converts into it: that is how a program that embeds a plugin makes one,
/// since [`Host::serve`](crate::Host::serve) takes either. The executable binds the socket that Grafana's client asks
/// for.
#[derive(Debug)]
pub struct Listener(pub(super) Socket);

/// What a listener listens on.
#[derive(Debug)]
pub(super) enum Socket {
    /// A unix socket. Who may connect depends on how it was bound.
    #[cfg(unix)]
    Unix(UnixSocket),
    /// A TCP socket. Everyone who can reach its address can connect.
    Tcp(TcpListener),
}

// === impl Listener ===

impl Listener {
    /// Binds as `process` specifies: a unix socket, or a TCP port on the loopback interface if the transport is TCP or
    /// the system has no unix sockets. Needs a running tokio runtime.
    ///
    /// Fails if no socket can be bound. The message names the remedy.
    pub(crate) fn bind(process: &Process) -> Result<Self, BindError> {
        match process.transport {
            #[cfg(unix)]
            Transport::Unix => UnixSocket::bind(process).map(Socket::Unix).map(Self),
            _ => bind_tcp(process.min_port, process.max_port).map(Socket::Tcp).map(Self),
        }
    }

    /// Returns where the socket listens. Fails if the system does not know the address of a TCP socket.
    pub(crate) fn address(&self) -> io::Result<Address> {
        Ok(match &self.0 {
            #[cfg(unix)]
            Socket::Unix(socket) => Address { network: "unix", address: socket.name().to_owned() },
            Socket::Tcp(listener) => Address { network: "tcp", address: listener.local_addr()?.to_string() },
        })
    }
}

/// Everyone who can reach the address can call the plugin, so it should be on the loopback interface.
impl From<TcpListener> for Listener {
    fn from(listener: TcpListener) -> Self {
        Self(Socket::Tcp(listener))
    }
}

/// Everyone who can connect to the socket can call the plugin. The program that bound it sets its permissions.
#[cfg(unix)]
impl From<tokio::net::UnixListener> for Listener {
    fn from(listener: tokio::net::UnixListener) -> Self {
        Self(Socket::Unix(UnixSocket::handed_over(listener)))
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
