//! An answer while it is being encoded, which may be dropped at any time.

use bytes::Bytes;

use super::pace;
use crate::budget::Charge;
use crate::capability::bindings::gpx::plugin::frames::Frame;

/// An answer that is being encoded.
pub(super) struct Encoding {
    pub(super) frames: Vec<Frame>,
    pub(super) encoded: Vec<Bytes>,
    /// What the frames are charged for.
    pub(super) lifted: Option<Charge>,
    /// Whether it was encoded without a pause: then it is also freed quickly.
    pub(super) is_small: bool,
}

// === impl Encoding ===

impl Drop for Encoding {
    fn drop(&mut self) {
        if !self.is_small {
            let parts =
                (std::mem::take(&mut self.frames), std::mem::take(&mut self.encoded), self.lifted.take());
            pace::drop_elsewhere(parts);
        }
    }
}
