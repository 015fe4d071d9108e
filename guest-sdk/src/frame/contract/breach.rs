//! What a frame can have that its type forbids.

use std::error::Error;
use std::fmt;

use super::super::kind::Kind;
use super::super::meta::FrameType;

/// A frame does not have the structure that it promises. The message names the frame, the field and the remedy.
#[derive(Clone, Debug, PartialEq)]
pub struct ContractError {
    /// The frame, and its field or series.
    place: String,
    breach: Breach,
}

/// What is wrong, and with which field.
pub(super) type Check = Result<(), (Option<usize>, Breach)>;

/// What the contract forbids. Rows, fields and frames are counted from 0.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Breach {
    Length {
        len: usize,
        rows: usize,
    },
    OneFrame {
        frame_type: FrameType,
    },
    EmptyFrame,
    NoTime,
    SecondTime {
        first: usize,
    },
    NullableTime,
    LabelledTime,
    Unsorted {
        row: usize,
    },
    RepeatedTime {
        row: usize,
    },
    NoValue,
    SecondValue {
        first: usize,
    },
    Ignored {
        kind: Kind,
        frame_type: FrameType,
    },
    ManyRows {
        rows: usize,
    },
    RepeatedLabel {
        name: String,
    },
    /// `what` is "fields", "frames" or "series".
    SameItem {
        what: &'static str,
        first: usize,
    },
    SameName {
        first: usize,
    },
    LabelsOfLong,
    NoDimension {
        rows: usize,
    },
    SameRow {
        row: usize,
        has_time: bool,
    },
    Missing {
        name: &'static str,
        kind: Kind,
    },
    WrongKind {
        kind: Kind,
    },
    NullableLine,
    NoObject {
        row: usize,
    },
    NoAxis,
    MissingAxis {
        axis: char,
    },
    NoBound,
    OddBound {
        text: String,
    },
    UnsortedBound,
}

// === impl ContractError ===

impl ContractError {
    pub(crate) fn new(place: String, breach: Breach) -> Self {
        Self { place, breach }
    }
}

impl fmt::Display for ContractError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.breach)
    }
}

impl Error for ContractError {}

// === impl Breach ===

impl fmt::Display for Breach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Length { len, rows } => {
                write!(f, "it has {len} rows, and fields[0] has {rows}; give all fields as many values")
            }
            Self::OneFrame { frame_type } => {
                write!(f, "{} is the type of a single frame; ", frame_type.name())?;
                match multi(*frame_type) {
                    multi if multi == *frame_type => f.write_str("promise it for each frame of its own"),
                    multi => write!(f, "put all of it into one, or choose {}", multi.name()),
                }
            }
            Self::EmptyFrame => f.write_str("it has no fields, and there are other frames; leave it out"),
            Self::NoTime => f.write_str("it has no time; add a field of times with `Frame::time`"),
            Self::SecondTime { first } => {
                write!(f, "it is a second time beside fields[{first}], and would be ignored; leave it out")
            }
            Self::NullableTime => {
                f.write_str("times must not be nullable; leave out the rows without one, and give `Time`s without `Option`")
            }
            Self::LabelledTime => f.write_str("times have no labels; give the labels to the values"),
            Self::Unsorted { row } => {
                write!(f, "row {row} is before row {}; sort the rows by time, the oldest first", row - 1)
            }
            Self::RepeatedTime { row } => {
                write!(f, "row {row} has the time of row {}; keep one row for each time", row - 1)
            }
            Self::NoValue => f.write_str("it has no values; add a field of numbers or booleans"),
            Self::SecondValue { first } => write!(
                f,
                "it is a second value beside fields[{first}], and would be ignored; make a frame of its own of it"
            ),
            Self::Ignored { kind, frame_type } => {
                write!(f, "{} {} would be ignored; {}", frame_type.name(), kinds(*kind), instead(*kind, *frame_type))
            }
            Self::ManyRows { rows } => write!(
                f,
                "it has {rows} rows, and each number is a field of one row; give it one row, or choose numeric-long"
            ),
            Self::RepeatedLabel { name } => write!(f, "it has the label {name:?} twice; give each label once"),
            Self::SameItem { what, first } => {
                write!(f, "{what}[{first}] has the same name and labels; tell them apart by a label")
            }
            Self::SameName { first } => write!(f, "fields[{first}] has the same name; rename one of them"),
            Self::LabelsOfLong => {
                f.write_str("labels would be ignored; make a field of texts of each, with a value for each row")
            }
            Self::NoDimension { rows } => {
                write!(f, "it has {rows} rows and no texts that tell them apart; add a field of texts")
            }
            Self::SameRow { row, has_time: true } => write!(
                f,
                "row {row} has the same time and texts as an earlier one; aggregate them, or add a field of texts that \
                 tells them apart"
            ),
            Self::SameRow { row, has_time: false } => write!(
                f,
                "row {row} has the same texts as an earlier one; aggregate them, or add a field of texts that tells \
                 them apart"
            ),
            Self::Missing { name, kind } => write!(f, "it has no field {name:?}; add it, with {}", kinds(*kind)),
            Self::WrongKind { kind } => write!(f, "it must hold {}; convert the values or rename it", kinds(*kind)),
            Self::NullableLine => f.write_str("it must not be nullable; leave out the lines without it"),
            Self::NoObject { row } => write!(f, "row {row} is not a JSON object; write `{{}}` where there is nothing"),
            Self::NoAxis => f.write_str("an axis must hold times or numbers; convert the values"),
            Self::MissingAxis { axis } => {
                write!(f, "it has no {axis} axis; name a field \"{axis}\", \"{axis}Min\" or \"{axis}Max\"")
            }
            Self::NoBound => f.write_str("it has no label \"le\", and others have one; give it to all rows or to none"),
            Self::OddBound { text } => {
                write!(f, "its label \"le\" is {text:?}; it must be a number or \"+Inf\"")
            }
            Self::UnsortedBound => {
                f.write_str("its label \"le\" is not greater than that of the field before; sort the fields by it")
            }
        }
    }
}

fn kinds(kind: Kind) -> &'static str {
    match kind {
        Kind::Time => "times",
        Kind::Number => "numbers",
        Kind::Boolean => "booleans",
        Kind::Text => "texts",
        Kind::Json => "JSON",
        Kind::Enumeration => "enumerations",
    }
}

/// What to do with a field that would be ignored.
fn instead(kind: Kind, frame_type: FrameType) -> &'static str {
    match (kind, frame_type) {
        (Kind::Text, FrameType::NumericWide | FrameType::NumericMulti) => {
            "make a label of it, or choose numeric-long"
        }
        (Kind::Text, _) => "make a label of it, or choose timeseries-long",
        (Kind::Boolean, _) => "convert them to 0 and 1, or choose numeric-multi",
        (Kind::Time, _) => "leave it out, or choose a time series",
        _ => "convert it to numbers or texts, or leave it out",
    }
}

/// The type that has a frame for each item.
fn multi(frame_type: FrameType) -> FrameType {
    match frame_type {
        FrameType::TimeSeriesWide | FrameType::TimeSeriesLong => FrameType::TimeSeriesMulti,
        FrameType::NumericWide | FrameType::NumericLong => FrameType::NumericMulti,
        other => other,
    }
}
