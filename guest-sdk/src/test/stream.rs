//! What a stream answers and sends.

use crate::Frame;
use crate::bindings::base::gpx::plugin::packets as wit;
use crate::bindings::stream::exports::gpx::plugin::stream::Reply as WitReply;
use crate::stream::Include;

/// The answer to a subscription or a publication. [`Opened::run`](super::Opened::run) has an example.
#[derive(Clone, Debug, PartialEq)]
#[expect(clippy::large_enum_variant, reason = "a test has few, and matches them without a box")]
pub enum ReplyRecord {
    /// It is permitted; with what goes along.
    Accepted(Option<PacketRecord>),
    NotFound,
    PermissionDenied,
}

/// A packet of a stream. [`Opened::run`](super::Opened::run) has an example.
#[derive(Clone, Debug, PartialEq)]
#[expect(clippy::large_enum_variant, reason = "a test has few, and matches them without a box")]
pub enum PacketRecord {
    Frame(Frame, Include),
    /// Any JSON.
    Json(serde_json::Value),
}

// === impl ReplyRecord ===

impl From<WitReply> for ReplyRecord {
    fn from(reply: WitReply) -> Self {
        match reply {
            WitReply::Accepted(packet) => Self::Accepted(packet.map(Into::into)),
            WitReply::NotFound => Self::NotFound,
            WitReply::PermissionDenied => Self::PermissionDenied,
        }
    }
}

// === impl PacketRecord ===

impl From<wit::Packet> for PacketRecord {
    fn from(packet: wit::Packet) -> Self {
        match packet {
            wit::Packet::Frame(wit::Framed { frame, include }) => {
                let include = match include {
                    wit::Include::All => Include::All,
                    wit::Include::Data => Include::Data,
                    wit::Include::Schema => Include::Schema,
                };
                Self::Frame(frame.into(), include)
            }
            // The SDK has written it.
            wit::Packet::Json(text) => Self::Json(serde_json::from_str(&text).unwrap_or_default()),
        }
    }
}
