//! go-plugin's handshake: the one line that a plugin writes to its standard output, which says where it listens.

use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::net::{SocketAddr, UnixStream as StdUnixStream};

use tokio::net::{TcpStream, UnixStream};

use crate::channel::Channel;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Handshake {
    pub core_version: String,
    pub protocol_version: String,
    pub network: String,
    pub address: String,
    pub protocol: String,
    /// Everything after the fifth field, including the bars.
    pub rest: String,
}

#[derive(Debug, thiserror::Error)]
pub enum HandshakeError {
    #[error("the plugin's first line on standard output is not a handshake but {0:?}")]
    Line(String),
    #[error("the plugin's handshake names the network {0:?}, which is neither unix nor tcp")]
    Network(String),
    #[error("cannot connect to {address}")]
    Connect { address: String, source: std::io::Error },
    #[error("the plugin does not speak HTTP/2 at {address}")]
    Http { address: String, source: hyper::Error },
}

// === impl Handshake ===

impl Handshake {
    /// Reads the line, which ends with a newline.
    pub fn parse(line: &str) -> Result<Self, HandshakeError> {
        let broken = || HandshakeError::Line(line.to_owned());
        let mut parts = line.strip_suffix('\n').ok_or_else(broken)?.splitn(6, '|');
        let mut next = || parts.next().map(str::to_owned).ok_or_else(broken);
        Ok(Self {
            core_version: next()?,
            protocol_version: next()?,
            network: next()?,
            address: next()?,
            protocol: next()?,
            rest: next().unwrap_or_default(),
        })
    }

    /// Opens a connection to where the plugin listens.
    pub async fn connect(&self) -> Result<Channel, HandshakeError> {
        let address = self.address.as_str();
        let connect = |source| HandshakeError::Connect { address: address.to_owned(), source };
        let channel = match self.network.as_str() {
            "unix" => Channel::over(unix_socket(address).await.map_err(connect)?).await,
            "tcp" => Channel::over(TcpStream::connect(address).await.map_err(connect)?).await,
            other => return Err(HandshakeError::Network(other.to_owned())),
        };
        channel.map_err(|source| HandshakeError::Http { address: address.to_owned(), source })
    }
}

/// Connects like Go's dialer: an address that starts with `@` is in the abstract namespace.
async fn unix_socket(address: &str) -> std::io::Result<UnixStream> {
    match address.strip_prefix('@') {
        None => UnixStream::connect(address).await,
        Some(name) => {
            let stream = StdUnixStream::connect_addr(&SocketAddr::from_abstract_name(name)?)?;
            stream.set_nonblocking(true)?;
            UnixStream::from_std(stream)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_a_handshake_line() {
        let handshake = Handshake::parse("1|2|unix|/tmp/plugin7|grpc|\n").unwrap();
        assert_eq!((handshake.network.as_str(), handshake.address.as_str()), ("unix", "/tmp/plugin7"));
        assert_eq!((handshake.protocol.as_str(), handshake.rest.as_str()), ("grpc", ""));
        assert!(Handshake::parse("1|2|unix|/tmp/plugin7|grpc|").is_err());
        assert!(Handshake::parse("hello\n").is_err());
    }
}
