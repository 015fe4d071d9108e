//! An HTTP server that records the bytes that reach it as they are, and knows as little of HTTP as it can.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use crate::seen::Seen;

const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

pub struct Wire {
    address: SocketAddr,
    seen: Seen<Received>,
    answers: Arc<Mutex<VecDeque<String>>>,
    server: tokio::task::JoinHandle<()>,
}

/// What has arrived.
#[derive(Clone, Debug, Default)]
pub struct Received {
    pub connections: usize,
    /// Each with the number of its connection, from 0.
    pub requests: Vec<(usize, Vec<u8>)>,
}

// === impl Wire ===

impl Wire {
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("the bound address");
        let (seen, answers) = (Seen::<Received>::default(), Arc::<Mutex<VecDeque<String>>>::default());
        let server = tokio::spawn({
            let (seen, answers) = (seen.clone(), answers.clone());
            async move {
                let mut connections = tokio::task::JoinSet::new();
                for number in 0.. {
                    let Ok((stream, _)) = listener.accept().await else { return };
                    seen.change(|seen| seen.connections += 1);
                    connections.spawn(serve(stream, number, seen.clone(), answers.clone()));
                }
            }
        });
        Self { address, seen, answers, server }
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The next requests are answered with these; all others with `ok`.
    pub fn answer(&self, answers: impl IntoIterator<Item = String>) {
        *self.answers.lock().expect("nobody panics with it") = answers.into_iter().collect();
    }

    pub fn received(&self) -> Received {
        self.seen.now(Clone::clone)
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn serve(
    mut stream: TcpStream,
    connection: usize,
    seen: Seen<Received>,
    answers: Arc<Mutex<VecDeque<String>>>,
) {
    let mut received = Vec::new();
    loop {
        while let Some(end) = end_of_request(&received) {
            let request = received.drain(..end).collect();
            seen.change(|seen| seen.requests.push((connection, request)));
            let answer = answers.lock().expect("nobody panics with it").pop_front();
            if stream.write_all(answer.as_deref().unwrap_or(OK).as_bytes()).await.is_err() {
                return;
            }
        }
        match stream.read_buf(&mut received).await {
            Ok(1..) => {}
            // What is left is not a whole request, and is shown as well.
            _ if received.is_empty() => return,
            _ => return seen.change(|seen| seen.requests.push((connection, received.clone()))),
        }
    }
}

/// Where the first request ends, if all of it is there.
fn end_of_request(bytes: &[u8]) -> Option<usize> {
    let after = |from: usize, end: &[u8]| {
        let found = bytes.get(from..)?.windows(end.len()).position(|window| window == end)?;
        Some(from + found + end.len())
    };
    let head = after(0, b"\r\n\r\n")?;
    let text = String::from_utf8_lossy(bytes.get(..head)?).to_ascii_lowercase();
    let value = |name: &str| text.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
    if value("transfer-encoding:").is_some_and(|value| value.contains("chunked")) {
        let mut place = head;
        loop {
            let line = after(place, b"\r\n")?;
            let size = String::from_utf8_lossy(bytes.get(place..line - 2)?).into_owned();
            match usize::from_str_radix(&size, 16).unwrap_or_default() {
                // Trailers, if any, end with an empty line.
                0 => return after(line - 2, b"\r\n\r\n"),
                size => place = line + size + 2,
            }
        }
    }
    let length: usize = value("content-length:").and_then(|value| value.parse().ok()).unwrap_or_default();
    bytes.get(..head + length).map(<[u8]>::len)
}
