//! What is recorded of one call.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::document;
use super::entry::Exchange;
use super::limits::MAX_TOTAL;
use crate::budget::{Charge, Refused, beside_others};
use crate::text::Scrub;

/// The exchanges of one call. Cheap to clone.
#[derive(Clone, Default)]
pub(crate) struct Capture(Arc<Mutex<Captured>>);

#[derive(Default)]
struct Captured {
    exchanges: Vec<Arc<Mutex<Exchange>>>,
    bytes: usize,
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
        let exchanges = std::mem::take(&mut self.lock().exchanges);
        document::write(&exchanges, scrub, room, memory)
    }

    /// Adds an exchange, if there is room for it.
    pub(super) fn add(&self, exchange: Option<Arc<Mutex<Exchange>>>) {
        self.lock().exchanges.extend(exchange);
    }

    /// Returns whether so much more may be recorded, and counts it.
    pub(super) fn take(&self, bytes: usize) -> bool {
        let mut captured = self.lock();
        let fits = captured.bytes + bytes <= MAX_TOTAL;
        captured.bytes += if fits { bytes } else { 0 };
        fits
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
