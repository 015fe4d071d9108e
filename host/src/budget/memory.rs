//! The one account of the memory that components cost the process: whose it is, what it is for, and who waits for some.

mod instance;
mod kind;
#[cfg(test)]
mod tests;

use std::fmt;
use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::task::Poll;

use bytes::Bytes;

pub(super) use self::instance::Footprint;
pub(crate) use self::instance::{InstanceMemory, MAX_INSTANTIATIONS, MAX_MEMORIES, MAX_TABLES, Prepaid};
pub(crate) use self::kind::MemoryKind;
use self::kind::Sums;
use super::priority::{Priority, lasting_part};
use super::shares::{Share, Shares, Taken};

/// The memory that all components together may cost.
pub(crate) struct MemoryAccount {
    shares: Arc<Shares>,
    sums: Sums,
    /// How much of it is charged for what may last for ever.
    lasting: AtomicUsize,
    /// Drops what has been idle longest, if anything is.
    reclaim: OnceLock<Box<dyn Fn() -> bool + Send + Sync>>,
}

/// One owner's part of the account. Cheap to clone.
#[derive(Clone)]
pub(crate) struct OwnerMemory {
    account: Arc<MemoryAccount>,
    share: Arc<Share>,
    /// That of the call for which it is charged.
    priority: Priority,
}

/// Memory that is charged to an owner until this is dropped.
pub(crate) struct Charge {
    owner: OwnerMemory,
    kind: MemoryKind,
    taken: Taken,
}

/// Bytes with what they are charged for.
struct Kept<B> {
    bytes: B,
    _charge: Charge,
}

/// Health checks may use this fraction of the total beyond it, if others have taken all. It is a quarter of what the process
/// may take beside the total. Owners that hold little may use half of that: what others have may not come back for long, if
/// their calls wait for an upstream that hangs.
const RESERVE: usize = 16;

/// The limit that kept a component from getting more memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Refused {
    #[error("the plugin needs more than {} MiB; raise gpx_memory_max if that is expected", .max >> 20)]
    Instance { max: usize },
    #[error(
        "all instances of the plugin together need more than {} MiB; raise gpx_memory_total if that is expected",
        .total >> 20
    )]
    Total { total: usize },
    #[error(
        "all streams of the plugin together need more than {} MiB, three quarters of what its instances may have; raise \
         gpx_memory_total if that is expected",
        .most >> 20
    )]
    Lasting { most: usize },
    #[error(
        "the system has no more memory for the plugin; give Grafana's process more, or lower gpx_memory_total"
    )]
    System,
}

// === impl MemoryAccount ===

impl MemoryAccount {
    pub(crate) fn new(total: usize) -> Arc<Self> {
        Arc::new(Self {
            shares: Shares::keeping_some(total),
            sums: Sums::default(),
            lasting: AtomicUsize::new(0),
            reclaim: OnceLock::new(),
        })
    }

    /// Sets what drops an idle instance when memory is short, and says whether there was one.
    pub(crate) fn reclaim_by(&self, reclaim: impl Fn() -> bool + Send + Sync + 'static) {
        // Set once, when the process starts.
        let _ = self.reclaim.set(Box::new(reclaim));
    }

    /// Sets the total: the machine may allow less than what is configured.
    pub(crate) fn set_total(&self, total: usize) {
        self.shares.set_capacity(total);
    }

    /// Opens an owner's part.
    pub(crate) fn owner(self: &Arc<Self>) -> OwnerMemory {
        OwnerMemory { account: self.clone(), share: Arc::default(), priority: Priority::Usual }
    }

    pub(crate) fn total(&self) -> usize {
        self.shares.capacity()
    }

    /// Whether more is charged than there is, for calls that go ahead of others.
    pub(crate) fn is_exceeded(&self) -> bool {
        self.shares.is_exceeded()
    }

    /// Returns how many bytes are charged in all.
    #[cfg(test)]
    pub(crate) fn taken(&self) -> usize {
        self.shares.taken()
    }

    /// Returns how many bytes are charged for a kind of thing.
    pub(crate) fn used(&self, kind: MemoryKind) -> usize {
        self.sums.get(kind)
    }

    /// Returns how many calls wait for memory.
    pub(crate) fn waiting(&self) -> usize {
        self.shares.waiting()
    }

    /// Returns how much may be charged for what may last for ever.
    fn lasting_most(&self) -> usize {
        lasting_part(self.total())
    }

    fn reclaim_one(&self) -> bool {
        self.reclaim.get().is_some_and(|reclaim| reclaim())
    }
}

// === impl OwnerMemory ===

impl OwnerMemory {
    /// Returns the same part, charged for a call of this priority.
    pub(crate) fn with(&self, priority: Priority) -> Self {
        Self { priority, ..self.clone() }
    }

    pub(crate) fn priority(&self) -> Priority {
        self.priority
    }

    /// Returns how many bytes all owners are charged for a kind of thing.
    pub(crate) fn used(&self, kind: MemoryKind) -> usize {
        self.account.used(kind)
    }

    /// Returns what all owners together may have.
    pub(crate) fn total(&self) -> usize {
        self.account.total()
    }

    /// Charges the owner at once. If there is too little memory, idle instances are dropped.
    pub(crate) fn try_charge(&self, kind: MemoryKind, bytes: usize) -> Result<Charge, Refused> {
        self.check_lasting(bytes)?;
        loop {
            if let Some(charge) = self.charge_if_free(kind, bytes) {
                return Ok(charge);
            }
            if !self.account.reclaim_one() {
                return self.charge_beyond(kind, bytes).ok_or_else(|| self.refused());
            }
        }
    }

    /// Charges the owner if there is memory, without dropping anything.
    pub(crate) fn charge_if_free(&self, kind: MemoryKind, bytes: usize) -> Option<Charge> {
        self.check_lasting(bytes).ok()?;
        self.account.shares.take_now(&self.share, bytes).map(|taken| self.charged(kind, taken))
    }

    /// Charges the owner beyond the total, if the call goes ahead of others or the owner holds little, and not too much has
    /// been charged that way. What may last for ever gets nothing there: it might never come back.
    fn charge_beyond(&self, kind: MemoryKind, bytes: usize) -> Option<Charge> {
        let (shares, reserve) = (&self.account.shares, self.account.total() / RESERVE);
        let reserve = match self.priority {
            Priority::Ahead => reserve,
            Priority::Usual if shares.is_little(&self.share, bytes) => reserve / 2,
            Priority::Usual | Priority::Lasting => return None,
        };
        shares.take_beyond(&self.share, bytes, reserve).map(|taken| self.charged(kind, taken))
    }

    /// Charges the owner. If there is too little memory, idle instances are dropped, and then this waits until others need
    /// less. Owners that hold least go first. Fails only if there will never be so much, or if it is for something that may
    /// last for ever, and such things hold too much now.
    pub(crate) async fn charge(&self, kind: MemoryKind, bytes: usize) -> Result<Charge, Refused> {
        self.check_lasting(bytes)?;
        if bytes > self.account.total() {
            return Err(self.refused());
        }
        let mut take = pin!(self.account.shares.take(&self.share, bytes));
        // In line first, so that whoever has something to give back from now on knows of it.
        let taken = loop {
            if let Poll::Ready(taken) = futures_util::poll!(&mut take) {
                break taken;
            }
            if !self.account.reclaim_one() {
                if let Some(charge) = self.charge_beyond(kind, bytes) {
                    return Ok(charge);
                }
                break take.await;
            }
        };
        taken.map(|taken| self.charged(kind, taken)).ok_or_else(|| self.refused())
    }

    /// Charges the owner even beyond the total, for what exists already.
    pub(crate) fn charge_anyway(&self, kind: MemoryKind, bytes: usize) -> Charge {
        let taken = self.try_charge(kind, bytes);
        taken.unwrap_or_else(|_| self.charged(kind, self.account.shares.take_anyway(&self.share, bytes)))
    }

    /// Begins a charge that can grow.
    pub(crate) fn nothing(&self, kind: MemoryKind) -> Charge {
        self.charged(kind, self.account.shares.take_nothing(&self.share))
    }

    /// Returns whether anybody waits for memory, and if so, whether the first is a call of this owner.
    pub(crate) fn next_is_own(&self) -> Option<bool> {
        self.account.shares.next_is(&self.share)
    }

    fn charged(&self, kind: MemoryKind, taken: Taken) -> Charge {
        self.account.sums.add(kind, taken.amount());
        if self.priority == Priority::Lasting {
            self.account.lasting.fetch_add(taken.amount(), Ordering::Relaxed);
        }
        Charge { owner: self.clone(), kind, taken }
    }

    /// Fails if so much more would be too much for what may last for ever. Those that ask at the same moment may exceed that by
    /// what they ask for.
    fn check_lasting(&self, more: usize) -> Result<(), Refused> {
        let most = self.account.lasting_most();
        let lasting = self.account.lasting.load(Ordering::Relaxed);
        if self.priority == Priority::Lasting && lasting.saturating_add(more) > most {
            return Err(Refused::Lasting { most });
        }
        Ok(())
    }

    /// Counts what has been given back.
    fn returned(&self, kind: MemoryKind, bytes: usize) {
        self.account.sums.subtract(kind, bytes);
        if self.priority == Priority::Lasting {
            self.account.lasting.fetch_sub(bytes, Ordering::Relaxed);
        }
    }

    fn refused(&self) -> Refused {
        Refused::Total { total: self.account.total() }
    }
}

// === impl Charge ===

impl Charge {
    pub(crate) fn bytes(&self) -> usize {
        self.taken.amount()
    }

    /// Charges more at once.
    pub(crate) fn try_grow(&mut self, more: usize) -> Result<(), Refused> {
        let more = self.owner.try_charge(self.kind, more)?;
        self.absorb(more);
        Ok(())
    }

    /// Charges more, and may wait for it. An owner that would then hold more than its fair share is refused instead: it might
    /// wait for itself.
    pub(crate) async fn grow(&mut self, more: usize) -> Result<(), Refused> {
        match self.try_grow(more) {
            // To wait would be in vain.
            Err(refused @ Refused::Lasting { .. }) => return Err(refused),
            Err(_) => {}
            Ok(()) => return Ok(()),
        }
        if !self.owner.account.shares.is_fair(&self.owner.share, more) {
            return Err(self.owner.refused());
        }
        let more = self.owner.charge(self.kind, more).await?;
        self.absorb(more);
        Ok(())
    }

    /// Gives back all but so many bytes.
    pub(crate) fn shrink_to(&mut self, bytes: usize) {
        let less = self.bytes().saturating_sub(bytes);
        self.taken.give_back(less);
        self.owner.returned(self.kind, less);
    }

    /// Returns the bytes, which stay charged for as long as they are kept.
    pub(crate) fn keep(self, bytes: impl AsRef<[u8]> + Send + 'static) -> Bytes {
        Bytes::from_owner(Kept { bytes, _charge: self })
    }

    /// Splits off so many bytes, or all if there are fewer.
    pub(crate) fn split(&mut self, bytes: usize) -> Self {
        let taken = self.taken.split(bytes);
        Self { owner: self.owner.clone(), kind: self.kind, taken }
    }

    /// Splits off so many bytes, which are for something else.
    fn move_to(&mut self, kind: MemoryKind, bytes: usize) -> Self {
        let mut part = self.split(bytes);
        self.owner.account.sums.subtract(part.kind, part.bytes());
        self.owner.account.sums.add(kind, part.bytes());
        part.kind = kind;
        part
    }

    /// Adds the bytes of another charge of the same owner, kind and priority.
    fn absorb(&mut self, mut other: Self) {
        // What is split off is no longer counted when the rest is dropped.
        self.taken.absorb(other.taken.split(usize::MAX));
    }
}

impl fmt::Debug for Charge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Charge")
            .field("kind", &self.kind)
            .field("bytes", &self.bytes())
            .finish_non_exhaustive()
    }
}

impl Drop for Charge {
    fn drop(&mut self) {
        self.owner.returned(self.kind, self.taken.amount());
    }
}

// === impl Kept ===

impl<B: AsRef<[u8]>> AsRef<[u8]> for Kept<B> {
    fn as_ref(&self) -> &[u8] {
        self.bytes.as_ref()
    }
}
