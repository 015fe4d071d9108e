//! Ends an HTTP/2 connection whose peer sends what nobody has asked for: more heads than there are requests for, or
//! anything at all for long while nobody uses the connection.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::egress::limits::{MAX_STREAMS, STREAM_WINDOW};

/// How many bytes a peer may send while its connection is idle. Twice what may still be on its way of responses that nobody
/// reads any more; what else there is to say is short.
const MAX_UNASKED: usize = 2 * MAX_STREAMS * STREAM_WINDOW as usize;

/// How many heads a peer may send for a request: that of the response, trailers, and interim ones, all of which wait in memory
/// until somebody looks. What some requests do not need is left to others, up to so many.
const HEADS: usize = 8;
const MAX_HEADS: usize = 4 * MAX_STREAMS;

/// The type of the frame that begins a head (RFC 9113, 6.2).
const HEADERS: u8 = 1;

/// What is asked of a peer. Its connection's streams share it.
#[derive(Debug, Default)]
pub(super) struct Asked {
    /// The number under which the connection is idle. 0 if it is not.
    pub(super) idle: AtomicU64,
    /// How many requests have begun.
    pub(super) requests: AtomicUsize,
}

/// A stream that fails if its peer sends too much.
pub(super) struct Inbound<T> {
    stream: T,
    asked: Arc<Asked>,
    frames: Frames,
    unasked: usize,
    requests: usize,
    /// How many more heads may come.
    heads: usize,
}

/// Finds the frames in a stream of bytes.
#[derive(Debug, Default)]
pub(super) struct Frames {
    head: [u8; 9],
    /// How much of the head there is.
    filled: usize,
    /// How much of the frame is still to come.
    rest: usize,
}

// === impl Inbound ===

impl<T> Inbound<T> {
    pub(super) fn new(stream: T, asked: Arc<Asked>) -> Self {
        Self { stream, asked, frames: Frames::default(), unasked: 0, requests: 0, heads: MAX_HEADS }
    }

    /// Whether it is not too much.
    fn admits(&mut self, bytes: &[u8]) -> bool {
        self.unasked = match self.asked.idle.load(Ordering::Relaxed) {
            0 => 0,
            _ => self.unasked.saturating_add(bytes.len()),
        };
        let requests = self.asked.requests.load(Ordering::Relaxed);
        let more = requests.wrapping_sub(self.requests).saturating_mul(HEADS);
        self.requests = requests;
        let left = self.heads.saturating_add(more).min(MAX_HEADS).checked_sub(self.frames.heads_in(bytes));
        self.heads = left.unwrap_or_default();
        left.is_some() && self.unasked <= MAX_UNASKED
    }
}

impl<T: AsyncRead + Unpin> AsyncRead for Inbound<T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(cx, buffer))?;
        let new = buffer.filled().get(before..).unwrap_or_default();
        Poll::Ready(if self.admits(new) { Ok(()) } else { Err(io::ErrorKind::InvalidData.into()) })
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for Inbound<T> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, data: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, data)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        data: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, data)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

// === impl Frames ===

impl Frames {
    /// Returns how many heads begin in the next bytes.
    pub(super) fn heads_in(&mut self, mut bytes: &[u8]) -> usize {
        let mut heads = 0;
        while let Some((first, after)) = bytes.split_first() {
            if self.rest > 0 {
                let skipped = self.rest.min(bytes.len());
                self.rest -= skipped;
                bytes = bytes.get(skipped..).unwrap_or_default();
                continue;
            }
            bytes = after;
            if let Some(place) = self.head.get_mut(self.filled) {
                *place = *first;
            }
            self.filled += 1;
            if self.filled == self.head.len() {
                let [high, middle, low, kind, ..] = self.head;
                self.rest = usize::from(high) << 16 | usize::from(middle) << 8 | usize::from(low);
                self.filled = 0;
                heads += usize::from(kind == HEADERS);
            }
        }
        heads
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(kind: u8, length: u8) -> Vec<u8> {
        let mut frame = vec![0, 0, length, kind, 0, 0, 0, 0, 1];
        // What looks like the type of another frame.
        frame.extend(vec![HEADERS; usize::from(length)]);
        frame
    }

    #[test]
    fn heads_are_found_however_the_bytes_come() {
        let bytes = [frame(4, 0), frame(HEADERS, 30), frame(0, 200), frame(HEADERS, 0), frame(9, 7)].concat();
        for size in [1, 2, 8, 9, 10, 100, bytes.len()] {
            let mut frames = Frames::default();
            let heads: usize = bytes.chunks(size).map(|chunk| frames.heads_in(chunk)).sum();
            assert_eq!((heads, frames.rest, frames.filled), (2, 0, 0), "{size}");
        }
    }

    #[test]
    fn heads_are_for_requests_and_what_comes_unasked_has_an_end() {
        let asked = Arc::new(Asked::default());
        let mut inbound = Inbound::new((), asked.clone());
        let head = frame(HEADERS, 0);
        assert!(inbound.admits(&head.repeat(MAX_HEADS)) && !inbound.admits(&head));
        asked.requests.store(2, Ordering::Relaxed);
        assert!(inbound.admits(&head.repeat(2 * HEADS)) && !inbound.admits(&head));

        let mut inbound = Inbound::new((), asked.clone());
        let ping = frame(6, 8);
        for _ in 0..MAX_UNASKED {
            assert!(inbound.admits(&ping));
        }
        asked.idle.store(7, Ordering::Relaxed);
        for _ in 0..MAX_UNASKED / ping.len() {
            assert!(inbound.admits(&ping));
        }
        assert!(!inbound.admits(&ping));
    }
}
