//! The document: a log of entries.

use std::sync::{Arc, Mutex};

use super::entry::{Entry, Exchange, Text, lock};
use super::limits::{ENTRY, MAX_TOTAL};
use crate::budget::{Charge, Refused};
use crate::text::Scrub;

/// The creator is that of Go, which readers may expect.
const BEGIN: &[u8] =
    br#"{"log":{"version":"1.2","creator":{"name":"grafana-plugin-sdk-go","version":"1.0"},"entries":["#;
const END: &[u8] = b"}}";

/// How many copies of a body its entry makes at most: in one piece, as base64, and without secrets.
const COPIES: usize = 3;

/// Writes entries one by one, so that only one of them is in memory twice. Says how many exchanges are left out.
pub(super) fn write(
    exchanges: &[Arc<Mutex<Exchange>>],
    left_out: usize,
    scrub: &Scrub,
    room: usize,
    memory: &mut Charge,
) -> Result<String, Refused> {
    let (mut written, mut sum) = (BEGIN.to_vec(), Weight::default());
    for (index, exchange) in exchanges.iter().enumerate() {
        let mut exchange = lock(exchange);
        memory.try_grow(ENTRY + 2 * exchange.heads())?;
        let before = memory.bytes();
        if memory.try_grow(COPIES * exchange.kept()).is_err() {
            exchange.drop_bodies();
        }
        let mut entry = exchange.entry(scrub);
        let with = sum.and(weigh(&mut entry));
        let text = 2 * (with.once - sum.once);
        let fits = with.once <= MAX_TOTAL && with.twice <= room;
        // What is written may have grown to twice its size.
        let stays = if fits && memory.try_grow(text).is_ok() {
            sum = with;
            text
        } else {
            entry.texts().for_each(|text| *text = Text::default());
            0
        };
        if index > 0 {
            written.push(b',');
        }
        // It contains nothing that could not be written.
        let _ = serde_json::to_writer(&mut written, &entry);
        drop(entry);
        memory.shrink_to(before + stays);
    }
    written.push(b']');
    if left_out > 0 {
        let comment = format!(r#","comment":"{left_out} more exchanges are left out""#);
        written.extend_from_slice(comment.as_bytes());
    }
    written.extend_from_slice(END);
    Ok(String::from_utf8(written).unwrap_or_default())
}

/// How many bytes bodies take.
#[derive(Clone, Copy, Default)]
struct Weight {
    /// As Go counts: in the document.
    once: usize,
    /// The document is a string within JSON.
    twice: usize,
}

impl Weight {
    fn and(self, more: Self) -> Self {
        Self { once: self.once + more.once, twice: self.twice + more.twice }
    }
}

/// Returns how many bytes the bodies of an entry take, or a little more.
fn weigh(entry: &mut Entry) -> Weight {
    let mut sum = Weight::default();
    for character in entry.texts().flat_map(|text| text.text.chars()) {
        let (once, twice) = match character {
            '"' | '\\' => (2, 4),
            '\u{8}' | '\u{c}' | '\n' | '\r' | '\t' => (2, 3),
            '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => (6, 6),
            '\0'..' ' => (6, 7),
            '\u{fffd}' => (6, 6),
            other => (other.len_utf8(), other.len_utf8()),
        };
        sum = sum.and(Weight { once, twice });
    }
    sum
}
