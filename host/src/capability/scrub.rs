//! Replaces a component's secrets in everything that leaves it: spans, log lines and errors.

use std::sync::Arc;

/// What replaces a secret.
const MARK: &str = "[secret]";

/// How long a secret must be to be replaced, in bytes. A shorter one occurs in too many ordinary words.
const SHORTEST: usize = 4;

/// The values of those secrets of one data source that its component was given. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub(crate) struct Scrub(Arc<[Secret]>);

#[derive(Clone)]
struct Secret(String);

// === impl Scrub ===

impl Scrub {
    pub(crate) fn new<'a>(values: impl IntoIterator<Item = &'a str>) -> Self {
        let long = values.into_iter().filter(|value| value.len() >= SHORTEST);
        let mut secrets: Vec<_> = long.map(|value| Secret(value.to_owned())).collect();
        // One secret may be part of another: the longer one is replaced first.
        secrets.sort_by_key(|Secret(value)| std::cmp::Reverse(value.len()));
        Self(secrets.into())
    }

    /// Returns the text with each secret replaced.
    pub(crate) fn text(&self, mut text: String) -> String {
        for Secret(value) in self.0.iter() {
            if text.contains(value.as_str()) {
                text = text.replace(value.as_str(), MARK);
            }
        }
        text
    }
}

// === impl Secret ===

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(MARK)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_replaced_wherever_it_appears() {
        let scrub = Scrub::new(["token", "token-and-more", "abc"]);
        let text = scrub.text("GET /?a=token-and-more&b=token&c=abc".to_owned());
        assert_eq!(text, "GET /?a=[secret]&b=[secret]&c=abc");
        assert!(!format!("{scrub:?}").contains("token"));
    }
}
