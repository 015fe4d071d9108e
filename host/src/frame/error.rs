//! What can be wrong with a component's frame. Both the panel's user and the plugin's author read these texts.

use std::fmt;

/// A frame that cannot be encoded.
#[derive(Debug, thiserror::Error)]
#[error("{place}: {mistake}")]
pub struct Error {
    place: Place,
    mistake: Mistake,
}

/// What is wrong, and what the plugin should do instead.
#[derive(Debug, PartialEq, thiserror::Error)]
pub(super) enum Mistake {
    #[error("it has {rows} rows and the first field has {first}; give all fields of a frame the same length")]
    Length { rows: usize, first: usize },
    #[error("its validity has {bits} bits for {rows} rows; give one bit a row, or none where no row is null")]
    Validity { bits: u64, rows: usize },
    #[error("it has {bits} bits for {rows} booleans; give one bit a row")]
    Booleans { bits: u64, rows: usize },
    #[error("it has no offsets; give one more than there are rows, the first of them 0")]
    NoOffsets,
    #[error("its first offset is {0}; begin with 0")]
    FirstOffset(i32),
    #[error("its offset after row {row} is {after}, below the {before} before it; let offsets never descend")]
    Descends { row: usize, before: i32, after: i32 },
    #[error("its last offset is {last} and there are {bytes} bytes; end with their number")]
    LastOffset { last: i32, bytes: usize },
    #[error("byte {0} of its texts is not UTF-8; encode texts as UTF-8")]
    NotUtf8(usize),
    #[error("its row {0} begins inside a character; count offsets in bytes of UTF-8")]
    SplitCharacter(usize),
    #[error("its row {row} is not JSON ({reason}); give each row one JSON value, or mark it null")]
    NotJson { row: usize, reason: String },
    #[error("its {what} is not a JSON object ({reason}); give an object, or leave it out")]
    NotObject { what: &'static str, reason: String },
    #[error("it has two labels named {0:?}; give each label a name of its own")]
    RepeatedLabel(String),
    #[error("it takes {bytes} bytes as Arrow and Grafana reads at most {limit}; return fewer rows or fields")]
    LargeBody { bytes: u64, limit: u64 },
    #[error(
        "its names, labels, config and meta take about {bytes} bytes and Grafana reads at most {limit}; \
         return fewer or shorter ones"
    )]
    LargeSchema { bytes: u64, limit: u64 },
    #[error("it takes more than {limit} bytes as JSON; return fewer rows or fields")]
    LargeText { limit: usize },
}

/// Which frame, and which of its fields.
#[derive(Debug)]
struct Place {
    frame: String,
    ref_id: String,
    field: Option<(usize, String)>,
}

/// How much of a name an error repeats: enough to find it, whatever a component sends.
const NAME: usize = 64;

// === impl Error ===

impl Error {
    pub(super) fn in_frame(frame: &str, ref_id: &str, mistake: Mistake) -> Error {
        Error { place: Place { frame: short(frame), ref_id: short(ref_id), field: None }, mistake }
    }

    /// `number` counts the fields from 0.
    pub(super) fn in_field(
        frame: &str,
        ref_id: &str,
        (number, name): (usize, &str),
        mistake: Mistake,
    ) -> Error {
        let mut error = Error::in_frame(frame, ref_id, mistake);
        error.place.field = Some((number, short(name)));
        error
    }
}

// === impl Place ===

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "frame {:?} of query {:?}", self.frame, self.ref_id)?;
        match &self.field {
            Some((number, name)) => write!(f, ", fields[{number}] {name:?}"),
            None => Ok(()),
        }
    }
}

/// The beginning of a name.
pub(super) fn short(name: &str) -> String {
    name.chars().take(NAME).collect()
}
