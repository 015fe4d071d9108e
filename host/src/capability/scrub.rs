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

    /// Returns the beginning of the text, at most `max` bytes, with each secret replaced. Does not look at the rest, which
    /// may be long. Leaves no part of a secret at the end.
    pub(crate) fn beginning(&self, mut text: String, max: usize) -> String {
        // A secret that begins before the cut may end after it. One that is not whole ends where the text that is looked
        // at ends, and may have become longer: a mark has at most twice the length of the secret in it.
        let margin = 2 * self.0.first().map_or(0, |Secret(longest)| longest.len());
        if text.len() <= max + margin {
            text = self.text(text);
            text.truncate(text.floor_char_boundary(max));
            return text;
        }
        text.truncate(text.floor_char_boundary(max + margin));
        text = self.text(text);
        text.truncate(text.floor_char_boundary(max.min(text.len().saturating_sub(margin))));
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

    #[test]
    fn the_beginning_of_a_long_text_has_no_part_of_a_secret() {
        let secret = "0123456789".repeat(3);
        let scrub = Scrub::new([secret.as_str(), "0123"]);
        let part = |text: &str| text.contains(|c: char| c.is_ascii_digit());
        for before in 0..60 {
            let text = format!("{}{secret}{}", "x".repeat(before), "y".repeat(200));
            let beginning = scrub.beginning(text, 40);
            assert!(!part(&beginning) && beginning.len() <= 40, "{before}: {beginning}");
            // Many secrets before that shorten the text.
            let text = format!("{}{}{}", secret.repeat(3), "x".repeat(before), secret.repeat(9));
            let beginning = scrub.beginning(text, 40);
            assert!(!part(&beginning) && beginning.len() <= 40, "{before}: {beginning}");
        }
        assert_eq!(scrub.beginning(format!("a{secret}"), 40), "a[secret]");
        assert_eq!(scrub.beginning("é".repeat(40), 41).len(), 40);
        assert_eq!(Scrub::default().beginning("x".repeat(100), 40).len(), 40);
    }
}
