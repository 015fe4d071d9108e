//! Finds all forms of all secrets of a data source in one pass over a text.

use std::ops::Range;

use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};

use super::forms::{self, SecretForm};
use super::view::DecodedText;

/// How many bytes of a form the automaton knows. What begins like that is the secret as far as it goes on like it, also if
/// its end is missing. So the automaton stays small, however long a key is.
const KEY: usize = 16;

/// How long a form must be to be found with other capital letters, in bytes: host names, for example, are put into lower
/// case. A shorter one occurs in too many ordinary words.
const CASELESS: usize = 8;

/// How often a text may be encoded one way in another.
const ENCODINGS: usize = 3;

/// An automaton that knows the beginning of every form, in any case.
pub(super) struct Finder {
    automaton: AhoCorasick,
    forms: Vec<SecretForm>,
}

// === impl Finder ===

impl Finder {
    /// Returns nothing if no secret is long enough to be looked for.
    pub(super) fn new(secrets: &[String]) -> Option<Self> {
        let forms = forms::of(secrets);
        if forms.is_empty() {
            return None;
        }
        let keys = forms.iter().map(|form| form.bytes.get(..KEY).unwrap_or(&form.bytes));
        let mut builder = AhoCorasick::builder();
        builder
            .kind(Some(AhoCorasickKind::ContiguousNFA))
            .match_kind(MatchKind::Standard)
            .ascii_case_insensitive(true);
        // It fails only for more bytes than there can be.
        let automaton = builder.build(keys).ok()?;
        Some(Self { automaton, forms })
    }

    /// Returns where secrets are, in the order of their beginnings. They may overlap.
    pub(super) fn find(&self, text: &[u8]) -> Vec<Range<usize>> {
        let mut found = Vec::new();
        self.find_in(&DecodedText::original(text), ENCODINGS, &mut found);
        found.sort_unstable_by_key(|range| (range.start, range.end));
        found
    }

    fn find_in(&self, text: &DecodedText<'_>, encodings: usize, found: &mut Vec<Range<usize>>) {
        for key in self.automaton.find_overlapping_iter(text.bytes()) {
            let form = self.forms.get(key.pattern().as_usize());
            let place = form.and_then(|form| form.place(text.bytes(), key.start()));
            found.extend(place.map(|place| text.in_original(place)));
        }
        if let Some(encodings) = encodings.checked_sub(1) {
            let decoded = [text.percent_decoded(), text.unescaped()];
            decoded.iter().flatten().for_each(|text| self.find_in(text, encodings, found));
        }
    }
}

// === impl SecretForm ===

impl SecretForm {
    /// Returns which bytes of the text are the secret, whose key is at `start`.
    fn place(&self, text: &[u8], start: usize) -> Option<Range<usize>> {
        let rest = text.get(start..)?;
        let alike =
            self.bytes.iter().zip(rest).take_while(|(ours, theirs)| ours.eq_ignore_ascii_case(theirs));
        let length = alike.count();
        if self.bytes.len() < CASELESS && rest.get(..length) != Some(&self.bytes) {
            return None;
        }
        let is_digit = |index: usize| {
            let byte = text.get(index).copied().unwrap_or_default();
            byte.is_ascii_alphanumeric() || b"+/-_".contains(&byte)
        };
        let end = start + length;
        let before = self.shared.before && start.checked_sub(1).is_some_and(is_digit);
        let after = self.shared.after && length == self.bytes.len() && is_digit(end);
        Some(start - usize::from(before)..end + usize::from(after))
    }
}
