//! Checks columns of strings: their offsets, their UTF-8, their JSON.

use super::super::error::Mistake;
use super::super::grammar::Grammar;
use super::super::pace::{PIECE, Pace};
use super::super::table::{Nulls, text};
use crate::capability::bindings::gpx::plugin::frames::Texts;

/// How many offsets are checked between two pauses.
pub(super) const OFFSETS: usize = PIECE / size_of::<i32>();

/// Checks the offsets and that each row is UTF-8.
pub(super) async fn check_texts(texts: &Texts, pace: &mut Pace) -> Result<(), Mistake> {
    let (Some(&first), Some(&last)) = (texts.offsets.first(), texts.offsets.last()) else {
        return Err(Mistake::NoOffsets);
    };
    if first != 0 {
        return Err(Mistake::FirstOffset(first));
    }
    let mut before = first;
    for (piece, start) in texts.offsets.chunks(OFFSETS).zip((0..).step_by(OFFSETS)) {
        for (row, &after) in (start..).zip(piece) {
            if after < before {
                // Not the first offset, which is 0.
                return Err(Mistake::Descends { row: row - 1, before, after });
            }
            before = after;
        }
        pace.spend(size_of_val(piece)).await;
    }
    // The first is 0 and none is less than the one before it, so none is negative.
    if usize::try_from(last) != Ok(texts.bytes.len()) {
        return Err(Mistake::LastOffset { last, bytes: texts.bytes.len() });
    }
    check_utf8(&texts.bytes, pace).await?;
    for (piece, start) in texts.offsets.chunks(OFFSETS).zip((0..).step_by(OFFSETS)) {
        let is_inside =
            |offset: &i32| texts.bytes.get(*offset as usize).is_some_and(|byte| byte & 0xC0 == 0x80);
        if let Some(row) = piece.iter().position(is_inside) {
            return Err(Mistake::SplitCharacter(start + row));
        }
        pace.spend(size_of_val(piece)).await;
    }
    Ok(())
}

/// Checks that each row of a checked column of strings is JSON, unless it is null.
pub(super) async fn check_json(
    texts: &Texts,
    rows: usize,
    nulls: Option<Nulls<'_>>,
    pace: &mut Pace,
) -> Result<(), Mistake> {
    let mut grammar = Grammar::default();
    for row in 0..rows {
        pace.spend(size_of::<i32>()).await;
        if nulls.is_none_or(|nulls| !nulls.is_null(row)) {
            grammar
                .read_all(text(texts, row), pace)
                .await
                .map_err(|reason| Mistake::NotJson { row, reason })?;
        }
    }
    Ok(())
}

async fn check_utf8(bytes: &[u8], pace: &mut Pace) -> Result<(), Mistake> {
    let mut rest = bytes;
    while !rest.is_empty() {
        let piece = rest.get(..PIECE).unwrap_or(rest);
        let valid = match std::str::from_utf8(piece) {
            Ok(_) => piece.len(),
            // The end of the piece may cut a character, unless it is the last piece.
            Err(error) if error.error_len().is_none() && piece.len() < rest.len() => error.valid_up_to(),
            Err(error) => return Err(Mistake::NotUtf8(bytes.len() - rest.len() + error.valid_up_to())),
        };
        rest = rest.get(valid..).unwrap_or_default();
        pace.spend(valid).await;
    }
    Ok(())
}
