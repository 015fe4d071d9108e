//! Things that are idle, of several owners: the one that an owner used last is used first, and the one that has been idle
//! longest goes first, whoever has it.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::hash::Hash;
use std::time::Duration;

use tokio::time::Instant;

/// Idle things of type `T`, by their owners' keys.
pub(crate) struct Idle<K, T> {
    /// By the number under which each became idle.
    things: BTreeMap<u64, Resting<K, T>>,
    /// The numbers of each owner's, the oldest first.
    owners: HashMap<K, VecDeque<u64>>,
    last: u64,
}

struct Resting<K, T> {
    thing: T,
    owner: K,
    since: Instant,
}

// === impl Idle ===

impl<K, T> Default for Idle<K, T> {
    fn default() -> Self {
        Self { things: BTreeMap::new(), owners: HashMap::new(), last: 0 }
    }
}

impl<K: Copy + Eq + Hash, T> Idle<K, T> {
    pub(crate) fn len(&self) -> usize {
        self.things.len()
    }

    pub(crate) fn len_of(&self, owner: K) -> usize {
        self.owners.get(&owner).map_or(0, VecDeque::len)
    }

    /// How many of the owner's fit.
    pub(crate) fn count(&self, owner: K, fits: impl Fn(&T) -> bool) -> usize {
        let numbers = self.owners.get(&owner).into_iter().flatten();
        numbers.filter(|number| self.get(**number).is_some_and(&fits)).count()
    }

    /// Returns the number under which it is idle.
    pub(crate) fn put(&mut self, owner: K, thing: T) -> u64 {
        self.last += 1;
        self.things.insert(self.last, Resting { thing, owner, since: Instant::now() });
        self.owners.entry(owner).or_default().push_back(self.last);
        self.last
    }

    pub(crate) fn get(&self, number: u64) -> Option<&T> {
        self.things.get(&number).map(|resting| &resting.thing)
    }

    /// Takes the one of the owner's that fit which was used last. Also returns since when it was idle.
    pub(crate) fn take(&mut self, owner: K, fits: impl Fn(&T) -> bool) -> Option<(T, Instant)> {
        let mut numbers = self.owners.get(&owner)?.iter().rev().copied();
        let number = numbers.find(|number| self.get(*number).is_some_and(&fits))?;
        let since = self.things.get(&number)?.since;
        self.remove(number).map(|thing| (thing, since))
    }

    pub(crate) fn remove(&mut self, number: u64) -> Option<T> {
        let Resting { thing, owner, .. } = self.things.remove(&number)?;
        if let Some(numbers) = self.owners.get_mut(&owner) {
            // Sorted, since numbers only grow.
            if let Ok(place) = numbers.binary_search(&number) {
                numbers.remove(place);
            }
            if numbers.is_empty() {
                self.owners.remove(&owner);
            }
        }
        Some(thing)
    }

    pub(crate) fn remove_oldest(&mut self) -> Option<T> {
        let oldest = *self.things.first_key_value()?.0;
        self.remove(oldest)
    }

    pub(crate) fn remove_oldest_of(&mut self, owner: K) -> Option<T> {
        let oldest = *self.owners.get(&owner)?.front()?;
        self.remove(oldest)
    }

    /// Removes all whose own time is up, which is `None` for those that have as much as they want. Also returns when the
    /// next one's will be.
    pub(crate) fn remove_due(&mut self, time: impl Fn(&T) -> Option<Duration>) -> (Vec<T>, Option<Instant>) {
        let now = Instant::now();
        let ends = self.things.iter().filter_map(|(number, resting)| {
            Some((*number, resting.since.checked_add(time(&resting.thing)?)?))
        });
        let (due, later): (Vec<_>, Vec<_>) = ends.partition(|(_, end)| *end <= now);
        let due = due.into_iter().filter_map(|(number, _)| self.remove(number)).collect();
        (due, later.into_iter().map(|(_, end)| end).min())
    }

    /// Removes all that have been idle for so long. Also returns when the next one will have been, if any is left.
    pub(crate) fn remove_older(&mut self, time: Duration) -> (Vec<T>, Option<Instant>) {
        let mut old = Vec::new();
        while let Some(end) = self.things.first_key_value().map(|(_, oldest)| oldest.since + time) {
            if end > Instant::now() {
                return (old, Some(end));
            }
            old.extend(self.remove_oldest());
        }
        (old, None)
    }
}

#[cfg(test)]
impl<K, T> Idle<K, T> {
    /// Checks that each thing has its place among its owner's.
    pub(crate) fn assert_consistent(&self) {
        assert_eq!(self.owners.values().map(VecDeque::len).sum::<usize>(), self.things.len());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn the_last_one_in_is_the_first_one_out_and_the_oldest_goes_first() {
        let mut idle = Idle::default();
        let numbers = [('a', 1), ('b', 2), ('a', 3), ('a', 4)].map(|(owner, thing)| idle.put(owner, thing));
        assert_eq!(idle.take('a', |thing| *thing < 4).map(|(thing, _)| thing), Some(3));
        assert_eq!(idle.take('b', |_| true).map(|(thing, _)| thing), Some(2));
        assert_eq!((idle.len(), idle.len_of('a'), idle.len_of('b')), (2, 2, 0));
        idle.assert_consistent();
        assert_eq!((idle.get(numbers[3]), idle.get(numbers[2])), (Some(&4), None));
        assert_eq!(idle.remove_oldest(), Some(1));
        assert_eq!((idle.remove_oldest_of('b'), idle.remove_oldest_of('a')), (None, Some(4)));
        assert!(idle.owners.is_empty() && idle.things.is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn each_has_its_own_time() {
        let (mut idle, second) = (Idle::default(), Duration::from_secs(1));
        idle.put('a', 1);
        tokio::time::advance(second).await;
        idle.put('b', 2);
        let next = Instant::now() + 2 * second;
        assert_eq!(idle.remove_older(2 * second), (vec![], Some(next - second)));
        tokio::time::advance(second).await;
        assert_eq!(idle.remove_older(2 * second), (vec![1], Some(next)));
        tokio::time::advance(second).await;
        assert_eq!(idle.remove_older(2 * second), (vec![2], None));
    }

    #[tokio::test(start_paused = true)]
    async fn each_may_have_as_much_time_as_it_says() {
        let (mut idle, second) = (Idle::default(), Duration::from_secs(1));
        for seconds in [3, 1, 2, 0] {
            idle.put('a', seconds);
        }
        let begun = Instant::now();
        let time = |seconds: &u32| (*seconds > 0).then(|| second * *seconds);
        assert_eq!(idle.count('a', |seconds| *seconds > 1), 2);
        assert_eq!(idle.remove_due(time), (vec![], Some(begun + second)));
        tokio::time::advance(2 * second).await;
        assert_eq!(idle.remove_due(time), (vec![1, 2], Some(begun + 3 * second)));
        tokio::time::advance(2 * second).await;
        assert_eq!(idle.remove_due(time), (vec![3], None));
        assert_eq!(idle.len(), 1);
    }
}
