//! Why an answer was not sent.

use std::fmt;

use crate::Source;
use crate::bindings::base::gpx::plugin::response as wit;

/// Why a piece of an answer was not sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SendError {
    /// The caller is gone. Stop working: the host drops the instance shortly.
    Closed,
    /// `start` after something was sent, or a status outside 100 to 599.
    Misuse,
}

// === impl SendError ===

impl SendError {
    /// 499 is what proxies log if the caller is gone.
    pub(crate) fn blame(self) -> (u16, Source) {
        match self {
            Self::Closed => (499, Source::Downstream),
            Self::Misuse => (500, Source::Plugin),
        }
    }
}

impl fmt::Display for SendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Closed => "the caller of the resource is gone",
            Self::Misuse => "the status must be from 100 to 599, and be set once and before the body",
        })
    }
}

impl std::error::Error for SendError {}

impl From<wit::SendError> for SendError {
    fn from(error: wit::SendError) -> Self {
        match error {
            wit::SendError::Closed => Self::Closed,
            wit::SendError::Misuse => Self::Misuse,
        }
    }
}
