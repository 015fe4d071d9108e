//! Replaces a component's secrets in everything that leaves it: spans, log lines and errors.

use std::sync::Arc;

use super::text;

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

    /// Returns the text with each secret replaced, and shortened to so many bytes. No part of a secret is left at its end,
    /// and no more of the text is searched than can be left.
    pub(crate) fn shorten(&self, text: String, bytes: usize) -> String {
        let longest = self.0.first().map_or(0, |Secret(value)| value.len());
        let searched = bytes.saturating_add(longest);
        if text.len() <= searched {
            return text::shorten(self.text(text), bytes);
        }
        let mut text = text::cut(text, searched);
        while let Some(begun) = self.begun_at_end_of(&text) {
            text.truncate(begun);
        }
        text::unfinished(self.text(text), bytes)
    }

    /// Returns where a secret begins of which only a part is there, since the text ends.
    fn begun_at_end_of(&self, text: &str) -> Option<usize> {
        let begun = |Secret(value): &Secret| {
            let starts = value.char_indices().rev().map(|(length, _)| length).filter(|length| *length > 0);
            starts.filter_map(|length| value.get(..length)).find(|start| text.ends_with(start)).map(str::len)
        };
        self.0.iter().filter_map(begun).max().map(|length| text.len() - length)
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
    fn a_shortened_text_ends_with_no_part_of_a_secret() {
        let scrub = Scrub::new(["hunter2-and-more", "word hunt", "ünter", "1234567890"]);
        for secret in ["hunter2-and-more", "word hunter2-and-more", "ünter", "1234567890"] {
            for before in 0..40 {
                let text = format!("{}{secret}{}", "x ".repeat(before), "y".repeat(100));
                let shortened = scrub.shorten(text, 30);
                assert!(shortened.len() <= 30 && shortened.ends_with('…'), "{shortened}");
                let rest = shortened.replace("x ", "").replace("[secret]", "");
                let rest = rest.trim_end_matches('…').trim_matches(|char| " y[secrt]".contains(char));
                // This word is before the longer secret, which is replaced first.
                assert!("word".starts_with(rest) || rest == "x", "{shortened}: {rest}");
            }
        }
    }

    #[test]
    fn a_text_is_shortened_only_if_it_is_too_long() {
        let scrub = Scrub::new(["a long secret"]);
        assert_eq!(scrub.shorten("12345678".to_owned(), 8), "12345678");
        assert_eq!(scrub.shorten("123456789".to_owned(), 8), "12345…");
        assert_eq!(scrub.shorten("a long secret".to_owned(), 8), "[secret]");
        assert_eq!(scrub.shorten("a long secret".repeat(1000), 16), "[secret][secr…");
    }
}
