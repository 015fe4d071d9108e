//! `gpx:plugin/chunks`, function by function.

use wasmtime::Result;
use wasmtime::component::{HasData, Resource, ResourceTable};

use super::sender::{ChunkError, ChunkSender, Rows};
use crate::budget::OwnerMemory;
use crate::capability::bindings::gpx::plugin::chunks::{Host, HostChunkSender, SendError};
use crate::capability::bindings::gpx::plugin::frames::Frame;
use crate::capability::bindings::gpx::plugin::types::Fault;

/// The part of a store that this interface works on.
pub(crate) struct ChunksView<'a> {
    pub table: &'a mut ResourceTable,
    /// What chunks are charged to until they have been sent.
    pub memory: &'a OwnerMemory,
}

/// Names [`ChunksView`] for the linker.
pub(crate) struct HasChunks;

impl HasData for HasChunks {
    type Data<'a> = ChunksView<'a>;
}

impl Host for ChunksView<'_> {}

impl HostChunkSender for ChunksView<'_> {
    async fn send_frame(
        &mut self,
        sender: Resource<ChunkSender>,
        ref_id: String,
        frame_id: String,
        frame: Frame,
    ) -> Result<Result<(), SendError>> {
        let sender = self.table.get_mut(&sender)?;
        told(sender.send_rows(Rows { ref_id, frame_id, frame }, self.memory).await)
    }

    async fn send_fault(
        &mut self,
        sender: Resource<ChunkSender>,
        ref_id: String,
        fault: Fault,
    ) -> Result<Result<(), SendError>> {
        told(self.table.get_mut(&sender)?.send_fault(ref_id, fault).await)
    }

    fn drop(&mut self, sender: Resource<ChunkSender>) -> Result<()> {
        self.table.delete(sender)?;
        Ok(())
    }
}

/// Returns what the component learns. Without memory, it is stopped: the contract has no name for that.
fn told(sent: Result<(), ChunkError>) -> Result<Result<(), SendError>> {
    match sent {
        Ok(()) => Ok(Ok(())),
        Err(ChunkError::Misuse) => Ok(Err(SendError::Misuse)),
        Err(ChunkError::Closed) => Ok(Err(SendError::Closed)),
        Err(ChunkError::Memory(refused)) => Err(refused.into()),
    }
}
