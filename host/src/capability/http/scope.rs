//! What the requests of one call hold, so that all of it ends with the call, whatever the component has forgotten.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::{Context, Poll, Waker};

/// What belongs to one call. Cheap to clone.
#[derive(Clone, Default)]
pub(super) struct Scope(Arc<Mutex<Members>>);

/// A value that is dropped when its scope ends, at once and wherever this is kept.
pub(super) struct InScope<T: Send + 'static> {
    member: Arc<Member<T>>,
    key: u64,
    scope: Weak<Mutex<Members>>,
}

#[derive(Default)]
struct Members {
    ended: bool,
    keys: u64,
    members: HashMap<u64, Arc<dyn End>>,
}

struct Member<T>(Mutex<Kept<T>>);

struct Kept<T> {
    /// `None` once the scope has ended.
    value: Option<T>,
    /// Whoever waits for the value.
    waker: Option<Waker>,
}

trait End: Send + Sync {
    fn end(&self);
}

// === impl Scope ===

impl Scope {
    /// Keeps a value until this ends, which may already be.
    pub(super) fn keep<T: Send + 'static>(&self, value: T) -> InScope<T> {
        let kept = Kept { value: Some(value), waker: None };
        let member = Arc::new(Member(Mutex::new(kept)));
        let mut members = self.lock();
        members.keys += 1;
        let (key, ended) = (members.keys, members.ended);
        if !ended {
            members.members.insert(key, member.clone());
        }
        drop(members);
        if ended {
            member.end();
        }
        InScope { member, key, scope: Arc::downgrade(&self.0) }
    }

    /// Drops everything that is kept, and whatever will be.
    pub(super) fn end(&self) {
        let mut members = self.lock();
        members.ended = true;
        let ended = std::mem::take(&mut members.members);
        drop(members);
        ended.values().for_each(|member| member.end());
    }

    fn lock(&self) -> MutexGuard<'_, Members> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

// === impl InScope ===

impl<T: Send + 'static> InScope<T> {
    /// Polls the value. Ready with `None` once the scope has ended.
    pub(super) fn poll<R>(
        &self,
        context: &mut Context<'_>,
        poll: impl FnOnce(&mut T, &mut Context<'_>) -> Poll<R>,
    ) -> Poll<Option<R>> {
        let mut kept = self.member.lock();
        let Some(value) = &mut kept.value else { return Poll::Ready(None) };
        match poll(value, context) {
            Poll::Ready(result) => Poll::Ready(Some(result)),
            Poll::Pending => {
                kept.waker = Some(context.waker().clone());
                Poll::Pending
            }
        }
    }

    /// Asks the value something, if the scope has not ended.
    pub(super) fn ask<R>(&self, ask: impl FnOnce(&T) -> R) -> Option<R> {
        self.member.lock().value.as_ref().map(ask)
    }
}

impl<T: Send + 'static> Drop for InScope<T> {
    fn drop(&mut self) {
        if let Some(scope) = self.scope.upgrade() {
            scope.lock().unwrap_or_else(PoisonError::into_inner).members.remove(&self.key);
        }
    }
}

// === impl Member ===

impl<T> Member<T> {
    fn lock(&self) -> MutexGuard<'_, Kept<T>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T: Send> End for Member<T> {
    fn end(&self) {
        let mut kept = self.lock();
        let (value, waker) = (kept.value.take(), kept.waker.take());
        drop(kept);
        drop(value);
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn poll<T: Send>(kept: &InScope<T>) -> Poll<Option<()>> {
        kept.poll(&mut Context::from_waker(Waker::noop()), |_, _| Poll::Pending)
    }

    #[test]
    fn the_end_drops_what_is_kept_and_what_comes_later() {
        let (scope, value) = (Scope::default(), Arc::new(()));
        let kept = scope.keep(value.clone());
        assert!(poll(&kept).is_pending() && kept.ask(|_| ()).is_some());
        scope.end();
        assert_eq!(Arc::strong_count(&value), 1);
        assert_eq!((poll(&kept), kept.ask(|_| ())), (Poll::Ready(None), None));
        let late = scope.keep(value.clone());
        assert_eq!((Arc::strong_count(&value), poll(&late)), (1, Poll::Ready(None)));
    }

    #[test]
    fn what_is_dropped_before_leaves_nothing_behind() {
        let (scope, value) = (Scope::default(), Arc::new(()));
        drop(scope.keep(value.clone()));
        assert_eq!((Arc::strong_count(&value), scope.lock().members.len()), (1, 0));
    }

    #[tokio::test]
    async fn the_end_wakes_whoever_waits() {
        let scope = Scope::default();
        let kept = scope.keep(());
        let (began, begun) = tokio::sync::oneshot::channel();
        let mut began = Some(began);
        let waiting = tokio::spawn(std::future::poll_fn(move |context| {
            let polled = kept.poll(context, |(), _| Poll::<()>::Pending);
            if let Some(began) = began.take() {
                began.send(()).unwrap();
            }
            polled
        }));
        begun.await.unwrap();
        scope.end();
        assert_eq!(waiting.await.unwrap(), None);
    }
}
