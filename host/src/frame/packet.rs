//! What a stream sends: frames, and JSON of any kind. Grafana passes both on only if Go's decoder takes them.

use bytes::Bytes;
use thiserror::Error;

use super::error::FrameError;
use super::grammar::Grammar;
use super::limit::NESTING;
use super::pace::Pace;
use crate::budget::Charge;
use crate::text::Scrub;

/// Why a packet cannot be sent.
#[derive(Debug, Error)]
pub(crate) enum PacketMistake {
    #[error(transparent)]
    Frame(#[from] FrameError),
    #[error("the packet {0}")]
    Json(#[from] JsonMistake),
}

/// Why Go's decoder would refuse a text.
#[derive(Debug, Error, PartialEq, Eq)]
pub(crate) enum JsonMistake {
    #[error("is not JSON ({0}); make it one JSON value")]
    Syntax(String),
    #[error("is nested more than {NESTING} levels deep; make it flatter")]
    Deep,
}

/// Checks a JSON text. It stays charged for as long as it is kept.
pub(crate) async fn check_json(json: String, memory: Charge) -> Result<Bytes, JsonMistake> {
    check(json.as_bytes(), &mut Pace::paid_by(None)).await?;
    Ok(memory.keep(json))
}

/// Checks a text for Go's decoder.
pub(super) async fn check(json: &[u8], pace: &mut Pace) -> Result<(), JsonMistake> {
    let mut grammar = Grammar::default();
    let read = grammar.read_all(json, pace).await;
    read.map_err(|unexpected| JsonMistake::Syntax(unexpected.to_string()))?;
    if grammar.deepest() > NESTING { Err(JsonMistake::Deep) } else { Ok(()) }
}

// === impl PacketMistake ===

impl PacketMistake {
    /// Returns the same without secrets in the names that it repeats.
    pub(crate) fn scrubbed(self, scrub: &Scrub) -> Self {
        match self {
            Self::Frame(error) => Self::Frame(error.scrubbed(scrub)),
            mistake => mistake,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::sample::{paid, polls};
    use super::*;

    fn checked(json: &str) -> Result<String, String> {
        let (checked, _) = polls(check_json(json.to_owned(), paid()));
        checked.map(|json| String::from_utf8(json.to_vec()).unwrap()).map_err(|error| error.to_string())
    }

    fn nested(levels: usize) -> String {
        format!("{}{}", "[".repeat(levels), "]".repeat(levels))
    }

    #[test]
    fn only_json_passes_and_none_that_go_refuses() {
        for json in ["{}", " [1] ", "null", "\"x\"", &nested(NESTING)] {
            assert_eq!(checked(json), Ok(json.to_owned()));
        }
        for (json, reason) in [
            ("", "expected a value at byte 0"),
            ("{\"a\":NaN}", "expected a value at byte 5"),
            ("{} {}", "expected nothing more at byte 3"),
        ] {
            let error = format!("is not JSON ({reason}); make it one JSON value");
            assert_eq!(checked(json), Err(error), "{json}");
        }
        let deep = "is nested more than 9900 levels deep; make it flatter";
        assert_eq!(checked(&nested(NESTING + 1)), Err(deep.to_owned()));
    }
}
