//! `gpx:plugin/packets`, function by function.

use wasmtime::Result;
use wasmtime::component::{HasData, Resource, ResourceTable};

use super::sender::{PacketError, PacketSender, Unsendable};
use crate::budget::OwnerMemory;
use crate::capability::bindings::gpx::plugin::packets::{Host, HostPacketSender, Packet, SendError};

/// The part of a store that this interface works on.
pub(crate) struct PacketsView<'a> {
    pub table: &'a mut ResourceTable,
    /// What packets are charged to until they have been sent.
    pub memory: &'a OwnerMemory,
}

/// Names [`PacketsView`] for the linker.
pub(crate) struct HasPackets;

impl HasData for HasPackets {
    type Data<'a> = PacketsView<'a>;
}

impl Host for PacketsView<'_> {}

impl HostPacketSender for PacketsView<'_> {
    async fn send(
        &mut self,
        sender: Resource<PacketSender>,
        packet: Packet,
    ) -> Result<Result<(), SendError>> {
        match self.table.get_mut(&sender)?.send(packet, self.memory).await {
            Ok(()) => Ok(Ok(())),
            Err(PacketError::Closed) => Ok(Err(SendError::Closed)),
            Err(PacketError::Unsendable(Unsendable::Invalid(text))) => Ok(Err(SendError::Invalid(text))),
            // The contract has no name for it.
            Err(PacketError::Unsendable(Unsendable::Memory(refused))) => Err(refused.into()),
        }
    }

    fn drop(&mut self, sender: Resource<PacketSender>) -> Result<()> {
        self.table.delete(sender)?;
        Ok(())
    }
}
