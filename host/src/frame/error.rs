//! Errors in a component's frames. Both the panel's user and the plugin's author read these messages.

use std::fmt;

use super::draft::Full;
use super::grammar::Unexpected;
use super::limit::{ANSWER, ARROW_BODY, ARROW_SCHEMA, FRAMES, LABEL_NAMES, LABELS};
use super::meta::{Unfit, Unusable};
use super::shown::{kept, short};
use crate::budget::Refused;
use crate::text::Scrub;

/// A frame that cannot be encoded.
#[derive(Debug, thiserror::Error)]
#[error("{place}: {mistake}")]
pub(crate) struct FrameError {
    place: Place,
    mistake: Mistake,
}

/// What is wrong, and what the plugin should do instead.
#[derive(Debug, PartialEq, thiserror::Error)]
pub(super) enum Mistake {
    #[error("it has {rows} rows and the first field has {first}; give all fields of a frame the same length")]
    Length { rows: usize, first: usize },
    #[error("its validity has {bits} bits for {rows} rows; give one bit per row, or none if no row is null")]
    Validity { bits: u64, rows: usize },
    #[error("it has {bits} bits for {rows} booleans; give one bit per row")]
    Booleans { bits: u64, rows: usize },
    #[error("it has no offsets; give one more than there are rows, beginning with 0")]
    NoOffsets,
    #[error("its first offset is {0}; it must be 0")]
    FirstOffset(i32),
    #[error(
        "its offset after row {row} is {after}, less than the {before} before it; offsets must not decrease"
    )]
    Descends { row: usize, before: i32, after: i32 },
    #[error("its last offset is {last} and there are {bytes} bytes; the two must be equal")]
    LastOffset { last: i32, bytes: usize },
    #[error("byte {0} of its strings is not UTF-8; encode strings as UTF-8")]
    NotUtf8(usize),
    #[error("its row {0} begins inside a character; count offsets in bytes of UTF-8")]
    SplitCharacter(usize),
    #[error("its row {row} is not JSON ({reason}); give each row one JSON value, or mark it null")]
    NotJson { row: usize, reason: Unexpected },
    #[error("its {what} is not JSON ({reason}); give a JSON object, or omit it")]
    NotJsonText { what: &'static str, reason: Unexpected },
    #[error("{0}")]
    Unfit(Box<Unfit>),
    #[error("it has {0} labels; give it at most {LABELS}, with {LABEL_NAMES} bytes of names in total")]
    ManyLabels(usize),
    #[error("it has two labels named {:?}; give each label its own name", short(.0))]
    RepeatedLabel(String),
    #[error(
        "it takes {bytes} bytes as Arrow and Grafana reads at most {ARROW_BODY}; return fewer rows or fields"
    )]
    LargeBody { bytes: u64 },
    #[error(
        "its names, labels, config and meta take more than the {ARROW_SCHEMA} bytes that Grafana reads; \
         return fewer or shorter ones"
    )]
    LargeSchema,
    #[error(
        "it and the frames before it take more than {ANSWER} bytes when they are encoded; \
         return fewer rows, fields or frames"
    )]
    LargeAnswer,
    #[error("there is no memory to encode it: {0}; return less")]
    NoMemory(Refused),
    #[error("its answer has {0} frames; return at most {FRAMES}")]
    ManyFrames(usize),
    #[error("the answers up to this one have {0} frames; return at most {FRAMES} in all")]
    ManyFramesInAll(usize),
    #[error(
        "its fields are not of the same types as in its first chunk; send the same ones, or give it another id"
    )]
    OtherFields,
}

/// Which query, which of its frames, and which field of that frame.
#[derive(Debug)]
struct Place {
    ref_id: String,
    frame: Option<String>,
    field: Option<(usize, String)>,
}

// === impl FrameError ===

impl FrameError {
    /// Makes the error of a frame that is one too many of those that are sent in chunks.
    pub(crate) fn one_too_many(ref_id: &str) -> FrameError {
        Self::in_answer(ref_id, Mistake::ManyFrames(FRAMES + 1))
    }

    /// Makes the error of a chunk whose fields are not those of its frame.
    pub(crate) fn other_fields(frame: &str, ref_id: &str) -> FrameError {
        Self::in_frame(frame, ref_id, Mistake::OtherFields)
    }

    pub(super) fn in_answer(ref_id: &str, mistake: Mistake) -> FrameError {
        FrameError { place: Place { ref_id: kept(ref_id), frame: None, field: None }, mistake }
    }

    pub(super) fn in_frame(frame: &str, ref_id: &str, mistake: Mistake) -> FrameError {
        FrameError { place: Place { ref_id: kept(ref_id), frame: Some(kept(frame)), field: None }, mistake }
    }

    /// `number` counts the fields from 0.
    pub(super) fn in_field(
        frame: &str,
        ref_id: &str,
        (number, name): (usize, &str),
        mistake: Mistake,
    ) -> FrameError {
        let mut error = FrameError::in_frame(frame, ref_id, mistake);
        error.place.field = Some((number, kept(name)));
        error
    }

    /// Returns the same error without secrets in the names that it repeats.
    pub(crate) fn scrubbed(self, scrub: &Scrub) -> FrameError {
        let Self { place: Place { ref_id, frame, field }, mistake } = self;
        let clean = |name: String| scrub.text(name);
        let mistake = match mistake {
            Mistake::RepeatedLabel(name) => Mistake::RepeatedLabel(clean(name)),
            Mistake::Unfit(unfit) => Mistake::Unfit(Box::new(unfit.scrubbed(scrub))),
            mistake => mistake,
        };
        let field = field.map(|(number, name)| (number, clean(name)));
        FrameError { place: Place { ref_id: clean(ref_id), frame: frame.map(clean), field }, mistake }
    }
}

// === impl Mistake ===

impl Mistake {
    /// Returns why there is no room for an Arrow schema.
    pub(super) fn of_schema(full: Full) -> Self {
        match full {
            Full::Limit => Self::LargeSchema,
            Full::Memory(refused) => Self::NoMemory(refused),
        }
    }
}

impl From<Full> for Mistake {
    fn from(full: Full) -> Self {
        match full {
            Full::Limit => Self::LargeAnswer,
            Full::Memory(refused) => Self::NoMemory(refused),
        }
    }
}

impl From<Unusable> for Mistake {
    fn from(unusable: Unusable) -> Self {
        match unusable {
            Unusable::NotJson { what, reason } => Self::NotJsonText { what, reason },
            Unusable::Unfit(unfit) => Self::Unfit(unfit),
            Unusable::Full(full) => full.into(),
        }
    }
}

// === impl Place ===

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(frame) = &self.frame {
            write!(f, "frame {:?}", short(frame))?;
        }
        // Frames of a stream answer no query.
        if !self.ref_id.is_empty() {
            let of = if self.frame.is_some() { " of " } else { "" };
            write!(f, "{of}query {:?}", short(&self.ref_id))?;
        }
        match &self.field {
            Some((number, name)) => write!(f, ", fields[{number}] {:?}", short(name)),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::shown::NAME;
    use super::*;

    #[test]
    fn no_name_in_an_error_reveals_a_secret() {
        let scrub = Scrub::new(["hunter2-and-more", "\"quoted\"\n"]);
        for secret in ["hunter2-and-more", "\"quoted\"\n"] {
            for before in [0, 1, NAME - 10, NAME - 3, NAME + 1] {
                let name = format!("{}{secret}{}", "x".repeat(before), "y".repeat(10_000));
                let mistake = Mistake::RepeatedLabel(kept(&name));
                let error = FrameError::in_field(&name, &name, (3, &name), mistake).scrubbed(&scrub);
                let text = error.to_string();
                assert!(!text.contains("hun") && !text.contains("quot") && text.len() < 1000, "{text}");
                assert_eq!(text.matches("[secret]").count(), if before < NAME - 8 { 4 } else { 0 }, "{text}");
            }
        }
    }
}
