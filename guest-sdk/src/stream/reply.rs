//! The answer to a subscription or a publication.

use serde::Serialize;

use super::packet::{self, Include};
use crate::bindings::base::gpx::plugin::packets::Packet;
use crate::bindings::stream::exports::gpx::plugin::stream as wit;
use crate::{Frame, Result};

/// Whether a user may subscribe or publish, and what goes with it. For a subscription, that is what this subscriber gets
/// first; for a publication, what is published instead.
#[derive(Debug)]
pub struct Reply(wit::Reply);

// === impl Reply ===

impl Reply {
    /// Permits it.
    pub fn ok() -> Self {
        Self(wit::Reply::Accepted(None))
    }

    /// Permits it, and sends a frame along. With a frame without rows and [`Include::All`], a subscriber has the schema that
    /// packets with [`Include::Data`] need.
    pub fn frame(frame: Frame, include: Include) -> Self {
        Self::with(packet::frame(frame, include))
    }

    /// Permits it, and sends any JSON along.
    pub fn json(value: &impl Serialize) -> Result<Self> {
        Ok(Self::with(packet::json(value)?))
    }

    /// There is no such channel.
    pub fn not_found() -> Self {
        Self(wit::Reply::NotFound)
    }

    /// The user may not do that.
    pub fn permission_denied() -> Self {
        Self(wit::Reply::PermissionDenied)
    }

    fn with(packet: Packet) -> Self {
        Self(wit::Reply::Accepted(Some(packet)))
    }
}

impl From<Reply> for wit::Reply {
    fn from(reply: Reply) -> Self {
        reply.0
    }
}
