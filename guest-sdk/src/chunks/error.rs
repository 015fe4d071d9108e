//! Why a chunk was not sent.

use std::fmt;

use crate::Source;
use crate::bindings::base::gpx::plugin::chunks as wit;

/// Why a chunk was not sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChunkError {
    /// The caller is gone. Stop working: the host drops the instance shortly.
    Closed,
    /// The refId or the frame's id is empty, or longer than 1 KiB.
    Misuse,
}

// === impl ChunkError ===

impl ChunkError {
    /// 499 is what proxies log if the caller is gone.
    pub(crate) fn blame(self) -> (u16, Source) {
        match self {
            Self::Closed => (499, Source::Downstream),
            Self::Misuse => (500, Source::Plugin),
        }
    }
}

impl fmt::Display for ChunkError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Closed => "the caller of the query is gone",
            Self::Misuse => {
                "the refId or the frame's id is empty or longer than 1 KiB; give both, and short ones"
            }
        })
    }
}

impl std::error::Error for ChunkError {}

impl From<wit::SendError> for ChunkError {
    fn from(error: wit::SendError) -> Self {
        match error {
            wit::SendError::Closed => Self::Closed,
            wit::SendError::Misuse => Self::Misuse,
        }
    }
}
