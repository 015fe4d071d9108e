//! `gpx:plugin/packets`: what a stream sends, packet by packet.

mod host;
mod sender;

pub(crate) use self::host::{HasPackets, PacketsView};
#[expect(unreachable_pub, reason = "generated code exports it")]
pub use self::sender::PacketSender;
pub(crate) use self::sender::{EncodePackets, PacketFuture, Unsendable};
