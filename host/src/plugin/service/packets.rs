//! The packets of streams as JSON.

use bytes::Bytes;

use crate::budget::{Charge, OwnerMemory};
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
        Packet::Json(json) => Ok(frame::check_json(json, memory).await?),
    }
}

/// Returns the memory of a packet, in bytes, or a little less.
pub(super) fn weight(packet: &Packet) -> usize {
    match packet {
        Packet::Frame(framed) => frame::weight(std::slice::from_ref(&framed.frame)),
        Packet::Json(json) => COPIES * json.len(),
    }
}

/// Returns what is wrong with a packet, for the plugin's author.
pub(super) fn told(mistake: PacketMistake, scrub: &Scrub) -> String {
    scrub.shorten(mistake.scrubbed(scrub).to_string(), MAX_REASON)
}

// === impl PacketEncoder ===

impl EncodePackets for PacketEncoder {
    fn weight(&self, packet: &Packet) -> usize {
        weight(packet)
    }

    fn encode(&self, packet: Packet, paid: Charge) -> PacketFuture<'_> {
        Box::pin(async move {
            let is_frame = matches!(packet, Packet::Frame(_));
            let encoded = encode(packet, paid).await;
            let encoded = encoded.map_err(|mistake| Unsendable::Invalid(told(mistake, &self.scrub)))?;
            if !is_frame {
                return Ok(encoded);
            }
            frame::paid_while_it_waits(encoded, &self.memory).await.map_err(Unsendable::Memory)
        })
    }
}
