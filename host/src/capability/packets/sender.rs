//! The packets of a stream on their way to Grafana.

use std::pin::Pin;

use bytes::Bytes;
use tokio::sync::mpsc;

use crate::budget::{Charge, MemoryKind, OwnerMemory, Refused};
use crate::capability::bindings::gpx::plugin::packets::Packet;

/// Encodes packets as JSON. They stay charged to their owner until they have been sent.
pub(crate) trait EncodePackets: Send {
    /// Returns the memory of a packet, in bytes.
    fn weight(&self, packet: &Packet) -> usize;

    /// `paid` is what the packet is charged for.
    fn encode(&self, packet: Packet, paid: Charge) -> PacketFuture<'_>;
}

pub(crate) type PacketFuture<'e> = Pin<Box<dyn Future<Output = Result<Bytes, Unsendable>> + Send + 'e>>;

/// Why a packet has no JSON.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Unsendable {
    /// What is wrong with it, for the plugin's author.
    Invalid(String),
    /// There is no memory for it.
    Memory(Refused),
}

/// Why a sender refuses a packet.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum PacketError {
    /// Nobody is subscribed any more.
    Closed,
    Unsendable(Unsendable),
}

/// What a component sends its packets to.
#[expect(unreachable_pub, reason = "generated code exports it")]
pub struct PacketSender {
    encoder: Box<dyn EncodePackets>,
    packets: mpsc::Sender<Bytes>,
}

// === impl PacketSender ===

impl PacketSender {
    /// Returns a sender, and the receiver of its packets. At most one waits, so a slow caller slows the component down.
    pub(crate) fn channel(encoder: Box<dyn EncodePackets>) -> (Self, mpsc::Receiver<Bytes>) {
        let (packets, receiver) = mpsc::channel(1);
        (Self { encoder, packets }, receiver)
    }

    /// Waits until there is room for a packet, and encodes and sends it. It is charged from the start, even if there is no
    /// memory left: it takes it already.
    pub(super) async fn send(&mut self, packet: Packet, memory: &OwnerMemory) -> Result<(), PacketError> {
        let paid = memory.charge_anyway(MemoryKind::Answers, self.encoder.weight(&packet));
        let room = self.packets.reserve().await.map_err(|_| PacketError::Closed)?;
        let encoded = self.encoder.encode(packet, paid).await.map_err(PacketError::Unsendable)?;
        room.send(encoded);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::budget::MemoryAccount;

    /// Takes whatever is no `x`.
    struct Anything;

    impl EncodePackets for Anything {
        fn weight(&self, _: &Packet) -> usize {
            1000
        }

        fn encode(&self, packet: Packet, paid: Charge) -> PacketFuture<'_> {
            assert_eq!(paid.bytes(), 1000);
            Box::pin(async move {
                match packet {
                    Packet::Json(json) if json != "x" => Ok(paid.keep(json)),
                    _ => Err(Unsendable::Invalid("it is x".to_owned())),
                }
            })
        }
    }

    fn packet(json: &str) -> Packet {
        Packet::Json(json.to_owned())
    }

    #[tokio::test]
    async fn one_packet_waits_an_invalid_one_does_not_and_a_caller_that_is_gone_is_an_error() {
        let account = MemoryAccount::new(1 << 20);
        let memory = account.owner();
        let (mut sender, mut packets) = PacketSender::channel(Box::new(Anything));
        let invalid = PacketError::Unsendable(Unsendable::Invalid("it is x".to_owned()));
        assert_eq!(sender.send(packet("x"), &memory).await, Err(invalid));
        assert_eq!(account.taken(), 0);
        sender.send(packet("1"), &memory).await.unwrap();
        let mut second = Box::pin(sender.send(packet("2"), &memory));
        assert!(futures_util::poll!(&mut second).is_pending());
        assert_eq!(account.taken(), 2000, "both are charged");
        assert_eq!(packets.recv().await.unwrap(), "1");
        second.await.unwrap();
        let mut third = Box::pin(sender.send(packet("3"), &memory));
        assert!(futures_util::poll!(&mut third).is_pending());
        drop(packets);
        assert_eq!(third.await, Err(PacketError::Closed));
        assert_eq!(sender.send(packet("x"), &memory).await, Err(PacketError::Closed));
        assert_eq!(account.taken(), 0);
    }
}
