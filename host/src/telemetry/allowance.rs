//! What the spans of one call may hold together.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use opentelemetry::KeyValue;

use super::queue::Missing;
use super::weight;
use crate::budget::{Charge, MemoryKind, OwnerMemory};

/// How many spans one call may start, and how many requests it may send with one. That is more than a person will ever
/// read in a waterfall, and it stops a loop of spans before it floods the collector.
pub(crate) const MAX_SPANS: usize = 1000;

/// How many bytes a call may put into its spans, be they open or ended. It is enough for as many spans as a call may
/// start, with a few attributes each.
pub(crate) const CALL_BYTES: usize = 1 << 20;

/// How many bytes the spans of a call's requests may take: 4 KiB each, what an ordinary one takes.
const REQUEST_BYTES: usize = 4 << 20;

/// What the spans of one call may hold, and what did not fit.
#[derive(Debug)]
pub(crate) struct SpanAllowance {
    spent: Mutex<Spent>,
    max_bytes: usize,
}

/// In a call's context: what the spans of its requests may hold.
#[derive(Clone, Debug)]
pub(crate) struct RequestAllowance(pub Arc<SpanAllowance>);

#[derive(Debug, Default)]
struct Spent {
    spans: usize,
    bytes: usize,
    /// What the bytes are charged to. `None` for those that nobody pays for.
    memory: Option<Charge>,
    refused: usize,
    missing: Missing,
}

/// Bytes are charged in steps of so many. As many are free: most calls need no more.
const STEP: usize = 32 << 10;

// === impl SpanAllowance ===

impl SpanAllowance {
    /// Makes that of the spans that a component starts in one call, which its owner pays for until the call is over.
    pub(crate) fn of_call(memory: Option<&OwnerMemory>) -> Arc<Self> {
        let memory = memory.map(|memory| memory.nothing(MemoryKind::Spans));
        let spent = Mutex::new(Spent { memory, ..Spent::default() });
        Arc::new(Self { spent, max_bytes: CALL_BYTES })
    }

    /// Makes that of the spans of one call's requests.
    pub(crate) fn of_requests() -> RequestAllowance {
        RequestAllowance(Arc::new(Self { spent: Mutex::default(), max_bytes: REQUEST_BYTES }))
    }

    /// Returns how many bytes have been put into the spans.
    #[cfg(test)]
    pub(crate) fn bytes(&self) -> usize {
        self.lock().bytes
    }

    /// Returns how many spans were not started.
    pub(crate) fn refused(&self) -> usize {
        self.lock().refused
    }

    /// Returns what spans that were started lack.
    pub(crate) fn missing(&self) -> Missing {
        self.lock().missing
    }

    /// Returns whether another span, with that many bytes, may be started.
    pub(super) fn start(&self, bytes: usize) -> bool {
        let mut spent = self.lock();
        let fits = spent.spans < MAX_SPANS && self.max_bytes - spent.bytes >= bytes && spent.pay(bytes);
        if fits {
            spent.spans += 1;
            spent.bytes += bytes;
        } else {
            spent.refused = spent.refused.saturating_add(1);
        }
        fits
    }

    /// Returns whether that many bytes more may be put into a span.
    pub(super) fn take(&self, bytes: usize) -> bool {
        let mut spent = self.lock();
        let fits = self.max_bytes - spent.bytes >= bytes && spent.pay(bytes);
        if fits {
            spent.bytes += bytes;
        }
        fits
    }

    /// Returns whether what will be put into a span later may be kept until then.
    pub(crate) fn keep(&self, name: &str, attributes: &[KeyValue]) -> bool {
        self.take(weight::text(name) + attributes.iter().map(weight::attribute).sum::<usize>())
    }

    pub(super) fn left(&self) -> usize {
        self.max_bytes - self.lock().bytes
    }

    /// Begins anew: all spans that were started have ended. What was refused and what is missing stay counted.
    pub(crate) fn renew(&self) {
        let mut spent = self.lock();
        (spent.spans, spent.bytes) = (0, 0);
        if let Some(memory) = &mut spent.memory {
            memory.shrink_to(0);
        }
    }

    /// The call is over: nobody pays any longer for spans that have ended.
    pub(crate) fn release(&self) {
        if let Some(memory) = &mut self.lock().memory {
            memory.shrink_to(0);
        }
    }

    pub(super) fn count(&self, missing: Missing) {
        self.lock().missing.add(missing);
    }

    fn lock(&self) -> MutexGuard<'_, Spent> {
        self.spent.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

// === impl Spent ===

impl Spent {
    /// Returns whether so many bytes more are paid for.
    fn pay(&mut self, more: usize) -> bool {
        let needed = (self.bytes + more).saturating_sub(STEP);
        let Some(memory) = self.memory.as_mut().filter(|memory| memory.bytes() < needed) else { return true };
        let step = (needed - memory.bytes()).next_multiple_of(STEP);
        memory.try_grow(step).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::budget::MemoryAccount;

    #[test]
    fn a_call_pays_for_much_in_its_spans_until_it_is_over() {
        let account = MemoryAccount::new(4 * STEP);
        let owner = account.owner();
        let allowance = SpanAllowance::of_call(Some(&owner));
        assert!(allowance.start(STEP));
        assert_eq!(account.used(MemoryKind::Spans), 0, "so much is free");
        assert!(allowance.take(1));
        assert_eq!(account.used(MemoryKind::Spans), STEP);
        assert!(allowance.take(3 * STEP));
        assert_eq!(account.used(MemoryKind::Spans), 4 * STEP);
        assert!(!allowance.take(STEP) && !allowance.start(STEP), "there is no memory for more");
        assert_eq!((allowance.bytes(), allowance.refused()), (4 * STEP + 1, 1));
        allowance.release();
        assert_eq!(account.used(MemoryKind::Spans), 0);
    }
}
