//! The time limit of a chain of redirects. A component follows redirects with requests of its own; what makes them a chain is
//! that one asks for what another was redirected to.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use http::header::LOCATION;
use http::{Response, StatusCode, Uri};
use sha2::{Digest as _, Sha256};
use tokio::time::Instant;
use url::Url;

/// How many redirects of a call are remembered. Of more, the oldest are forgotten, and their targets have the whole time.
const MAX: usize = 64;

/// When an exchange must be over, and how long it had.
pub(super) type TotalLimit = (Instant, Duration);

/// The redirects of one call that nobody has followed yet. Cheap to clone; the clones share them.
#[derive(Clone, Default)]
pub(crate) struct Redirects(Arc<Mutex<VecDeque<Redirect>>>);

struct Redirect {
    target: Target,
    limit: TotalLimit,
}

/// The digest of a URL, which may be long.
type Target = [u8; 32];

// === impl Redirects ===

impl Redirects {
    /// Remembers that the answer to a request for `from` leads elsewhere, if it does.
    pub(super) fn answered<B>(&self, from: &Uri, response: &Response<B>, limit: Option<TotalLimit>) {
        let Some(limit) = limit.filter(|_| is_redirect(response.status())) else { return };
        let location = response.headers().get(LOCATION).and_then(|location| location.to_str().ok());
        let target = location.and_then(|location| parse(from)?.join(location).ok());
        if let Some(target) = target.map(digest) {
            let mut redirects = self.lock();
            if redirects.len() >= MAX {
                redirects.pop_front();
            }
            redirects.push_back(Redirect { target, limit });
        }
    }

    /// Returns the limit of the chain that a request for `uri` continues.
    pub(super) fn follow(&self, uri: &Uri) -> Option<TotalLimit> {
        let mut redirects = self.lock();
        if redirects.is_empty() {
            return None;
        }
        let target = digest(parse(uri)?);
        let place = redirects.iter().position(|redirect| redirect.target == target)?;
        redirects.remove(place).map(|redirect| redirect.limit)
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<Redirect>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Redirects {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Redirects").field(&self.lock().len()).finish()
    }
}

fn is_redirect(status: StatusCode) -> bool {
    [301, 302, 303, 307, 308].contains(&status.as_u16())
}

fn parse(uri: &Uri) -> Option<Url> {
    Url::parse(&uri.to_string()).ok()
}

/// Of the URL without what is not sent, or may be left out.
fn digest(mut url: Url) -> Target {
    url.set_fragment(None);
    // Only a URL without a host refuses these, and then nobody can follow it.
    let _ = url.set_username("");
    let _ = url.set_password(None);
    Sha256::digest(url.as_str()).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn redirect(status: u16, location: &str) -> Response<()> {
        Response::builder().status(status).header(LOCATION, location).body(()).unwrap()
    }

    fn limit() -> TotalLimit {
        (Instant::now() + Duration::from_secs(30), Duration::from_secs(30))
    }

    #[tokio::test]
    async fn whoever_goes_where_a_redirect_leads_has_what_is_left_of_its_time() {
        let redirects = Redirects::default();
        let from = Uri::from_static("http://a.example/x/y?z=1");
        for (location, target) in [
            ("/b", "http://a.example/b"),
            ("c?d=e#f", "http://a.example/x/c?d=e"),
            ("http://user:pw@B.example:80", "http://b.example/"),
        ] {
            let limit = limit();
            redirects.answered(&from, &redirect(302, location), Some(limit));
            assert_eq!(redirects.follow(&Uri::from_static("http://a.example/other")), None);
            let target: Uri = target.parse().unwrap();
            assert_eq!(redirects.follow(&target), Some(limit), "{location}");
            assert_eq!(redirects.follow(&target), None, "only once");
        }
        redirects.answered(&from, &redirect(200, "/b"), Some(limit()));
        redirects.answered(&from, &redirect(302, "/b"), None);
        assert_eq!(redirects.follow(&Uri::from_static("http://a.example/b")), None);
    }

    #[tokio::test]
    async fn only_so_many_are_remembered() {
        let redirects = Redirects::default();
        for number in 0..1000 {
            let location = format!("/{number}");
            redirects.answered(
                &Uri::from_static("http://a.example/"),
                &redirect(308, &location),
                Some(limit()),
            );
        }
        assert_eq!(redirects.lock().len(), MAX);
        assert!(redirects.follow(&Uri::from_static("http://a.example/999")).is_some());
    }
}
