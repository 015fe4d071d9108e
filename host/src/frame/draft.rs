//! An encoded text or file while it is being written: at a pace, up to a limit, and in memory that is paid for.

use bytes::Bytes;

use super::escape::{self, Style};
use super::pace::{PIECE, Pace, drop_buffer};
use super::table::sorted;
use crate::budget::Refused;
use crate::capability::bindings::gpx::plugin::frames::Label;

/// The bytes that have been written so far.
pub(super) struct Draft<'p> {
    pub(super) bytes: Vec<u8>,
    limit: usize,
    /// How many of the bytes the pace knows of.
    counted: usize,
    /// How many of the bytes are paid for.
    paid: usize,
    pace: &'p mut Pace,
}

/// Why the draft cannot become longer.
#[derive(Debug)]
pub(super) enum Full {
    /// It has reached its limit.
    Limit,
    /// There is no memory for more.
    Memory(Refused),
}

/// How many bytes are paid for at once. A draft pays for the last ones when it is finished. As many are free in each call,
/// since a small answer does not last.
pub(super) const PAYMENT: usize = 256 << 10;

/// Bytes are paid for so many times: the reply is a copy of them.
const COPIES_IN_REPLY: usize = 2;

/// The longest string that is escaped in one step. Escaping turns one byte into six at most.
pub(super) const SHORT: usize = PIECE / 4;

/// How many bytes can be copied in the time that it takes to format one, as a cautious estimate.
const COPIES: usize = 4;

// === impl Draft ===

impl<'p> Draft<'p> {
    /// `capacity` may be an estimate; it is reserved up to the limit.
    pub(super) fn new(capacity: usize, limit: usize, pace: &'p mut Pace) -> Self {
        Self { bytes: Vec::with_capacity(capacity.min(limit)), limit, counted: 0, paid: 0, pace }
    }

    /// Returns what was written, for a part of a larger draft.
    pub(super) fn finish(mut self) -> Vec<u8> {
        std::mem::take(&mut self.bytes)
    }

    /// Returns what was written, which stays paid for as long as it is kept.
    pub(super) fn finish_answer(mut self) -> Result<Bytes, Full> {
        let rest = self.pace.take_free(self.bytes.len().saturating_sub(self.paid));
        self.pace.pay(COPIES_IN_REPLY * rest).map_err(Full::Memory)?;
        let bytes = std::mem::take(&mut self.bytes);
        let paid = COPIES_IN_REPLY * (std::mem::take(&mut self.paid) + rest);
        Ok(match self.pace.take_paid(paid).filter(|_| paid > 0) {
            Some(memory) => memory.keep(bytes),
            None => Bytes::from(bytes),
        })
    }

    /// The pace of the work on this draft.
    pub(super) fn pace(&mut self) -> &mut Pace {
        self.pace
    }

    /// Counts what was written since the last pause, and additionally `read` bytes.
    #[inline]
    pub(super) async fn pause(&mut self, read: usize) -> Result<(), Full> {
        let len = self.bytes.len();
        if len > self.limit {
            return Err(Full::Limit);
        }
        if len > self.paid + PAYMENT {
            self.pace.pay(COPIES_IN_REPLY * PAYMENT).map_err(Full::Memory)?;
            self.paid += PAYMENT;
        }
        let written = len - self.counted;
        self.counted = len;
        self.pace.spend(written + read).await;
        Ok(())
    }

    /// Appends bytes as they are.
    pub(super) async fn copy(&mut self, bytes: &[u8]) -> Result<(), Full> {
        for piece in bytes.chunks(COPIES * PIECE) {
            self.bytes.extend_from_slice(piece);
            // The pause counts the rest.
            self.counted += piece.len() - piece.len() / COPIES;
            self.pause(0).await?;
        }
        Ok(())
    }

    /// Appends zeros until the length is a multiple of `alignment`.
    pub(super) fn pad(&mut self, alignment: usize) {
        self.bytes.resize(self.bytes.len().next_multiple_of(alignment), 0);
    }

    /// Appends `text`, which is UTF-8, as a JSON string.
    pub(super) async fn string(&mut self, text: &[u8], style: Style) -> Result<(), Full> {
        self.bytes.push(b'"');
        self.text(text, style).await?;
        self.bytes.push(b'"');
        Ok(())
    }

    /// Appends `text`, which is UTF-8, as a part of a JSON string.
    pub(super) async fn text(&mut self, text: &[u8], style: Style) -> Result<(), Full> {
        let mut rest = text;
        while let Some(piece) = first_piece(&mut rest) {
            escape::write_text(&mut self.bytes, piece, style);
            self.pause(0).await?;
        }
        Ok(())
    }

    /// Appends labels as a JSON object, sorted by name as Grafana's own encoder writes them.
    pub(super) async fn labels(&mut self, labels: &[Label], style: Style) -> Result<(), Full> {
        self.bytes.push(b'{');
        for (i, label) in sorted(labels).into_iter().enumerate() {
            if i > 0 {
                self.bytes.push(b',');
            }
            self.string(label.name.as_bytes(), style).await?;
            self.bytes.push(b':');
            self.string(label.value.as_bytes(), style).await?;
        }
        self.bytes.push(b'}');
        Ok(())
    }
}

impl Drop for Draft<'_> {
    fn drop(&mut self) {
        drop_buffer(std::mem::take(&mut self.bytes));
        drop(self.pace.take_paid(COPIES_IN_REPLY * self.paid));
    }
}

/// Splits off the first characters of `rest`, as many as make a short string.
fn first_piece<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    if rest.is_empty() {
        return None;
    }
    let mut end = rest.len().min(SHORT);
    while rest.get(end).is_some_and(|byte| byte & 0xC0 == 0x80) {
        end -= 1;
    }
    let (piece, tail) = rest.split_at_checked(end)?;
    *rest = tail;
    Some(piece)
}

#[cfg(test)]
mod tests {
    use super::super::sample::polls;
    use super::*;

    /// What `write` makes, within `limit`, and in how many polls.
    fn written(
        limit: usize,
        write: impl AsyncFnOnce(&mut Draft<'_>) -> Result<(), Full>,
    ) -> (Option<String>, usize) {
        polls(async {
            let mut pace = Pace::new();
            let mut draft = Draft::new(0, limit, &mut pace);
            write(&mut draft).await.ok()?;
            String::from_utf8(draft.finish()).ok()
        })
    }

    #[test]
    fn strings_are_cut_between_characters() {
        for text in ["<", "é", "\u{2028}", "🦀", "a\u{2029}", "ab\u{2028}"] {
            let text = text.repeat(5 * SHORT / text.len());
            for style in [Style::Plain, Style::Html, Style::Standard] {
                let (string, count) =
                    written(usize::MAX, async |draft| draft.string(text.as_bytes(), style).await);
                assert_eq!(serde_json::from_str::<String>(&string.unwrap()).unwrap(), text);
                assert!(count > 1);
            }
        }
    }

    #[test]
    fn everything_long_takes_many_steps() {
        let text = "a".repeat(4 * COPIES * PIECE);
        let labels = [Label { name: text.clone(), value: text.clone() }];
        for (pieces, (_, count)) in [
            (4, written(usize::MAX, async |draft| draft.copy(text.as_bytes()).await)),
            (12, written(usize::MAX, async |draft| draft.string(text.as_bytes(), Style::Html).await)),
            (24, written(usize::MAX, async |draft| draft.labels(&labels, Style::Plain).await)),
        ] {
            assert!(count >= pieces, "{count} polls");
        }
    }

    #[test]
    fn nothing_is_written_far_beyond_the_limit() {
        let text = "a".repeat(16 * PIECE);
        for end in [0, 1, PIECE, 15 * PIECE, text.len() - 1] {
            assert_eq!(written(end, async |draft| draft.copy(text.as_bytes()).await).0, None);
        }
        assert!(written(text.len(), async |draft| draft.copy(text.as_bytes()).await).0.is_some());
        let (len, _) = polls(async {
            let mut pace = Pace::new();
            let mut draft = Draft::new(0, 100, &mut pace);
            draft.string(text.as_bytes(), Style::Html).await.unwrap_err();
            draft.bytes.len()
        });
        assert!(len <= 100 + SHORT, "{len}");
    }
}
