//! Sessions that load, wait, give up and flood.

use std::pin::pin;
use std::time::Duration;

use futures_util::poll;

use super::shared::{CannotCache, Loading, MAX_KEY, MAX_LOADS, MAX_VALUE};
use super::values::{MAX_BYTES, MAX_VALUES, PLACE};
use super::*;
use crate::budget::{MemoryAccount, MemoryKind, Upstream};

const HOUR: Duration = Duration::from_secs(3600);

fn cache() -> SharedCache {
    SharedCache::new(MemoryAccount::new(1 << 30).owner())
}

async fn load(session: &CacheSession, key: &str) -> Result<Loading, CannotCache> {
    let upstream = Upstream::default();
    session.load(key, || upstream.wait()).await
}

async fn loader(session: &CacheSession, key: &str) -> CacheLoader {
    match load(session, key).await {
        Ok(Loading::Loader(loader)) => loader,
        _ => panic!("{key} is not to be loaded"),
    }
}

fn value(loading: Result<Loading, CannotCache>) -> Vec<u8> {
    match loading {
        Ok(Loading::Value(value)) => value.to_vec(),
        Ok(Loading::Loader(_)) => panic!("there is no value"),
        Err(error) => panic!("{error:?}"),
    }
}

#[tokio::test]
async fn many_get_what_one_loads_even_if_it_is_not_kept() {
    for time_to_live in [HOUR, Duration::ZERO] {
        let cache = cache();
        let sessions: Vec<_> = (0..32).map(|_| cache.session()).collect();
        let first = loader(&sessions[0], "k").await;
        let mut waiting: Vec<_> = sessions[1..].iter().map(|session| Box::pin(load(session, "k"))).collect();
        for one in &mut waiting {
            assert!(poll!(one).is_pending());
        }
        assert_eq!(cache.len().3, 31);
        first.store(b"v".to_vec(), time_to_live).unwrap();
        for one in waiting {
            assert_eq!(value(one.await), b"v");
        }
        assert_eq!(sessions[0].get("k").is_some(), !time_to_live.is_zero());
        assert_eq!((cache.len().2, cache.len().3), (0, 0));
        assert_eq!(first.store(b"w".to_vec(), HOUR), Err(CannotCache::Over));
    }
}

#[tokio::test]
async fn the_next_one_loads_if_the_loader_gives_up_in_any_way() {
    let cache = cache();
    let [mut renewed, dropped, last, patient] = [(); 4].map(|()| cache.session());
    let forgotten = loader(&renewed, "k").await;
    let mut second = pin!(load(&dropped, "k"));
    assert!(poll!(&mut second).is_pending());
    let (mut third, mut fourth) = (pin!(load(&last, "k")), pin!(load(&patient, "k")));
    assert!(poll!(&mut third).is_pending() && poll!(&mut fourth).is_pending());
    // Its call ended; whoever was told first is next.
    renewed.renew();
    assert_eq!(forgotten.store(b"late".to_vec(), HOUR), Err(CannotCache::Over));
    let Ok(Loading::Loader(second)) = second.await else { panic!("the second does not load") };
    assert!(poll!(&mut third).is_pending() && poll!(&mut fourth).is_pending());
    // Dropping an old right does not end the new one.
    drop(forgotten);
    assert!(poll!(&mut third).is_pending());
    // What is too large is given up, too.
    assert_eq!(second.store(vec![0; MAX_VALUE + 1], HOUR), Err(CannotCache::TooLarge));
    let Ok(Loading::Loader(third)) = third.await else { panic!("the third does not load") };
    assert!(poll!(&mut fourth).is_pending());
    third.store(b"v".to_vec(), HOUR).unwrap();
    assert_eq!(value(fourth.await), b"v");
}

#[tokio::test]
async fn what_would_wait_for_itself_is_told_so() {
    let cache = cache();
    let [one, two, three] = [(); 3].map(|()| cache.session());
    let a = loader(&one, "a").await;
    assert_eq!(load(&one, "a").await.err(), Some(CannotCache::Circular), "nested");
    let b = loader(&two, "b").await;
    let c = loader(&three, "c").await;
    let mut one_waits = Box::pin(load(&one, "b"));
    assert!(poll!(&mut one_waits).is_pending());
    let mut two_waits = Box::pin(load(&two, "c"));
    assert!(poll!(&mut two_waits).is_pending());
    assert_eq!(load(&three, "a").await.err(), Some(CannotCache::Circular), "a circle of three");
    // Whoever stops waiting is part of no circle.
    drop(one_waits);
    let mut three_waits = Box::pin(load(&three, "a"));
    assert!(poll!(&mut three_waits).is_pending());
    a.store(b"a".to_vec(), HOUR).unwrap();
    // It has its value now, though it does not know yet: another session may wait for it.
    let again = loader(&one, "x").await;
    assert!(poll!(Box::pin(load(&two, "x"))).is_pending());
    drop((again, b));
    assert_eq!(value(three_waits.await), b"a");
    c.store(b"c".to_vec(), HOUR).unwrap();
    assert_eq!(value(two_waits.await), b"c");
}

#[tokio::test(start_paused = true)]
async fn a_value_lives_as_long_as_it_was_said() {
    let cache = cache();
    let session = cache.session();
    for (key, nanos) in [("second", 1_000_000_000), ("nothing", 0), ("forever", u64::MAX)] {
        session.set(key, key.into(), Duration::from_nanos(nanos)).unwrap();
    }
    let kept = |key: &str| session.get(key).is_some();
    assert!(kept("second") && !kept("nothing") && kept("forever"));
    tokio::time::advance(Duration::from_millis(999)).await;
    assert!(kept("second"));
    tokio::time::advance(Duration::from_millis(1)).await;
    assert!(!kept("second") && kept("forever"));
    drop(loader(&session, "second").await);
    session.set("forever", Vec::new(), Duration::ZERO).unwrap();
    assert!(!kept("forever"), "an earlier value is gone");
}

#[tokio::test]
async fn floods_of_keys_and_large_values_stay_within_bounds() {
    let account = MemoryAccount::new(1 << 30);
    let cache = SharedCache::new(account.owner());
    let session = cache.session();
    session.set("used", b"v".to_vec(), HOUR).unwrap();
    for number in 0..100_000 {
        session.set(&number.to_string(), vec![0; 8], HOUR).unwrap();
        if number % 100 == 0 {
            assert!(session.get("used").is_some(), "what is used stays: {number}");
        }
    }
    assert!((MAX_VALUES / 2..=MAX_VALUES).contains(&cache.len().0), "{}", cache.len().0);
    for number in 0..100 {
        session.set(&number.to_string(), vec![0; MAX_VALUE], HOUR).unwrap();
    }
    let (values, bytes, ..) = cache.len();
    assert!((1..=4).contains(&values) && bytes <= MAX_BYTES, "{values} values, {bytes} bytes");
    assert!(account.used(MemoryKind::Cache) <= MAX_BYTES + MAX_VALUE + PLACE, "charged as kept");
    assert_eq!(session.set("k", vec![0; MAX_VALUE + 1], HOUR), Err(CannotCache::TooLarge));
    let long = "k".repeat(MAX_KEY + 1);
    assert_eq!(session.set(&long, Vec::new(), HOUR), Err(CannotCache::TooLarge));
    assert_eq!(load(&session, &long).await.err(), Some(CannotCache::TooLarge));
    let mut loaders = Vec::new();
    for number in 0..MAX_LOADS {
        loaders.push(loader(&session, &format!("load {number}")).await);
    }
    assert_eq!(load(&session, "one more").await.err(), Some(CannotCache::Full));
    drop((loaders, session, cache));
    assert_eq!(account.used(MemoryKind::Cache), 0);
}

#[tokio::test]
async fn all_caches_together_take_a_fraction_of_the_memory_and_each_keeps_a_token() {
    let account = MemoryAccount::new(64 << 20);
    let owners: Vec<_> = (0..100).map(|_| SharedCache::new(account.owner()).session()).collect();
    for owner in &owners {
        for number in 0..8 {
            owner.set(&format!("large {number}"), vec![0; 512 << 10], HOUR).unwrap();
        }
    }
    let used = account.used(MemoryKind::Cache);
    assert!(used <= (4 << 20) + (512 << 10), "{used}");
    for owner in &owners {
        owner.set("token", vec![0; 4096], HOUR).unwrap();
        assert!(owner.get("token").is_some());
    }
}
