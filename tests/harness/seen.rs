//! A value that one side changes as things happen and that tests wait on. Waiting checks the value, not the moment of
//! the change, so a test that looks late misses nothing, and no sleep is needed.

use std::sync::Arc;

use tokio::sync::watch;

#[derive(Debug, Default)]
pub struct Seen<T>(Arc<watch::Sender<T>>);

// === impl Seen ===

/// Returns another handle to the same value.
impl<T> Clone for Seen<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<T: Default> Seen<T> {
    pub fn new() -> Self {
        Self(Arc::new(watch::Sender::new(T::default())))
    }
}

impl<T> Seen<T> {
    pub fn change(&self, change: impl FnOnce(&mut T)) {
        self.0.send_modify(change);
    }

    /// Returns what `look` finds in the current value.
    pub fn now<R>(&self, look: impl FnOnce(&T) -> R) -> R {
        look(&self.0.borrow())
    }

    /// Waits until `look` finds something, and returns it.
    pub async fn until<R>(&self, look: impl Fn(&T) -> Option<R>) -> R {
        let mut receiver = self.0.subscribe();
        loop {
            if let Some(found) = look(&receiver.borrow_and_update()) {
                return found;
            }
            receiver.changed().await.expect("self holds the sender");
        }
    }
}

impl<T> Seen<Vec<T>> {
    pub fn push(&self, item: T) {
        self.change(|items| items.push(item));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_late_waiter_sees_earlier_changes() {
        crate::run(async {
            let seen = Seen::<Vec<u32>>::new();
            seen.push(7);
            assert_eq!(seen.until(|items| items.first().copied()).await, 7);
            let waiter = tokio::spawn({
                let seen = seen.clone();
                async move { seen.until(|items| items.get(1).copied()).await }
            });
            seen.push(8);
            assert_eq!(waiter.await.unwrap(), 8);
        });
    }
}
