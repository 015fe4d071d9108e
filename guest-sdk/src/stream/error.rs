//! Why a packet was not sent.

use std::fmt;

use crate::Source;
use crate::bindings::base::gpx::plugin::packets as wit;

/// Why a packet was not sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PacketError {
    /// Nobody is subscribed any more, or the settings have changed. Stop working: the host drops the instance shortly.
    Closed,
    /// What is wrong with the packet. The stream goes on without it.
    Invalid(String),
}

// === impl PacketError ===

impl PacketError {
    /// 499 is what proxies log if the caller is gone.
    pub(crate) fn blame(&self) -> (u16, Source) {
        match self {
            Self::Closed => (499, Source::Downstream),
            Self::Invalid(_) => (500, Source::Plugin),
        }
    }
}

impl fmt::Display for PacketError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Closed => f.write_str("nobody is subscribed to the stream any more"),
            Self::Invalid(reason) => f.write_str(reason),
        }
    }
}

impl std::error::Error for PacketError {}

impl From<wit::SendError> for PacketError {
    fn from(error: wit::SendError) -> Self {
        match error {
            wit::SendError::Closed => Self::Closed,
            wit::SendError::Invalid(reason) => Self::Invalid(reason),
        }
    }
}
