//! What is kept of a component's wishes for its requests: each owner looks for its secrets.

use crate::capability::bindings::exports::gpx::plugin::outgoing::{Additions, SecretHeader};

/// How many headers are kept. A person has to look at each of them.
const MAX_HEADERS: usize = 256;

/// How long a name may be, in bytes, and a header's value.
const MAX_NAME: usize = 256;
const MAX_VALUE: usize = 4096;

/// Returns what is kept, and whether that is everything.
pub(super) fn bounded(additions: Option<Additions>) -> (Additions, bool) {
    let Some(Additions { secret_headers: mut headers, forwarding }) = additions else {
        return (Additions { secret_headers: Vec::new(), forwarding: None }, true);
    };
    let whole = headers.len();
    // A part of a name would be another name.
    headers.retain(|SecretHeader { secret, header, value }| {
        secret.len() <= MAX_NAME && header.len() <= MAX_NAME && value.len() <= MAX_VALUE
    });
    headers.truncate(MAX_HEADERS);
    headers.shrink_to_fit();
    let is_whole = headers.len() == whole;
    (Additions { secret_headers: headers, forwarding }, is_whole)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(header: &str) -> SecretHeader {
        SecretHeader { secret: "token".to_owned(), header: header.to_owned(), value: "{}".to_owned() }
    }

    fn kept(secret_headers: Vec<SecretHeader>) -> (usize, bool) {
        let (kept, whole) = bounded(Some(Additions { secret_headers, forwarding: None }));
        (kept.secret_headers.len(), whole)
    }

    #[test]
    fn only_so_much_is_kept() {
        assert_eq!(kept(vec![header("X-Key"), header("Authorization")]), (2, true));
        assert_eq!(kept(vec![header("X-Key"), header(&"x".repeat(MAX_NAME + 1))]), (1, false));
        let long = SecretHeader { value: "x".repeat(MAX_VALUE + 1), ..header("X-Key") };
        assert_eq!(kept(vec![long]), (0, false));
        assert_eq!(kept(vec![header("X-Key"); MAX_HEADERS + 1]), (MAX_HEADERS, false));
        assert!(bounded(None).1);
    }
}
