//! The spans that wait, in the order in which they ended. When there is no room, whoever holds most loses its newest.

use std::collections::{BTreeMap, HashMap, VecDeque};

use opentelemetry_sdk::trace::SpanData;

use crate::telemetry::loss::Losses;
use crate::telemetry::owner::SpanOwner;
use crate::telemetry::weight;

/// How many spans go to the collector in one request. OpenTelemetry's default.
pub(in crate::telemetry) const BATCH: usize = 512;

/// How many bytes the spans of one request may weigh. A collector accepts 4 MiB by default; the rest is for what
/// describes the process.
pub(super) const BATCH_BYTES: usize = 3 << 20;

/// How many bytes the spans that wait or are on their way may weigh; more are dropped and counted. At 20,000 spans a
/// second, of 2 KiB each, this is more than half a second without an answer.
pub(in crate::telemetry) const CAPACITY_BYTES: usize = 32 << 20;

#[derive(Debug, Default)]
pub(super) struct Backlog {
    spans: BTreeMap<u64, QueuedSpan>,
    /// What each owner has among `spans`; nobody has nothing.
    shares: HashMap<SpanOwner, Share>,
    next: u64,
    bytes: usize,
    /// The batches that export tasks hold, until they report what became of them.
    exporting: HashMap<BatchId, OnItsWay>,
    next_batch: u64,
    losses: Losses,
    /// How many spans the collector has taken.
    taken: u64,
    /// The provider is gone, so no span will follow.
    pub closed: bool,
}

/// The spans of one request.
#[derive(Debug)]
pub(in crate::telemetry) struct Batch {
    pub id: BatchId,
    pub spans: Vec<SpanData>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(in crate::telemetry) struct BatchId(u64);

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

#[derive(Debug)]
struct OnItsWay {
    spans: u64,
    bytes: usize,
}

// === impl Backlog ===

impl Backlog {
    pub(super) fn losses(&self) -> Losses {
        self.losses
    }

    pub(super) fn taken(&self) -> u64 {
        self.taken
    }

    /// Returns what the spans weigh that wait or are being exported.
    pub(super) fn bytes(&self) -> usize {
        self.bytes + self.exporting.values().map(|batch| batch.bytes).sum::<usize>()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.spans.is_empty()
    }

    /// Whether nothing is waiting or being exported.
    pub(super) fn is_idle(&self) -> bool {
        self.is_empty() && self.exporting.is_empty()
    }

    pub(super) fn fills_batch(&self) -> bool {
        self.spans.len() >= BATCH || self.bytes >= BATCH_BYTES
    }

    /// Adds a span. If there is no room, the owner that holds most with it loses its newest spans.
    pub(super) fn push(&mut self, span: SpanData, owner: SpanOwner) {
        let bytes = weight::span(&span);
        while self.bytes() + bytes > CAPACITY_BYTES {
            match self.largest_beside(owner, bytes) {
                Some(other) => self.drop_newest(other),
                None => {
                    self.losses.queue_full += 1;
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

    /// Takes the oldest spans that fit into one request. A span that is too large goes alone. `None` if there is none.
    pub(super) fn take_batch(&mut self) -> Option<Batch> {
        let mut spans = Vec::with_capacity(self.spans.len().min(BATCH));
        let mut total = 0;
        while let Some(entry) = self.spans.first_entry() {
            let more = total + entry.get().bytes;
            if spans.len() == BATCH || (more > BATCH_BYTES && !spans.is_empty()) {
                break;
            }
            let QueuedSpan { span, owner, bytes } = entry.remove();
            total = more;
            self.bytes -= bytes;
            self.forget(owner, bytes, VecDeque::pop_front);
            spans.push(span);
        }
        if spans.is_empty() {
            return None;
        }
        let id = BatchId(self.next_batch);
        self.next_batch += 1;
        self.exporting.insert(id, OnItsWay { spans: spans.len() as u64, bytes: total });
        Some(Batch { id, spans })
    }

    /// Ends a batch, of which some spans did not arrive.
    pub(super) fn exported(&mut self, batch: BatchId, lost: Losses) {
        // A flush that gave up has counted them already.
        if let Some(sent) = self.exporting.remove(&batch) {
            self.losses += lost;
            self.taken += sent.spans.saturating_sub(lost.total());
        }
    }

    /// Drops and counts whatever has not been exported. Returns how many spans that were.
    pub(super) fn give_up(&mut self) -> u64 {
        let on_their_way: u64 = self.exporting.drain().map(|(_, batch)| batch.spans).sum();
        let lost = self.spans.len() as u64 + on_their_way;
        self.losses.shutdown += lost;
        self.spans.clear();
        self.shares.clear();
        self.bytes = 0;
        lost
    }

    /// Returns the owner that holds most, unless that is `owner` with `bytes` more.
    fn largest_beside(&self, owner: SpanOwner, bytes: usize) -> Option<SpanOwner> {
        let own = self.shares.get(&owner).map_or(0, |share| share.bytes) + bytes;
        let others = self.shares.iter().filter(|(other, _)| **other != owner);
        let largest = others.max_by_key(|(_, share)| share.bytes);
        largest.filter(|(_, share)| share.bytes > own).map(|(other, _)| *other)
    }

    fn drop_newest(&mut self, owner: SpanOwner) {
        let newest = self.shares.get(&owner).and_then(|share| share.spans.back().copied());
        if let Some(waiting) = newest.and_then(|key| self.spans.remove(&key)) {
            self.bytes -= waiting.bytes;
            self.losses.queue_full += 1;
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
