//! The answer to chunked queries on its way to the caller, chunk by chunk.

use std::pin::Pin;

use bytes::Bytes;
use tokio::sync::mpsc;

use crate::budget::{Charge, MemoryKind, OwnerMemory, Refused};
use crate::capability::bindings::gpx::plugin::frames::Frame;
use crate::capability::bindings::gpx::plugin::types::Fault;

/// Rows of a frame, as they came from the component.
#[derive(Debug)]
pub(crate) struct Rows {
    pub ref_id: String,
    pub frame_id: String,
    pub frame: Frame,
}

/// A chunk of an answer.
#[derive(Debug)]
pub(crate) struct Chunk {
    pub ref_id: String,
    pub content: Content,
}

/// What a chunk brings.
#[derive(Debug)]
pub(crate) enum Content {
    Rows { frame_id: String, frame: Bytes },
    Fault(Fault),
}

/// Encodes rows for the caller. They stay charged to their owner until they have been sent.
pub(crate) trait EncodeChunks: Send {
    /// Returns the memory of a frame, in bytes.
    fn weight(&self, frame: &Frame) -> usize;

    /// A mistake in the rows, which are charged to `paid`, is the content of their chunk.
    fn encode(&mut self, rows: Rows, paid: Charge) -> ChunkFuture<'_>;

    /// Makes the component's own error fit for a person.
    fn clean(&self, fault: Fault) -> Fault;
}

pub(crate) type ChunkFuture<'e> = Pin<Box<dyn Future<Output = Result<Chunk, Refused>> + Send + 'e>>;

/// Why a sender refuses a chunk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ChunkError {
    /// The refId or the frame's id is empty, or longer than [`MAX_NAME`].
    Misuse,
    /// The caller is gone.
    Closed,
    /// There is no memory for the chunk.
    Memory(Refused),
}

/// How long a refId or a frame's id may be, in bytes.
const MAX_NAME: usize = 1 << 10;

/// What a component sends its chunks to.
#[expect(unreachable_pub, reason = "generated code exports it")]
pub struct ChunkSender {
    encoder: Box<dyn EncodeChunks>,
    chunks: mpsc::Sender<Chunk>,
}

/// Returns whether a refId or a frame's id is neither empty nor long.
fn is_name(text: &str) -> bool {
    (1..=MAX_NAME).contains(&text.len())
}

// === impl ChunkSender ===

impl ChunkSender {
    /// Returns a sender, and the receiver of its chunks. At most one chunk waits, so a slow caller slows the component down.
    pub(crate) fn channel(encoder: Box<dyn EncodeChunks>) -> (Self, mpsc::Receiver<Chunk>) {
        let (chunks, receiver) = mpsc::channel(1);
        (Self { encoder, chunks }, receiver)
    }

    /// Waits until there is room for a chunk, and encodes and sends the rows. They are charged from the start, even if there
    /// is no memory left: they take it already.
    pub(super) async fn send_rows(&mut self, rows: Rows, memory: &OwnerMemory) -> Result<(), ChunkError> {
        if !is_name(&rows.ref_id) || !is_name(&rows.frame_id) {
            return Err(ChunkError::Misuse);
        }
        let paid = memory.charge_anyway(MemoryKind::Answers, self.encoder.weight(&rows.frame));
        let room = self.chunks.reserve().await.map_err(|_| ChunkError::Closed)?;
        room.send(self.encoder.encode(rows, paid).await.map_err(ChunkError::Memory)?);
        Ok(())
    }

    /// Waits until there is room for a chunk, and sends the error of a refId.
    pub(super) async fn send_fault(&mut self, ref_id: String, fault: Fault) -> Result<(), ChunkError> {
        if !is_name(&ref_id) {
            return Err(ChunkError::Misuse);
        }
        let content = Content::Fault(self.encoder.clean(fault));
        self.chunks.send(Chunk { ref_id, content }).await.map_err(|_| ChunkError::Closed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::budget::MemoryAccount;
    use crate::capability::bindings::gpx::plugin::types::FaultSource;

    /// Encodes as the frame's name.
    struct Names;

    impl EncodeChunks for Names {
        fn weight(&self, _: &Frame) -> usize {
            1000
        }

        fn encode(&mut self, rows: Rows, paid: Charge) -> ChunkFuture<'_> {
            assert_eq!(paid.bytes(), 1000);
            let Rows { ref_id, frame_id, frame } = rows;
            Box::pin(async move {
                Ok(Chunk { ref_id, content: Content::Rows { frame_id, frame: frame.name.into() } })
            })
        }

        fn clean(&self, fault: Fault) -> Fault {
            Fault { message: "clean".to_owned(), ..fault }
        }
    }

    fn rows(ref_id: &str, frame_id: &str) -> Rows {
        let frame = Frame { name: "x".to_owned(), ref_id: String::new(), meta: None, fields: Vec::new() };
        Rows { ref_id: ref_id.to_owned(), frame_id: frame_id.to_owned(), frame }
    }

    fn fault() -> Fault {
        Fault { status: 500, message: "secret".to_owned(), source: FaultSource::Plugin }
    }

    #[tokio::test]
    async fn chunks_have_names_and_faults_are_cleaned() {
        let memory = MemoryAccount::new(1 << 20).owner();
        let (mut sender, mut chunks) = ChunkSender::channel(Box::new(Names));
        assert_eq!(sender.send_rows(rows("", "1"), &memory).await, Err(ChunkError::Misuse));
        assert_eq!(sender.send_rows(rows("A", ""), &memory).await, Err(ChunkError::Misuse));
        assert_eq!(sender.send_fault(String::new(), fault()).await, Err(ChunkError::Misuse));
        sender.send_rows(rows("A", "1"), &memory).await.unwrap();
        let Content::Rows { frame_id, frame } = chunks.recv().await.unwrap().content else {
            panic!("a fault")
        };
        assert_eq!((frame_id.as_str(), frame.as_ref()), ("1", b"x".as_slice()));
        sender.send_fault("A".to_owned(), fault()).await.unwrap();
        let Content::Fault(fault) = chunks.recv().await.unwrap().content else { panic!("rows") };
        assert_eq!(fault.message, "clean");
    }

    #[tokio::test]
    async fn long_names_are_refused() {
        let memory = MemoryAccount::new(1 << 20).owner();
        let (mut sender, mut chunks) = ChunkSender::channel(Box::new(Names));
        let (long, longest) = ("x".repeat(1025), "x".repeat(1024));
        assert_eq!(sender.send_rows(rows(&long, "1"), &memory).await, Err(ChunkError::Misuse));
        assert_eq!(sender.send_rows(rows("A", &long), &memory).await, Err(ChunkError::Misuse));
        assert_eq!(sender.send_fault(long, fault()).await, Err(ChunkError::Misuse));
        sender.send_rows(rows(&longest, &longest), &memory).await.unwrap();
        assert_eq!(chunks.recv().await.unwrap().ref_id, longest);
    }

    #[tokio::test]
    async fn rows_are_charged_even_if_there_is_no_memory() {
        let account = MemoryAccount::new(1500);
        let others = account.owner().try_charge(MemoryKind::Answers, 1500).unwrap();
        let memory = account.owner();
        let (mut sender, mut chunks) = ChunkSender::channel(Box::new(Names));
        sender.chunks.try_send(Chunk { ref_id: "A".to_owned(), content: Content::Fault(fault()) }).unwrap();
        let mut sent = Box::pin(sender.send_rows(rows("A", "1"), &memory));
        assert!(futures_util::poll!(&mut sent).is_pending());
        assert_eq!(account.taken(), 2500);
        chunks.recv().await.unwrap();
        sent.await.unwrap();
        drop(others);
        assert_eq!(account.taken(), 0);
    }

    #[tokio::test]
    async fn one_chunk_waits_and_a_caller_that_is_gone_is_an_error() {
        let account = MemoryAccount::new(1 << 20);
        let memory = account.owner();
        let (mut sender, chunks) = ChunkSender::channel(Box::new(Names));
        sender.send_rows(rows("A", "1"), &memory).await.unwrap();
        let mut second = Box::pin(sender.send_rows(rows("A", "1"), &memory));
        assert!(futures_util::poll!(&mut second).is_pending());
        assert_eq!(account.taken(), 1000, "it is charged while it waits");
        drop(chunks);
        assert_eq!(second.await, Err(ChunkError::Closed));
        assert_eq!(sender.send_fault("A".to_owned(), fault()).await, Err(ChunkError::Closed));
    }
}
