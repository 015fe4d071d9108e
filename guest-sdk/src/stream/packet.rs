//! What a stream sends.

use serde::Serialize;

use super::error::PacketError;
use crate::Frame;
use crate::bindings::base::gpx::plugin::packets as wit;
use crate::host::packets;

/// Which part of a frame is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Include {
    /// The schema and the rows. Every subscriber understands it.
    All,
    /// Only the rows. A subscriber must have the schema of the same fields, from the answer to
    /// [`subscribe`](crate::Stream::subscribe) or from an earlier packet.
    Data,
    /// Only the schema: name, meta, and the fields without their values.
    Schema,
}

/// Takes the packets of a stream.
#[derive(Debug)]
pub struct PacketSender(packets::PacketSender);

// === impl PacketSender ===

impl PacketSender {
    /// Sends a frame, which panels show. Blocks while Grafana is slower than the plugin. A frame may have up to 2 MiB.
    ///
    /// A mistake in the frame is returned, and nothing is sent.
    pub fn frame(&mut self, frame: Frame, include: Include) -> Result<(), PacketError> {
        Ok(self.0.send(&self::frame(frame, include))?)
    }

    /// Sends anything as JSON, for a frontend of your own. Everything else is as for a frame.
    pub fn json(&mut self, value: &impl Serialize) -> Result<(), PacketError> {
        Ok(self.0.send(&self::json(value)?)?)
    }
}

impl From<packets::PacketSender> for PacketSender {
    fn from(sender: packets::PacketSender) -> Self {
        Self(sender)
    }
}

pub(super) fn frame(frame: Frame, include: Include) -> wit::Packet {
    let include = match include {
        Include::All => wit::Include::All,
        Include::Data => wit::Include::Data,
        Include::Schema => wit::Include::Schema,
    };
    wit::Packet::Frame(wit::Framed { frame: frame.into(), include })
}

pub(super) fn json(value: &impl Serialize) -> Result<wit::Packet, PacketError> {
    let text = serde_json::to_string(value);
    text.map(wit::Packet::Json)
        .map_err(|error| PacketError::Invalid(format!("the packet cannot be written as JSON: {error}")))
}
