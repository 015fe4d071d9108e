//! Keeps the credentials of one data source until shortly before they expire. They are fetched once for all requests that
//! need them.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
use tokio::sync::Mutex;

use super::error::CredentialsError;
use crate::egress::error::RequestError;

/// Credentials are not used that expire sooner: a request takes a while, and clocks differ.
const MARGIN: Duration = Duration::from_secs(60);

#[derive(Default)]
pub(super) struct CredentialsCache {
    state: Mutex<State>,
    /// How many fetches have failed.
    failures: AtomicU64,
}

#[derive(Default)]
struct State {
    kept: Option<Credentials>,
    /// The last failure, unless something was fetched since.
    failed: Option<Arc<CredentialsError>>,
}

// === impl CredentialsCache ===

impl CredentialsCache {
    /// Returns credentials that are kept, or has them fetched. Whoever waits for a fetch shares its outcome. If the request
    /// that fetches them is given up, the next one fetches them.
    pub(super) async fn get<F>(&self, fetch: impl FnOnce() -> F) -> Result<Credentials, RequestError>
    where
        F: Future<Output = Result<Credentials, CredentialsError>>,
    {
        let before = self.failures.load(Ordering::Acquire);
        let mut state = self.state.lock().await;
        if let Some(kept) = state.kept.as_ref().filter(|kept| lasts(kept)) {
            return Ok(kept.clone());
        }
        let is_new = self.failures.load(Ordering::Acquire) > before;
        if let Some(failed) = state.failed.as_ref().filter(|_| is_new) {
            return Err(RequestError::Credentials(failed.clone()));
        }
        state.failed = None;
        match fetch().await {
            Ok(credentials) => {
                state.kept = Some(credentials.clone());
                Ok(credentials)
            }
            Err(error) => {
                let error = Arc::new(error);
                self.failures.fetch_add(1, Ordering::AcqRel);
                state.failed = Some(error.clone());
                Err(RequestError::Credentials(error))
            }
        }
    }
}

fn lasts(credentials: &Credentials) -> bool {
    credentials.expiry().is_none_or(|expiry| expiry > SystemTime::now() + MARGIN)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;

    use tokio::sync::Semaphore;

    use super::*;

    fn credentials(seconds: u64) -> Credentials {
        let expiry = SystemTime::now() + Duration::from_secs(seconds);
        Credentials::new("AKID", "hunter2", None, Some(expiry), "test")
    }

    fn failure() -> CredentialsError {
        CredentialsError::NoProfile { profile: "p".to_owned() }
    }

    /// Starts so many that need credentials at once, and lets the first fetch go on when all wait.
    async fn many(seconds: u64, fails: bool) -> (usize, usize) {
        let cache = Arc::new(CredentialsCache::default());
        let (fetches, gate) = (Arc::new(AtomicUsize::new(0)), Arc::new(Semaphore::new(0)));
        let one = || {
            let (cache, fetches, gate) = (cache.clone(), fetches.clone(), gate.clone());
            async move {
                let fetch = || async move {
                    fetches.fetch_add(1, Ordering::Relaxed);
                    gate.acquire().await.unwrap().forget();
                    if fails { Err(failure()) } else { Ok(credentials(seconds)) }
                };
                cache.get(fetch).await.is_ok()
            }
        };
        let all = futures_util::future::join_all((0..32).map(|_| one()));
        let open = async { gate.add_permits(32) };
        let (answers, ()) = tokio::join!(all, open);
        (fetches.load(Ordering::Relaxed), answers.into_iter().filter(|good| *good).count())
    }

    #[tokio::test]
    async fn many_requests_share_one_fetch_and_its_failure() {
        assert_eq!(many(900, false).await, (1, 32));
        assert_eq!(many(900, true).await, (1, 0));
        // What has expired is not kept, but used once.
        assert_eq!(many(30, false).await, (32, 32));
    }

    #[tokio::test]
    async fn a_failure_is_not_kept_and_a_fetch_that_is_given_up_hinders_nobody() {
        let cache = CredentialsCache::default();
        assert!(cache.get(|| async { Err(failure()) }).await.is_err());
        let mut given_up = Box::pin(cache.get(std::future::pending));
        assert!(futures_util::poll!(&mut given_up).is_pending());
        let mut next = Box::pin(cache.get(|| async { Ok(credentials(900)) }));
        assert!(futures_util::poll!(&mut next).is_pending());
        drop(given_up);
        assert!(next.await.is_ok());
    }
}
