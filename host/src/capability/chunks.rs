//! `gpx:plugin/chunks`: the answer to chunked queries, passed to the caller chunk by chunk.

mod host;
mod sender;

pub(crate) use self::host::{ChunksView, HasChunks};
#[expect(unreachable_pub, reason = "generated code exports it")]
pub use self::sender::ChunkSender;
pub(crate) use self::sender::{Chunk, ChunkFuture, Content, EncodeChunks, Rows};
