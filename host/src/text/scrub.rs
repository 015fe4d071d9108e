//! Replaces a data source's secrets in everything that is printed for it: spans, log lines, errors.

mod finder;
mod forms;
mod view;

use std::ops::Range;
use std::sync::{Arc, OnceLock};

use self::finder::Finder;
use super::{shorten, unfinished};

/// What replaces a secret.
const MARK: &str = "[secret]";

/// How far a text is searched beyond where it is cut, in bytes: as much as the beginning of a secret takes by which it is
/// found, encoded three times over.
const AHEAD: usize = 512;

/// The secrets of one version of a data source or app. Cheap to clone.
#[derive(Clone, Default)]
pub(crate) struct Scrub(Arc<HeldSecrets>);

#[derive(Default)]
struct HeldSecrets {
    secrets: Vec<String>,
    /// Made when the first text is searched. `None` if nothing is worth a search.
    finder: OnceLock<Option<Finder>>,
}

// === impl Scrub ===

impl Scrub {
    pub(crate) fn new(secrets: impl IntoIterator<Item = impl Into<String>>) -> Self {
        let secrets = secrets.into_iter().map(Into::into).collect();
        Self(Arc::new(HeldSecrets { secrets, finder: OnceLock::new() }))
    }

    /// Returns the text with each secret replaced.
    pub(crate) fn text(&self, text: String) -> String {
        let found = self.find(text.as_bytes());
        if found.is_empty() { text } else { replaced(&text, &found, text.len()) }
    }

    /// Returns the text with each secret replaced, and shortened to so many bytes. No part of a secret is left at its end,
    /// and no more of the text is searched than can be left.
    pub(crate) fn shorten(&self, text: String, bytes: usize) -> String {
        let looked = text.floor_char_boundary(bytes.saturating_add(AHEAD));
        let found = self.find(text.get(..looked).unwrap_or_default().as_bytes());
        match (found.as_slice(), looked == text.len()) {
            ([], true) => shorten(text, bytes),
            ([], false) => unfinished(text, bytes),
            (found, true) => shorten(replaced(&text, found, text.len()), bytes),
            (found, false) => unfinished(replaced(&text, found, text.floor_char_boundary(bytes)), bytes),
        }
    }

    /// Returns whether the text contains a secret.
    pub(crate) fn is_in(&self, text: &str) -> bool {
        !self.find(text.as_bytes()).is_empty()
    }

    /// Returns the JSON document with each secret in its strings and names replaced. What is not JSON is taken for text.
    pub(crate) fn json(&self, document: String) -> String {
        if !self.is_in(&document) {
            return document;
        }
        match serde_json::from_str(&document) {
            Ok(value) => self.value(value).to_string(),
            Err(_) => self.text(document),
        }
    }

    /// How many bytes must follow a place where a text may be cut.
    pub(crate) const AHEAD: usize = AHEAD;

    /// Returns where to cut a text that goes on for [`Scrub::AHEAD`] bytes after `at`: there, or earlier if a secret would
    /// be cut.
    pub(crate) fn place_to_cut(&self, text: &[u8], at: usize) -> usize {
        let found = self.find(text);
        let mut place = at;
        while let Some(secret) = found.iter().find(|secret| secret.start < place && place < secret.end) {
            place = secret.start;
        }
        if place == 0 { at } else { place }
    }

    fn value(&self, value: serde_json::Value) -> serde_json::Value {
        use serde_json::Value;
        match value {
            Value::String(text) => Value::String(self.text(text)),
            Value::Array(items) => items.into_iter().map(|item| self.value(item)).collect(),
            Value::Object(items) => {
                items.into_iter().map(|(key, value)| (self.text(key), self.value(value))).collect()
            }
            Value::Number(number) if self.is_in(&number.to_string()) => MARK.into(),
            other => other,
        }
    }

    /// Returns where secrets are, in the order of their beginnings. They may overlap.
    fn find(&self, text: &[u8]) -> Vec<Range<usize>> {
        if self.0.secrets.is_empty() {
            return Vec::new();
        }
        let finder = self.0.finder.get_or_init(|| Finder::new(&self.0.secrets));
        finder.as_ref().map(|finder| finder.find(text)).unwrap_or_default()
    }
}

impl std::fmt::Debug for Scrub {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Scrub").field(&self.0.secrets.len()).finish()
    }
}

/// Returns the text up to `end`, with a mark in place of each range that begins before that. Ranges that overlap get one
/// mark.
fn replaced(text: &str, found: &[Range<usize>], end: usize) -> String {
    let mut clean = String::with_capacity(end.min(text.len()));
    let (mut done, mut rest) = (0, found.iter().peekable());
    while let Some(first) = rest.next().filter(|range| range.start < end) {
        let mut until = first.end;
        while let Some(next) = rest.next_if(|next| next.start < until) {
            until = until.max(next.end);
        }
        let start = text.floor_char_boundary(first.start).max(done);
        clean.push_str(text.get(done..start).unwrap_or_default());
        clean.push_str(MARK);
        done = text.ceil_char_boundary(until);
    }
    clean.push_str(text.get(done..end.max(done)).unwrap_or_default());
    clean
}

#[cfg(test)]
mod tests;
