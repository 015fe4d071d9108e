//! What holds for whatever a proxy answers.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_util::FutureExt as _;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::{connect, socks};
use crate::egress::origin::{Origin, Scheme};
use crate::egress::proxy::{Credentials, Proxy, ProxyFailure, ProxyKind};

/// A longer answer to CONNECT is refused, though it depends on the pieces how much longer it may be.
const LONGEST: usize = 16 * 1024;

/// More than a SOCKS proxy has to say.
const MOST_OF_SOCKS: usize = 2 + 2 + 4 + 1 + 257;

/// What a proxy says, so many bytes at a time. What it is asked is lost.
struct Pieces<'a> {
    rest: &'a [u8],
    size: usize,
}

/// How many bytes were read before the way was open, or why it is not.
type Opened = Result<usize, ProxyFailure>;

/// A way is opened only by an answer that says so, and nothing is read beyond that, however the answer arrives.
pub(crate) fn answers(said: &[u8], size: usize) {
    if said.len() < LONGEST {
        http(&opened(ProxyKind::Http, None, said, 1), &opened(ProxyKind::Http, None, said, size), said);
    }
    let known = Credentials { user: "ada".to_owned(), password: "geheim".to_owned() };
    for credentials in [None, Some(known)] {
        let slow = opened(ProxyKind::Socks, credentials.clone(), said, 1);
        let fast = opened(ProxyKind::Socks, credentials, said, size);
        assert_eq!(shown(&slow), shown(&fast));
        if let Ok(read) = slow {
            let reply = if said.get(1) == Some(&2) { 5 } else { 3 };
            assert!(read <= MOST_OF_SOCKS && said.first() == Some(&5) && said.get(reply) == Some(&0));
        }
    }
}

fn http(slow: &Opened, fast: &Opened, said: &[u8]) {
    match (slow, fast) {
        // What came with the head is not the upstream's.
        (Ok(read), Err(ProxyFailure::Early)) => assert!(*read < said.len()),
        _ => assert_eq!(shown(slow), shown(fast)),
    }
    if let Ok(read) = slow {
        let head = said.get(..*read).unwrap_or_default().trim_ascii_start();
        assert!(head.starts_with(b"HTTP/1.0 2") || head.starts_with(b"HTTP/1.1 2"));
        assert!(head.ends_with(b"\n"));
    }
}

fn opened(kind: ProxyKind, credentials: Option<Credentials>, said: &[u8], size: usize) -> Opened {
    let origin = |host: &str| Origin { scheme: Scheme::Http, host: host.into(), port: 8080 };
    let (address, next) = (origin("proxy.example"), origin("upstream.example"));
    let proxy = Proxy { setting: "HTTP_PROXY", kind, address, tls: None, credentials };
    let pieces = Pieces { rest: said, size };
    let stream = match kind {
        ProxyKind::Http => connect::open(&proxy, pieces, &next).now_or_never(),
        ProxyKind::Socks => socks::open(&proxy, pieces, &next).now_or_never(),
    };
    let stream = stream.unwrap_or(Err(ProxyFailure::Late))?;
    Ok(said.len() - stream.rest.len())
}

fn shown(opened: &Opened) -> String {
    format!("{opened:?}")
}

// === impl Pieces ===

impl AsyncRead for Pieces<'_> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let size = self.size.min(self.rest.len()).min(buffer.remaining());
        let (piece, rest) = self.rest.split_at(size);
        buffer.put_slice(piece);
        self.rest = rest;
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Pieces<'_> {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, data: &[u8]) -> Poll<io::Result<usize>> {
        Poll::Ready(Ok(data.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
