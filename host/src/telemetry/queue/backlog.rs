//! The spans that wait, in the order in which they ended. When there is no room, whoever holds most loses its newest.

use std::collections::{BTreeMap, HashMap, VecDeque};

use opentelemetry_sdk::trace::SpanData;

use crate::telemetry::owner::SpanOwner;
use crate::telemetry::weight;

/// How many spans go to the collector in one request. OpenTelemetry's default.
pub(in crate::telemetry) const BATCH: usize = 512;

/// How many bytes the spans of one request may weigh. A collector accepts 4 MiB by default; the rest is for what
/// describes the process.
pub(super) const BATCH_BYTES: usize = 3 << 20;

/// How many spans may wait; more are dropped and counted. OpenTelemetry's default.
pub(super) const CAPACITY: usize = 2048;

/// How many bytes the spans that wait may weigh; more are dropped and counted. 4 KiB for each of as many spans as may
/// wait.
pub(super) const CAPACITY_BYTES: usize = 8 << 20;

#[derive(Debug, Default)]
pub(super) struct Backlog {
    spans: BTreeMap<u64, QueuedSpan>,
    /// What each owner has among `spans`; nobody has nothing.
    shares: HashMap<SpanOwner, Share>,
    next: u64,
    bytes: usize,
    /// The batch that the export task holds, until it reports what became of it.
    exporting: Batch,
    dropped: u64,
    /// How many spans the collector has taken.
    taken: u64,
    /// A flush is waiting, so nothing waits for more spans.
    pub hurry: bool,
    /// The provider is gone, so no span will follow.
    pub closed: bool,
}

#[derive(Debug)]
struct QueuedSpan {
    span: SpanData,
    owner: SpanOwner,
    bytes: usize,
}

#[derive(Debug, Default)]
struct Share {
    /// The keys of the spans, the oldest first.
    spans: VecDeque<u64>,
    bytes: usize,
}

#[derive(Debug, Default)]
struct Batch {
    spans: usize,
    bytes: usize,
}

// === impl Backlog ===

impl Backlog {
    pub(super) fn dropped(&self) -> u64 {
        self.dropped
    }

    pub(super) fn taken(&self) -> u64 {
        self.taken
    }

    pub(super) fn bytes(&self) -> usize {
        self.bytes + self.exporting.bytes
    }

    pub(super) fn is_empty(&self) -> bool {
        self.spans.is_empty()
    }

    /// Whether nothing is waiting or being exported.
    pub(super) fn is_idle(&self) -> bool {
        self.is_empty() && self.exporting.spans == 0
    }

    pub(super) fn fills_batch(&self) -> bool {
        self.spans.len() >= BATCH || self.bytes >= BATCH_BYTES
    }

    /// Adds a span. If there is no room, the owner that holds most with it loses its newest spans.
    pub(super) fn push(&mut self, span: SpanData, owner: SpanOwner) {
        let bytes = weight::span(&span);
        while self.spans.len() >= CAPACITY || self.bytes + bytes > CAPACITY_BYTES {
            match self.largest_beside(owner, bytes) {
                Some(other) => self.drop_newest(other),
                None => {
                    self.dropped += 1;
                    return;
                }
            }
        }
        let key = self.next;
        self.next += 1;
        let share = self.shares.entry(owner).or_default();
        share.spans.push_back(key);
        share.bytes += bytes;
        self.bytes += bytes;
        self.spans.insert(key, QueuedSpan { span, owner, bytes });
    }

    /// Takes the oldest spans that fit into one request. A span that is too large goes alone.
    pub(super) fn take_batch(&mut self) -> Vec<SpanData> {
        let mut batch = Vec::with_capacity(self.spans.len().min(BATCH));
        while let Some(entry) = self.spans.first_entry() {
            let more = self.exporting.bytes + entry.get().bytes;
            if batch.len() == BATCH || (more > BATCH_BYTES && !batch.is_empty()) {
                break;
            }
            let QueuedSpan { span, owner, bytes } = entry.remove();
            self.exporting.bytes = more;
            self.bytes -= bytes;
            self.forget(owner, bytes, VecDeque::pop_front);
            batch.push(span);
        }
        self.exporting.spans = batch.len();
        batch
    }

    /// Ends the current batch, of which `lost` spans did not arrive.
    pub(super) fn exported(&mut self, lost: u64) {
        // A flush that gave up has counted them already.
        let sent = std::mem::take(&mut self.exporting).spans as u64;
        if sent > 0 {
            self.dropped += lost;
            self.taken += sent.saturating_sub(lost);
        }
    }

    /// Drops and counts whatever has not been exported.
    pub(super) fn give_up(&mut self) {
        self.dropped += (self.spans.len() + self.exporting.spans) as u64;
        self.exporting.spans = 0;
        self.spans.clear();
        self.shares.clear();
        self.bytes = 0;
    }

    /// Returns the owner that holds most of what is scarce, unless that is `owner` with `bytes` more.
    fn largest_beside(&self, owner: SpanOwner, bytes: usize) -> Option<SpanOwner> {
        let scarce = |spans, bytes| if self.spans.len() >= CAPACITY { spans } else { bytes };
        let own = self.shares.get(&owner).map_or((0, 0), |share| (share.spans.len(), share.bytes));
        let own = scarce(own.0 + 1, own.1 + bytes);
        let others = self.shares.iter().filter(|(other, _)| **other != owner);
        let held = others.map(|(other, share)| (scarce(share.spans.len(), share.bytes), *other));
        held.max_by_key(|(held, _)| *held).filter(|(held, _)| *held > own).map(|(_, other)| other)
    }

    fn drop_newest(&mut self, owner: SpanOwner) {
        let newest = self.shares.get(&owner).and_then(|share| share.spans.back().copied());
        if let Some(waiting) = newest.and_then(|key| self.spans.remove(&key)) {
            self.bytes -= waiting.bytes;
            self.dropped += 1;
            self.forget(owner, waiting.bytes, VecDeque::pop_back);
        }
    }

    /// Takes a span off its owner's share, at the end that `pop` names.
    fn forget(&mut self, owner: SpanOwner, bytes: usize, pop: fn(&mut VecDeque<u64>) -> Option<u64>) {
        if let Some(share) = self.shares.get_mut(&owner) {
            pop(&mut share.spans);
            share.bytes -= bytes;
            if share.spans.is_empty() {
                self.shares.remove(&owner);
            }
        }
    }
}
