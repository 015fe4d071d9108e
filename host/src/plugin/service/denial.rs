//! Why a component refuses an object.

use crate::capability::bindings::gpx::plugin::objects;
use crate::text::{MAX_REASON, Scrub};

/// Why an object is refused, for the user and for programs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Denial {
    pub message: String,
    pub reason: String,
    /// An HTTP status from 400 to 599.
    pub status: u16,
}

/// How long a word for programs is, in bytes. Kubernetes' own have up to 21.
const MAX_WORD: usize = 256;

/// The status of a denial that has none. It is Kubernetes' own.
const BAD_REQUEST: u16 = 400;

/// Returns a denial without secrets and cut to what is passed on. A status that is no error would be taken for an answer, and
/// one that HTTP does not have ends Grafana's own answer.
pub(super) fn bounded(denial: objects::Denial, scrub: &Scrub) -> Denial {
    let objects::Denial { message, reason, status } = denial;
    Denial {
        message: scrub.shorten(message, MAX_REASON),
        reason: scrub.shorten(reason, MAX_WORD),
        status: if (400..600).contains(&status) { status } else { BAD_REQUEST },
    }
}

/// Returns the memory of a denial, in bytes, or a little less.
pub(super) fn weight(denial: &objects::Denial) -> usize {
    denial.message.len() + denial.reason.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_denial_is_short_and_has_a_status_of_an_error() {
        let scrub = Scrub::new(["hunter2hunter2"]);
        let denied = |message: &str, status| {
            let (message, reason) = (message.to_owned(), message.to_owned());
            bounded(objects::Denial { message, reason, status }, &scrub)
        };
        for (given, status) in
            [(0, 400), (200, 400), (399, 400), (400, 400), (599, 599), (600, 400), (65535, 400)]
        {
            assert_eq!(denied("no", given).status, status, "{given}");
        }
        let secret = denied("hunter2hunter2", 403);
        assert_eq!((secret.message.as_str(), secret.reason.as_str()), ("[secret]", "[secret]"));
        let long = denied(&"x".repeat(1 << 20), 403);
        assert_eq!((long.message.len(), long.reason.len()), (MAX_REASON, MAX_WORD));
    }
}
