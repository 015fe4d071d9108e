//! Answers that are sent chunk by chunk: see [`DataChunked`](crate::DataChunked).

mod error;

use crate::host::chunks as wit;
use crate::{Fault, Frame};

pub use self::error::ChunkError;

/// Takes the answer to queries, chunk by chunk.
#[derive(Debug)]
pub struct ChunkSender(wit::ChunkSender);

// === impl ChunkSender ===

impl ChunkSender {
    /// Sends rows of a frame. Those with the same refId and the same id of your choice make up one frame: give them the same
    /// columns, and finish it before you begin another one of that refId. Name, meta, labels and configs are those of the
    /// first. Blocks while the caller is slower than the plugin. A large frame is passed on in parts.
    ///
    /// A mistake in the frame is not returned: Grafana gets it as the error of its refId.
    pub fn frame(&mut self, ref_id: &str, frame_id: &str, frame: Frame) -> Result<(), ChunkError> {
        frame.parts().try_for_each(|part| Ok(self.0.send_frame(ref_id, frame_id, &part)?))
    }

    /// Sends what went wrong with a query. Its frames, from before and after, are shown all the same.
    pub fn fault(&mut self, ref_id: &str, fault: impl Into<Fault>) -> Result<(), ChunkError> {
        Ok(self.0.send_fault(ref_id, &fault.into().into())?)
    }
}

impl From<wit::ChunkSender> for ChunkSender {
    fn from(sender: wit::ChunkSender) -> Self {
        Self(sender)
    }
}
