//! `gpx:plugin/response`: the answer of a resource call, handed to the caller piece by piece.

use std::collections::HashMap;

use bytes::Bytes;
use tokio::sync::mpsc;
use wasmtime::Result;
use wasmtime::component::Resource;

use crate::bindings::gpx::plugin::response::{Host, HostResponseSender, SendError};
use crate::bindings::gpx::plugin::types::Header;
use crate::plugin::State;

/// A piece of an answer. The first one carries status and headers, as Grafana expects of a resource stream.
#[derive(Debug, Default, PartialEq)]
pub struct Piece {
    pub head: Option<Head>,
    pub body: Bytes,
}

/// Status and headers of an answer.
#[derive(Debug, PartialEq)]
pub struct Head {
    pub status: u16,
    pub headers: HashMap<String, Vec<String>>,
}

/// Where a component writes its answer to.
pub struct ResponseSender {
    /// What the next piece carries; none once it was sent.
    head: Option<Head>,
    started: bool,
    pieces: mpsc::Sender<Piece>,
}

// === impl ResponseSender ===

impl ResponseSender {
    /// A sender, and the pieces as they come. One piece waits at most: a slow caller slows the component down.
    pub fn channel() -> (Self, mpsc::Receiver<Piece>) {
        let (pieces, receiver) = mpsc::channel(1);
        (Self { head: Some(Head::default()), started: false, pieces }, receiver)
    }

    fn start(&mut self, status: u16, headers: Vec<Header>) -> Result<(), SendError> {
        if self.started || self.head.is_none() || !(100..600).contains(&status) {
            return Err(SendError::Misuse);
        }
        let mut grouped = HashMap::<String, Vec<String>>::new();
        for Header { name, value } in headers {
            grouped.entry(name).or_default().push(value);
        }
        self.started = true;
        self.head = Some(Head { status, headers: grouped });
        Ok(())
    }

    async fn send(&mut self, body: Vec<u8>) -> Result<(), SendError> {
        let piece = Piece { head: self.head.take(), body: body.into() };
        self.pieces.send(piece).await.map_err(|_| SendError::Closed)
    }
}

// === impl Head ===

impl Default for Head {
    fn default() -> Self {
        Self { status: 200, headers: HashMap::new() }
    }
}

// === impl State ===

impl Host for State {}

impl HostResponseSender for State {
    fn start(
        &mut self,
        sender: Resource<ResponseSender>,
        status: u16,
        headers: Vec<Header>,
    ) -> Result<Result<(), SendError>> {
        Ok(self.table.get_mut(&sender)?.start(status, headers))
    }

    async fn send(
        &mut self,
        sender: Resource<ResponseSender>,
        body: Vec<u8>,
    ) -> Result<Result<(), SendError>> {
        Ok(self.table.get_mut(&sender)?.send(body).await)
    }

    fn drop(&mut self, sender: Resource<ResponseSender>) -> Result<()> {
        // What was started and had no body is an answer all the same.
        let mut sender = self.table.delete(sender)?;
        if sender.started
            && let Some(head) = sender.head.take()
        {
            // The channel holds one piece and none was sent, so there is room unless the caller is gone.
            let _ = sender.pieces.try_send(Piece { head: Some(head), body: Bytes::new() });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_first_piece_carries_the_head() {
        let (mut sender, mut pieces) = ResponseSender::channel();
        let header = |value: &str| Header { name: "x".to_owned(), value: value.to_owned() };
        sender.start(201, vec![header("1"), header("2")]).unwrap();
        sender.send(b"one".to_vec()).await.unwrap();
        let first = pieces.recv().await.unwrap();
        let head = first.head.unwrap();
        assert_eq!((head.status, first.body.as_ref()), (201, b"one".as_slice()));
        assert_eq!(head.headers.get("x").unwrap(), &["1", "2"]);
        sender.send(b"two".to_vec()).await.unwrap();
        assert_eq!(pieces.recv().await.unwrap(), Piece { head: None, body: Bytes::from_static(b"two") });
    }

    #[tokio::test]
    async fn misuse_and_a_caller_that_is_gone_are_values() {
        let (mut sender, pieces) = ResponseSender::channel();
        assert_eq!(sender.start(42, Vec::new()), Err(SendError::Misuse));
        sender.start(200, Vec::new()).unwrap();
        assert_eq!(sender.start(200, Vec::new()), Err(SendError::Misuse));
        drop(pieces);
        assert_eq!(sender.send(Vec::new()).await, Err(SendError::Closed));
    }
}
