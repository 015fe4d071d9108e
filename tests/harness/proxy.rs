//! A proxy on a free port: it takes plain requests in absolute form, CONNECT, and SOCKS 5. Whatever is asked for leads to one
//! upstream, since no name of a test resolves.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use crate::seen::Seen;

pub struct Proxy {
    address: SocketAddr,
    seen: Seen<Vec<String>>,
    server: tokio::task::JoinHandle<()>,
}

/// What a proxy does with what it is asked.
#[derive(Clone, Copy)]
enum Speaks {
    Http,
    Socks,
    /// Sends these bytes, whatever it was asked in HTTP, and then nothing more.
    Bytes(&'static [u8]),
    /// Sends these bytes at once.
    Replies(&'static [u8]),
    /// Sends the first bytes, and then the others again and again, after so much time each.
    Repeats(&'static [u8], &'static [u8], Duration),
}

// === impl Proxy ===

impl Proxy {
    /// An HTTP proxy in front of an upstream.
    pub async fn http(upstream: SocketAddr) -> Self {
        Self::start(upstream, Speaks::Http).await
    }

    /// A SOCKS proxy that takes any user and password.
    pub async fn socks(upstream: SocketAddr) -> Self {
        Self::start(upstream, Speaks::Socks).await
    }

    /// A proxy that only says this.
    pub async fn saying(bytes: &'static [u8]) -> Self {
        Self::start(([127, 0, 0, 1], 1).into(), Speaks::Bytes(bytes)).await
    }

    /// A proxy that says this before it is asked, as far as anybody reads it.
    pub async fn replying(bytes: &'static [u8]) -> Self {
        Self::start(([127, 0, 0, 1], 1).into(), Speaks::Replies(bytes)).await
    }

    /// A proxy that says `first`, and then `more` without end, each after a pause.
    pub async fn repeating(first: &'static [u8], more: &'static [u8], pause: Duration) -> Self {
        Self::start(([127, 0, 0, 1], 1).into(), Speaks::Repeats(first, more, pause)).await
    }

    async fn start(upstream: SocketAddr, speaks: Speaks) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("the bound address");
        let seen = Seen::<Vec<String>>::new();
        let server = tokio::spawn(accept(listener, upstream, speaks, seen.clone()));
        Self { address, seen, server }
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Returns what was asked on each connection: the first request's head, or the user, the password and the target.
    pub fn asked(&self) -> Vec<String> {
        self.seen.now(Clone::clone)
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn accept(listener: TcpListener, upstream: SocketAddr, speaks: Speaks, seen: Seen<Vec<String>>) {
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        let seen = seen.clone();
        connections.spawn(async move {
            let _ = match speaks {
                Speaks::Http => http(stream, upstream, &seen).await,
                Speaks::Socks => socks(stream, upstream, &seen).await,
                Speaks::Bytes(bytes) => say(stream, bytes, &seen).await,
                Speaks::Replies(bytes) => reply(stream, bytes).await,
                Speaks::Repeats(first, more, pause) => repeat(stream, first, more, pause).await,
            };
        });
    }
}

async fn http(mut stream: TcpStream, upstream: SocketAddr, seen: &Seen<Vec<String>>) -> std::io::Result<()> {
    let (head, rest) = head(&mut stream).await?;
    seen.change(|asked| asked.push(head.clone()));
    let mut server = TcpStream::connect(upstream).await?;
    if head.starts_with("CONNECT ") {
        stream.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n").await?;
    } else {
        // The upstream of the tests takes the absolute form, too.
        server.write_all(head.as_bytes()).await?;
    }
    server.write_all(&rest).await?;
    tokio::io::copy_bidirectional(&mut stream, &mut server).await?;
    Ok(())
}

async fn socks(mut stream: TcpStream, upstream: SocketAddr, seen: &Seen<Vec<String>>) -> std::io::Result<()> {
    let mut bytes = [0; 2];
    stream.read_exact(&mut bytes).await?;
    let mut methods = vec![0; bytes[1].into()];
    stream.read_exact(&mut methods).await?;
    let mut user = String::new();
    if methods.contains(&2) {
        stream.write_all(&[5, 2]).await?;
        stream.read_exact(&mut bytes).await?;
        let name = text(&mut stream, bytes[1]).await?;
        let length = stream.read_u8().await?;
        user = format!("{name}:{}@", text(&mut stream, length).await?);
        stream.write_all(&[1, 0]).await?;
    } else {
        stream.write_all(&[5, 0]).await?;
    }
    let mut request = [0; 4];
    stream.read_exact(&mut request).await?;
    let host = match request[3] {
        1 => std::net::Ipv4Addr::from_bits(stream.read_u32().await?).to_string(),
        4 => std::net::Ipv6Addr::from_bits(stream.read_u128().await?).to_string(),
        _ => {
            let length = stream.read_u8().await?;
            text(&mut stream, length).await?
        }
    };
    let port = stream.read_u16().await?;
    seen.change(|asked| asked.push(format!("{user}{host}:{port}")));
    stream.write_all(&[5, 0, 0, 1, 0, 0, 0, 0, 0, 0]).await?;
    let mut server = TcpStream::connect(upstream).await?;
    tokio::io::copy_bidirectional(&mut stream, &mut server).await?;
    Ok(())
}

async fn say(mut stream: TcpStream, bytes: &[u8], seen: &Seen<Vec<String>>) -> std::io::Result<()> {
    let (head, _) = head(&mut stream).await?;
    seen.change(|asked| asked.push(head));
    stream.write_all(bytes).await?;
    stream.shutdown().await
}

async fn reply(mut stream: TcpStream, bytes: &[u8]) -> std::io::Result<()> {
    stream.write_all(bytes).await?;
    stream.shutdown().await?;
    // A connection that is closed with something unread loses what was sent.
    while stream.read_buf(&mut Vec::new()).await? > 0 {}
    Ok(())
}

async fn repeat(mut stream: TcpStream, first: &[u8], more: &[u8], pause: Duration) -> std::io::Result<()> {
    stream.write_all(first).await?;
    loop {
        stream.write_all(more).await?;
        tokio::time::sleep(pause).await;
    }
}

/// Reads the head of a request, and what has come after it.
async fn head(stream: &mut TcpStream) -> std::io::Result<(String, Vec<u8>)> {
    let mut received = Vec::new();
    loop {
        if let Some(end) = received.windows(4).position(|bytes| bytes == b"\r\n\r\n") {
            let rest = received.split_off(end + 4);
            return Ok((String::from_utf8_lossy(&received).into_owned(), rest));
        }
        if stream.read_buf(&mut received).await? == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
    }
}

async fn text(stream: &mut TcpStream, length: u8) -> std::io::Result<String> {
    let mut bytes = vec![0; length.into()];
    stream.read_exact(&mut bytes).await?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}
