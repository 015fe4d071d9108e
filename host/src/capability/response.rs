//! `gpx:plugin/response`: the answer to a resource call, passed to the caller chunk by chunk.

mod host;
mod sender;

pub(crate) use self::host::{HasResponse, ResponseView};
#[expect(unreachable_pub, reason = "generated code exports it")]
pub use self::sender::ResponseSender;
pub(crate) use self::sender::{Piece, ResponseHead};
