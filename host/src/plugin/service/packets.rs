//! The packets of streams as JSON.

use bytes::Bytes;

use crate::budget::{Charge, MemoryKind, OwnerMemory};
use crate::capability::bindings::gpx::plugin::packets::{Framed, Include, Packet};
use crate::capability::packets::{EncodePackets, PacketFuture, Unsendable};
use crate::frame::{self, PacketMistake};
use crate::text::{MAX_REASON, Scrub};

/// Encodes the packets of one stream. Works within the turn of its call.
pub(super) struct PacketEncoder {
    pub scrub: Scrub,
    /// What its packets are charged to. Not the owner itself: the encoder lies in an instance.
    pub memory: OwnerMemory,
}

/// A text is counted so many times: the message is a copy of it.
const COPIES: usize = 2;

/// Encodes a packet, which is charged to `memory`.
pub(super) async fn encode(packet: Packet, memory: Charge) -> Result<Bytes, PacketMistake> {
    match packet {
        Packet::Frame(Framed { frame, include }) => {
            let include = match include {
                Include::All => frame::Include::All,
                Include::Data => frame::Include::Rows,
                Include::Schema => frame::Include::Schema,
            };
            frame::encode_packet(frame, include, memory).await
        }
        Packet::Json(json) => frame::check_json(json, memory).await,
    }
}

/// Returns the memory of a packet, in bytes, or a little less.
pub(super) fn weight(packet: &Packet) -> usize {
    match packet {
        Packet::Frame(framed) => frame::weight(std::slice::from_ref(&framed.frame)),
        Packet::Json(json) => COPIES * json.len(),
    }
}

// === impl PacketEncoder ===

impl EncodePackets for PacketEncoder {
    fn weight(&self, packet: &Packet) -> usize {
        weight(packet)
    }

    fn encode(&self, packet: Packet, paid: Charge) -> PacketFuture<'_> {
        Box::pin(async move {
            let is_frame = matches!(packet, Packet::Frame(_));
            let encoded = match encode(packet, paid).await {
                Ok(encoded) => encoded,
                Err(mistake) => {
                    let text = self.scrub.text(mistake.scrubbed(&self.scrub).to_string());
                    return Err(Unsendable::Invalid(self.scrub.shorten(text, MAX_REASON)));
                }
            };
            if !is_frame {
                return Ok(encoded);
            }
            let mut waiting = self.memory.nothing(MemoryKind::Answers);
            // More than this has been paid for while it was encoded.
            waiting.grow(encoded.len().min(frame::FREE)).await.map_err(Unsendable::Memory)?;
            Ok(waiting.keep(encoded))
        })
    }
}
