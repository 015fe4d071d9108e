//! `gpx:plugin/response`: the answer of a resource call, handed to the caller piece by piece.

mod host;
mod sender;

pub use self::host::{HasResponse, ResponseView};
pub use self::sender::{Piece, ResponseHead, ResponseSender};
