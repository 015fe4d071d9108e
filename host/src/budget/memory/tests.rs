use std::pin::pin;
use std::sync::Mutex;
use std::task::Poll;
use std::time::Duration;

use wasmtime::ResourceLimiterAsync as _;

use super::*;

const MIB: usize = 1 << 20;

/// The size of an element of a table, in bytes.
const ELEMENT: usize = 8;

#[tokio::test(start_paused = true)]
async fn what_becomes_idle_while_another_begins_to_wait_is_dropped_for_it() {
    let account = MemoryAccount::new(10);
    let (owner, other) = (account.owner(), account.owner());
    let running = Mutex::new(owner.charge_if_free(MemoryKind::Linear, 10));
    let idle = Arc::new(Mutex::new(None));
    account.reclaim_by({
        let idle = idle.clone();
        move || {
            let found: Option<Charge> = idle.lock().unwrap().take();
            // A call ends when nothing has been found. Whoever ends looks whether another waits.
            if let Some(ended) = running.lock().unwrap().take()
                && owner.next_is_own().is_none()
            {
                *idle.lock().unwrap() = Some(ended);
            }
            found.is_some()
        }
    });
    let charge = other.charge(MemoryKind::Linear, 10);
    assert!(tokio::time::timeout(Duration::from_secs(1), charge).await.is_ok_and(|charge| charge.is_ok()));
    assert!(idle.lock().unwrap().is_none());
}

#[tokio::test]
async fn calls_that_go_ahead_have_a_sixteenth_more() {
    let account = MemoryAccount::new(160);
    let owner = account.owner();
    let ahead = owner.with(Priority::Ahead);
    let kind = MemoryKind::Linear;
    let all = owner.try_charge(kind, 160).unwrap();
    assert!(owner.try_charge(kind, 1).is_err() && !account.is_exceeded());
    let mut charge = ahead.charge(kind, 8).await.unwrap();
    charge.grow(2).await.unwrap();
    assert!(ahead.try_charge(kind, 1).is_err() && account.is_exceeded());
    drop(all);
    assert!(!account.is_exceeded());
    drop(charge);
    assert_eq!((account.taken(), account.used(kind)), (0, 0));
}

#[tokio::test]
async fn owners_that_hold_little_have_half_of_that() {
    let account = MemoryAccount::new(512);
    let (much, little, newcomer) = (account.owner(), account.owner(), account.owner());
    let kind = MemoryKind::Linear;
    let _all = much.try_charge(kind, 512).unwrap();
    assert!(much.try_charge(kind, 1).is_err());
    let _two = little.charge(kind, 2).await.unwrap();
    assert!(little.try_charge(kind, 1).is_err(), "it no longer holds little");
    let _first = newcomer.charge(kind, 14).await.unwrap();
    assert!(account.owner().try_charge(kind, 1).is_err());
    assert!(account.owner().with(Priority::Ahead).try_charge(kind, 16).is_ok());
}

#[tokio::test]
async fn an_instance_yields_when_its_memories_and_tables_become_large_together() {
    let mut memory = open().await;
    assert!(!yields(memory.memory_growing(0, MIB, None)).await && !memory.footprint().is_large());
    assert!(!yields(memory.table_growing(0, MIB / ELEMENT, None)).await && !memory.footprint().is_large());
    assert!(yields(memory.table_growing(0, 1, None)).await && memory.footprint().is_large());
    assert!(!yields(memory.memory_growing(0, MIB, None)).await, "its work has moved already");
    let mut memory = open().await;
    assert!(yields(memory.memory_growing(0, 2 * MIB + 1, None)).await && memory.footprint().is_large());
}

#[tokio::test]
async fn growth_that_is_expected_is_paid_for_at_the_start() {
    let account = MemoryAccount::new(64 * MIB);
    let owner = account.owner();
    let open =
        async |expected| InstanceMemory::open(&owner, Prepaid::default(), expected, 2 * MIB).await.unwrap();
    let mut memory = open(MIB).await;
    assert_eq!(account.taken(), MIB);
    assert!(memory.memory_growing(0, MIB / 4, None).await.unwrap());
    assert_eq!(account.taken(), MIB);
    assert_eq!((memory.settle(), account.taken()), (MIB / 4, MIB / 4), "what was not needed comes back");
    assert!(memory.memory_growing(MIB / 4, MIB, None).await.unwrap());
    assert_eq!((memory.settle(), account.taken()), (MIB, MIB));
    drop(memory);

    let mut memory = open(MIB).await;
    assert!(memory.table_growing(0, 2 * MIB / ELEMENT, None).await.unwrap(), "it may need something else");
    assert!(!memory.memory_growing(0, 1, None).await.unwrap());
    drop(memory);

    let mut memory = open(MIB).await;
    let rest = owner.try_charge(MemoryKind::Linear, 63 * MIB).unwrap();
    assert!(!memory.memory_growing(0, MIB + 1, None).await.unwrap(), "there is no more");
    drop(rest);
    assert_eq!((memory.settle(), account.taken()), (0, 0), "what is refused uses none of it");
    drop(memory);

    assert_eq!(open(usize::MAX).await.settle(), 0);
    let _much = open(usize::MAX).await;
    assert_eq!(account.taken(), MIB, "no more than a small part of the total");
}

async fn open() -> InstanceMemory {
    let owner = MemoryAccount::new(64 * MIB).owner();
    InstanceMemory::open(&owner, Prepaid::default(), 0, 64 * MIB).await.unwrap()
}

/// Returns whether the growth takes more than one poll.
async fn yields(growth: impl Future<Output = wasmtime::Result<bool>>) -> bool {
    let mut growth = pin!(growth);
    let (grown, yields) = match futures_util::poll!(&mut growth) {
        Poll::Ready(grown) => (grown, false),
        Poll::Pending => (growth.await, true),
    };
    assert!(grown.unwrap());
    yields
}

#[tokio::test]
async fn what_may_last_for_ever_has_three_quarters() {
    let account = MemoryAccount::new(160);
    let (kind, lasting) = (MemoryKind::Linear, account.owner().with(Priority::Lasting));
    let mut charge = lasting.charge(kind, 100).await.unwrap();
    let refused = Refused::Lasting { most: 120 };
    assert_eq!(charge.try_grow(21), Err(refused));
    assert_eq!(charge.grow(21).await, Err(refused));
    charge.grow(20).await.unwrap();
    assert_eq!(lasting.charge(kind, 1).await.err(), Some(refused));
    assert!(lasting.charge_if_free(kind, 1).is_none());
    // Whatever it is split into or moved to counts until it is gone.
    let part = charge.split(50);
    charge.shrink_to(60);
    drop(charge.move_to(MemoryKind::Tables, 10));
    assert_eq!(lasting.try_charge(kind, 21).err(), Some(refused));
    drop(lasting.try_charge(kind, 20).unwrap());
    drop((charge, part));
    drop(lasting.try_charge(kind, 120).unwrap());
    assert!(account.owner().try_charge(kind, 150).is_ok());
}

#[tokio::test]
async fn what_may_last_for_ever_gets_nothing_beyond_the_total() {
    let account = MemoryAccount::new(512);
    let (kind, lasting) = (MemoryKind::Linear, account.owner().with(Priority::Lasting));
    let all = account.owner().try_charge(kind, 512).unwrap();
    assert_eq!(lasting.try_charge(kind, 1).err(), Some(Refused::Total { total: 512 }));
    let mut waiting = pin!(lasting.charge(kind, 1));
    assert!(futures_util::poll!(&mut waiting).is_pending());
    drop(account.owner().try_charge(kind, 1).unwrap());
    drop(all);
    assert_eq!(waiting.await.unwrap().bytes(), 1);
}
