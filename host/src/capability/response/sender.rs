//! The answer to a resource call on its way to the caller, chunk by chunk.

use std::collections::HashMap;

use bytes::Bytes;
use tokio::sync::mpsc;

use crate::budget::{MemoryKind, OwnerMemory, Refused};

/// A chunk of an answer. The first one carries status and headers, as Grafana expects of a resource stream.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Piece {
    pub head: Option<ResponseHead>,
    pub body: Bytes,
}

/// Status and headers of an answer.
#[derive(Debug, PartialEq)]
pub(crate) struct ResponseHead {
    pub status: u16,
    pub headers: HashMap<String, Vec<String>>,
}

/// Why a sender refuses a head or a chunk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SenderError {
    /// The head was set before, or too late, or with a status that HTTP does not allow.
    Misuse,
    /// There are more headers, or more bytes in them, than are passed on.
    LongHead { headers: usize, bytes: usize },
    /// The caller is gone.
    Closed,
    /// There is no memory for the chunk.
    Memory(Refused),
}

/// How many headers an answer may have. Browsers and proxies accept fewer.
pub(super) const MAX_HEADERS: usize = 256;

/// How many bytes the names and values of an answer's headers may have together. Browsers and proxies accept fewer.
pub(super) const MAX_HEAD: usize = 64 << 10;

/// What a component writes its answer to.
#[expect(unreachable_pub, reason = "generated code exports it")]
pub struct ResponseSender {
    /// The head for the next chunk. `None` once it has been sent.
    head: Option<ResponseHead>,
    started: bool,
    pieces: mpsc::Sender<Piece>,
}

/// The size of a chunk that is worth an entry in the account, in bytes.
const LARGE: usize = 4 << 10;

// === impl ResponseSender ===

impl ResponseSender {
    /// Returns a sender, and the receiver of its chunks. At most one chunk waits, so a slow caller slows the component
    /// down.
    pub(crate) fn channel() -> (Self, mpsc::Receiver<Piece>) {
        let (pieces, receiver) = mpsc::channel(1);
        (Self { head: Some(ResponseHead::default()), started: false, pieces }, receiver)
    }

    /// Sets the head, once and before the first chunk. `status` is 100 to 599.
    pub(super) fn start(&mut self, status: u16, headers: Vec<(String, String)>) -> Result<(), SenderError> {
        if self.started || self.head.is_none() || !(100..600).contains(&status) {
            return Err(SenderError::Misuse);
        }
        let bytes = headers.iter().map(|(name, value)| name.len() + value.len()).sum();
        if headers.len() > MAX_HEADERS || bytes > MAX_HEAD {
            return Err(SenderError::LongHead { headers: headers.len(), bytes });
        }
        let mut grouped = HashMap::<String, Vec<String>>::new();
        for (name, value) in headers {
            grouped.entry(name).or_default().push(value);
        }
        self.started = true;
        self.head = Some(ResponseHead { status, headers: grouped });
        Ok(())
    }

    /// Waits until there is room for the chunk, and sends it. A large one is charged until it has been sent.
    pub(super) async fn send(&mut self, body: Vec<u8>, memory: &OwnerMemory) -> Result<(), SenderError> {
        let body = if body.len() > LARGE {
            let mut memory = memory.nothing(MemoryKind::Answers);
            memory.grow(body.len()).await.map_err(SenderError::Memory)?;
            memory.keep(body)
        } else {
            body.into()
        };
        let piece = Piece { head: self.head.take(), body };
        self.pieces.send(piece).await.map_err(|_| SenderError::Closed)
    }

    /// Sends a head that was set but had no body: it is an answer anyway.
    pub(super) fn finish(mut self) {
        if self.started
            && let Some(head) = self.head.take()
        {
            // The channel holds one chunk and none was sent, so there is room unless the caller is gone.
            let _ = self.pieces.try_send(Piece { head: Some(head), body: Bytes::new() });
        }
    }
}

// === impl ResponseHead ===

impl Default for ResponseHead {
    fn default() -> Self {
        Self { status: 200, headers: HashMap::new() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::budget::MemoryAccount;

    #[tokio::test]
    async fn the_first_chunk_carries_the_head() {
        let (mut sender, mut pieces) = ResponseSender::channel();
        let memory = MemoryAccount::new(0).owner();
        sender.start(201, ["1", "2"].map(|value| ("x".to_owned(), value.to_owned())).to_vec()).unwrap();
        sender.send(b"one".to_vec(), &memory).await.unwrap();
        let first = pieces.recv().await.unwrap();
        let head = first.head.unwrap();
        assert_eq!((head.status, first.body.as_ref()), (201, b"one".as_slice()));
        assert_eq!(head.headers.get("x").unwrap(), &["1", "2"]);
        sender.send(b"two".to_vec(), &memory).await.unwrap();
        assert_eq!(pieces.recv().await.unwrap(), Piece { head: None, body: Bytes::from_static(b"two") });
    }

    #[tokio::test]
    async fn misuse_and_a_caller_that_is_gone_are_errors() {
        let (mut sender, pieces) = ResponseSender::channel();
        assert_eq!(sender.start(42, Vec::new()), Err(SenderError::Misuse));
        sender.start(200, Vec::new()).unwrap();
        assert_eq!(sender.start(200, Vec::new()), Err(SenderError::Misuse));
        drop(pieces);
        assert_eq!(sender.send(Vec::new(), &MemoryAccount::new(0).owner()).await, Err(SenderError::Closed));
    }
    #[test]
    fn a_head_has_a_limited_number_of_headers_and_bytes() {
        let headers = |count: usize, bytes: usize| vec![("x".to_owned(), "y".repeat(bytes - 1)); count];
        let start = |headers| ResponseSender::channel().0.start(200, headers);
        let each = MAX_HEAD / MAX_HEADERS;
        assert_eq!(start(headers(MAX_HEADERS, each)), Ok(()));
        for (count, bytes) in [(MAX_HEADERS + 1, 1), (MAX_HEADERS, each + 1), (1, MAX_HEAD + 1)] {
            let long = SenderError::LongHead { headers: count, bytes: count * bytes };
            assert_eq!(start(headers(count, bytes)), Err(long));
        }
        let (mut sender, _pieces) = ResponseSender::channel();
        sender.start(200, headers(MAX_HEADERS + 1, 1)).unwrap_err();
        assert_eq!(sender.start(200, headers(1, 1)), Ok(()), "the component can try again");
    }
}
