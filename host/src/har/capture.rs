//! What is recorded of one call.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::document;
use super::entry::Exchange;
use super::limits::{MAX_HEADS, MAX_TOTAL};
use crate::budget::{Charge, Refused, beside_others};
use crate::text::Scrub;

/// The exchanges of one call. Cheap to clone.
#[derive(Clone, Default)]
pub(crate) struct Capture(Arc<Mutex<Captured>>);

#[derive(Default)]
struct Captured {
    exchanges: Vec<Arc<Mutex<Exchange>>>,
    /// How many more there were.
    left_out: usize,
    /// How many bytes are recorded.
    heads: usize,
    bodies: usize,
}

// === impl Capture ===

impl Capture {
    /// Returns whether nothing was exchanged.
    pub(crate) fn is_empty(&self) -> bool {
        self.lock().exchanges.is_empty()
    }

    /// Ends the capture, and returns it as a HAR document without the secrets that `scrub` knows. So that the bodies take at
    /// most `room` bytes as a string within JSON, and for want of memory, the later ones are left out. The document is charged
    /// to `memory`.
    pub(crate) fn take_document(
        &self,
        scrub: &Scrub,
        room: usize,
        memory: &mut Charge,
    ) -> Result<String, Refused> {
        let (exchanges, left_out) = {
            let mut captured = self.lock();
            (std::mem::take(&mut captured.exchanges), captured.left_out)
        };
        document::write(&exchanges, left_out, scrub, room, memory)
    }

    /// Adds an exchange, or counts it if there is no room for it.
    pub(super) fn add(&self, exchange: Option<Arc<Mutex<Exchange>>>) {
        let mut captured = self.lock();
        captured.left_out += usize::from(exchange.is_none());
        captured.exchanges.extend(exchange);
    }

    /// Returns whether so much more of a body may be recorded, and counts it.
    pub(super) fn take_for_body(&self, bytes: usize) -> bool {
        take(&mut self.lock().bodies, bytes, MAX_TOTAL)
    }

    /// The same for a head.
    pub(super) fn take_for_head(&self, bytes: usize) -> bool {
        take(&mut self.lock().heads, bytes, MAX_HEADS)
    }

    fn lock(&self) -> MutexGuard<'_, Captured> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

// === impl Captured ===

impl Drop for Captured {
    /// To free what a call has exchanged may take long.
    fn drop(&mut self) {
        let exchanges = std::mem::take(&mut self.exchanges);
        if !exchanges.is_empty() {
            beside_others(|| drop(exchanges));
        }
    }
}

/// Takes so many bytes if that is not more than `max` in all.
fn take(taken: &mut usize, bytes: usize, max: usize) -> bool {
    let fits = *taken + bytes <= max;
    *taken += if fits { bytes } else { 0 };
    fits
}
