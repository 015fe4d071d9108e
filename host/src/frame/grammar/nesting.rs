//! Which objects and arrays are open at a point of a JSON document.

use super::super::pace::drop_buffer;

/// The objects and arrays that are open, with one bit each: a document may be nested fifty million levels deep.
#[derive(Default)]
pub(super) struct Nesting {
    depth: usize,
    /// The largest depth so far.
    pub(super) deepest: usize,
    /// A set bit is an object.
    bits: Vec<u8>,
}

/// One of them.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Opened {
    Array,
    Object,
}

// === impl Nesting ===

impl Nesting {
    pub(super) fn push(&mut self, opened: Opened) {
        let mask = 1 << (self.depth % 8);
        if mask == 1 {
            self.bits.push(0);
        }
        if let Some(byte) = self.bits.last_mut() {
            *byte = if opened == Opened::Object { *byte | mask } else { *byte & !mask };
        }
        self.depth += 1;
        self.deepest = self.deepest.max(self.depth);
    }

    pub(super) fn pop(&mut self) {
        self.depth = self.depth.saturating_sub(1);
        if self.depth.is_multiple_of(8) {
            self.bits.pop();
        }
    }

    /// The innermost one.
    pub(super) fn last(&self) -> Option<Opened> {
        let at = self.depth.checked_sub(1)?;
        let byte = self.bits.last()?;
        Some(if byte >> (at % 8) & 1 == 1 { Opened::Object } else { Opened::Array })
    }
}

impl Drop for Nesting {
    fn drop(&mut self) {
        drop_buffer(std::mem::take(&mut self.bits));
    }
}
