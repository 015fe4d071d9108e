//! `gpx:plugin/response`: the answer of a resource call, handed to the caller piece by piece.

mod host;
mod sender;

pub(crate) use self::host::{HasResponse, ResponseView};
#[expect(unreachable_pub, reason = "generated code exports it")]
pub use self::sender::ResponseSender;
pub(crate) use self::sender::{Piece, ResponseHead};
