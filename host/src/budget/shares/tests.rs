use std::collections::VecDeque;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use super::*;

type Take = Pin<Box<dyn Future<Output = Option<Taken>>>>;

/// Owners who are waiting, by name. What they get is kept until it is dropped.
struct Line {
    shares: Arc<Shares>,
    waiting: VecDeque<(&'static str, Take)>,
}

impl Line {
    fn new(shares: &Arc<Shares>) -> Self {
        Self { shares: shares.clone(), waiting: VecDeque::new() }
    }

    /// Queues up, or gets it at once.
    fn take(&mut self, name: &'static str, share: &Arc<Share>, amount: usize) -> Option<Taken> {
        let (shares, share) = (self.shares.clone(), share.clone());
        let mut take: Take = Box::pin(async move { shares.take(&share, amount).await });
        match poll(&mut take) {
            Poll::Ready(taken) => taken,
            Poll::Pending => {
                self.waiting.push_back((name, take));
                None
            }
        }
    }

    /// Returns those who have got theirs, in the order in which they queued up.
    fn served(&mut self) -> Vec<(&'static str, Taken)> {
        let mut served = Vec::new();
        self.waiting.retain_mut(|(name, take)| match poll(take) {
            Poll::Ready(taken) => {
                served.push((*name, taken.unwrap()));
                false
            }
            Poll::Pending => true,
        });
        served
    }

    fn names(&mut self, kept: &mut Vec<Taken>) -> Vec<&'static str> {
        let (names, taken): (Vec<_>, Vec<_>) = self.served().into_iter().unzip();
        kept.extend(taken);
        names
    }

    fn leave(&mut self, name: &str) {
        self.waiting.retain(|(waiting, _)| *waiting != name);
    }
}

fn poll(take: &mut Take) -> Poll<Option<Taken>> {
    take.as_mut().poll(&mut Context::from_waker(Waker::noop()))
}

fn owner() -> Arc<Share> {
    Arc::default()
}

fn take(shares: &Arc<Shares>, share: &Arc<Share>, amount: usize) -> Taken {
    shares.try_take(share, amount).unwrap()
}

#[test]
fn what_is_taken_comes_back() {
    let (shares, one, other) = (Shares::new(3), owner(), owner());
    let two = take(&shares, &one, 2);
    assert!(shares.try_take(&other, 2).is_none());
    let rest = take(&shares, &other, 1);
    assert_eq!((one.held(), other.held(), shares.taken(), shares.capacity()), (2, 1, 3, 3));
    drop((two, rest));
    assert_eq!((one.held(), other.held(), shares.taken()), (0, 0, 0));
    assert_eq!(shares.lock().holders, 0);
}

#[test]
fn more_than_there_is_nobody_waits_for() {
    let (shares, one) = (Shares::new(3), owner());
    let mut line = Line::new(&shares);
    assert!(line.take("too much", &one, 4).is_none() && shares.try_take(&one, 4).is_none());
    assert_eq!(shares.waiting(), 0);
}

#[test]
fn whoever_holds_least_goes_first() {
    let (shares, much, some, none) = (Shares::new(4), owner(), owner(), owner());
    let mut line = Line::new(&shares);
    let mut of_much: Vec<_> = (0..3).map(|_| take(&shares, &much, 1)).collect();
    let of_some = take(&shares, &some, 1);
    for (name, share) in [("much", &much), ("some", &some), ("none", &none), ("none again", &none)] {
        assert!(line.take(name, share, 1).is_none());
    }
    assert_eq!(shares.waiting(), 4);
    let mut kept = Vec::new();
    of_much.pop();
    assert_eq!(line.names(&mut kept), ["none"]);
    of_much.pop();
    assert_eq!(line.names(&mut kept), ["much"], "all hold one now, and it came first");
    drop(of_some);
    assert_eq!(line.names(&mut kept), ["some"], "it holds nothing now");
    of_much.pop();
    assert_eq!(line.names(&mut kept), ["none again"]);
    assert_eq!((shares.waiting(), shares.taken()), (0, 4));
}

#[test]
fn one_owners_flood_delays_another_by_one_turn() {
    let (shares, flood, other) = (Shares::new(10), owner(), owner());
    let mut line = Line::new(&shares);
    let mut held: VecDeque<_> = (0..10).map(|_| take(&shares, &flood, 1)).collect();
    for _ in 0..100 {
        assert!(line.take("flood", &flood, 1).is_none());
    }
    let mut kept = Vec::new();
    for _ in 0..5 {
        assert!(line.take("other", &other, 1).is_none());
        held.pop_front();
        assert_eq!(line.names(&mut kept), ["other"]);
    }
    assert_eq!((flood.held(), other.held()), (5, 5));
    assert!(line.take("other", &other, 1).is_none());
    held.pop_front();
    assert_eq!(line.names(&mut kept), ["flood"], "now both have their fair share");
}

#[test]
fn leaving_the_line_wakes_the_next_and_loses_nothing() {
    let (shares, one, other) = (Shares::new(2), owner(), owner());
    let mut line = Line::new(&shares);
    let held = take(&shares, &one, 2);
    for name in ["first", "second"] {
        assert!(line.take(name, &other, 2).is_none());
    }
    line.leave("first");
    assert_eq!(shares.waiting(), 1);
    drop(held);
    assert_eq!(shares.waiting(), 0, "it is the second one's, which does not know yet");
    line.leave("second");
    assert_eq!((shares.taken(), other.held()), (0, 0));
}

#[test]
fn one_owner_is_served_in_the_order_of_arrival() {
    let (shares, one) = (Shares::new(4), owner());
    let mut line = Line::new(&shares);
    let (half, quarter) = (take(&shares, &one, 2), take(&shares, &one, 1));
    for (name, amount) in [("large", 2), ("small", 1)] {
        assert!(line.take(name, &one, amount).is_none());
    }
    let mut kept = Vec::new();
    drop(quarter);
    assert_eq!(line.names(&mut kept), ["large"]);
    drop(half);
    assert_eq!(line.names(&mut kept), ["small"]);
}

#[test]
fn small_ones_go_ahead_of_a_large_one_but_not_for_ever() {
    let (shares, large, small) = (Shares::new(10), owner(), owner());
    let mut line = Line::new(&shares);
    let mut held: VecDeque<_> = (0..9).map(|_| take(&shares, &small, 1)).collect();
    assert!(line.take("large", &large, 4).is_none());
    for _ in 0..4 {
        held.push_back(take(&shares, &small, 1));
        held.pop_front();
    }
    assert!(shares.try_take(&small, 1).is_none(), "as much as it wants has passed it");
    assert!(line.take("small", &owner(), 1).is_none(), "not even somebody who holds nothing");
    let mut kept = Vec::new();
    for _ in 0..2 {
        held.pop_front();
        assert!(line.served().is_empty());
    }
    held.pop_front();
    assert_eq!(line.names(&mut kept), ["large"]);
    held.pop_front();
    assert_eq!(line.names(&mut kept), ["small"]);
}

#[test]
fn what_running_calls_take_passes_nobody() {
    let (shares, large, small) = (Shares::new(10), owner(), owner());
    let mut line = Line::new(&shares);
    let _held = take(&shares, &small, 9);
    assert!(line.take("large", &large, 4).is_none());
    for _ in 0..100 {
        drop(shares.take_now(&small, 1).unwrap());
    }
    assert!(shares.try_take(&small, 1).is_some(), "nothing has been given to those who came later");
}

#[test]
fn more_capacity_is_for_those_who_wait() {
    let (shares, one) = (Shares::new(1), owner());
    let mut line = Line::new(&shares);
    let _held = take(&shares, &one, 1);
    assert!(line.take("one", &owner(), 1).is_none());
    shares.set_capacity(2);
    assert_eq!(line.names(&mut Vec::new()), ["one"]);
}

#[test]
fn the_place_of_a_large_one_that_leaves_is_free_at_once() {
    let (shares, large, small) = (Shares::new(10), owner(), owner());
    let mut line = Line::new(&shares);
    let held = take(&shares, &small, 9);
    assert!(line.take("large", &large, 4).is_none());
    for _ in 0..4 {
        drop(take(&shares, &small, 1));
    }
    assert!(line.take("small", &small, 1).is_none());
    line.leave("large");
    assert_eq!(line.names(&mut Vec::new()), ["small"]);
    drop(held);
    assert_eq!(shares.taken(), 0);
}

#[test]
fn the_last_of_it_is_kept_for_those_who_hold_little() {
    let shares = Shares::keeping_some(512);
    let mut line = Line::new(&shares);
    let (greedy, small, newcomer) = (owner(), owner(), owner());
    // Even if it is alone. What is kept is 32, and little is 2.
    let mut held = vec![take(&shares, &greedy, 480)];
    assert!(line.take("greedy", &greedy, 1).is_none());
    let of_small = [take(&shares, &small, 1), take(&shares, &small, 1)];
    assert!(shares.try_take(&small, 1).is_none());
    assert!(shares.is_little(&small, 0) && !shares.is_little(&small, 1));
    // The first of anything is little.
    let first = take(&shares, &newcomer, 30);
    assert!(shares.try_take(&owner(), 1).is_none());
    drop((of_small, first));
    assert!(line.names(&mut held).is_empty(), "what is kept stays free");
    shares.set_capacity(528);
    assert_eq!(line.names(&mut held), ["greedy"]);
    held.push(take(&shares, &greedy, 14));
    assert!(shares.try_take(&greedy, 1).is_none(), "as much more is kept");
}

#[test]
fn one_that_holds_more_than_its_fair_share_keeps_nobody_waiting() {
    let (shares, greedy, small) = (Shares::new(10), owner(), owner());
    let mut line = Line::new(&shares);
    let held = take(&shares, &greedy, 7);
    assert!(line.take("greedy", &greedy, 4).is_none());
    for _ in 0..100 {
        drop(take(&shares, &small, 1));
    }
    drop(held);
    assert_eq!(line.names(&mut Vec::new()), ["greedy"]);
}

#[test]
fn nobody_waits_for_one_that_waits_for_its_own_owner() {
    let (shares, one, small) = (Shares::new(10), owner(), owner());
    let mut line = Line::new(&shares);
    let _held = take(&shares, &one, 5);
    assert!(line.take("never", &one, 6).is_none());
    for _ in 0..100 {
        drop(take(&shares, &small, 1));
    }
}

#[test]
fn only_so_much_is_taken_beyond_what_there_is_and_that_is_paid_back_first() {
    let (shares, one, other) = (Shares::new(4), owner(), owner());
    let mut line = Line::new(&shares);
    let _held = take(&shares, &one, 3);
    let beyond = shares.take_beyond(&one, 2, 1).unwrap();
    assert!(shares.is_exceeded() && shares.taken() == 5);
    assert!(shares.take_beyond(&other, 1, 1).is_none());
    assert!(line.take("next", &other, 1).is_none());
    drop(beyond);
    assert_eq!(line.names(&mut Vec::new()), ["next"]);
    assert!(!shares.is_exceeded() && shares.taken() == 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_at_once_never_have_more_than_there_is() {
    const CAPACITY: usize = 5;
    let shares = Shares::new(CAPACITY);
    let owners = [owner(), owner(), owner()];
    let mut tasks = tokio::task::JoinSet::new();
    for number in 0..300 {
        let (shares, share) = (shares.clone(), owners[number % owners.len()].clone());
        tasks.spawn(async move {
            let take = shares.take(&share, 1 + number % CAPACITY);
            if number % 7 == 0 {
                // It leaves, wherever it has come.
                drop(tokio::time::timeout(std::time::Duration::ZERO, take).await);
            } else {
                let _taken = take.await.unwrap();
                assert!(shares.taken() <= CAPACITY);
                tokio::task::yield_now().await;
            }
        });
    }
    while let Some(task) = tasks.join_next().await {
        task.unwrap();
    }
    assert_eq!((shares.taken(), shares.waiting()), (0, 0));
}
