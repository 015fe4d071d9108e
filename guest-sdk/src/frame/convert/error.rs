//! Why a frame cannot be converted.

use std::error::Error;
use std::fmt;

use super::shape::Shape;

/// A frame cannot be converted. The message names the frame, the field and the remedy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConvertError {
    frame: String,
    mistake: Mistake,
}

/// Rows and fields are counted from 0.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Mistake {
    Shape { is: Shape, wanted: Shape },
    NoSeries,
    Lengths,
    NoRows,
    NullTime { row: usize },
    Unsorted { row: usize },
    SameName { name: String },
    Types { name: String, field: usize },
    ManyRows { rows: u64, most: u64 },
    ManyValues { values: usize, most: usize },
}

// === impl ConvertError ===

impl ConvertError {
    pub(super) fn new(frame: &str, mistake: Mistake) -> Self {
        Self { frame: frame.to_owned(), mistake }
    }
}

impl fmt::Display for ConvertError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "frame {:?} cannot be converted: ", self.frame)?;
        match &self.mistake {
            Mistake::Shape { is: Shape::Not, .. } | Mistake::NoSeries => {
                f.write_str("it is no time series; give it a field of times and one of numbers")
            }
            Mistake::Shape { wanted: Shape::Long, .. } => {
                f.write_str("it is wide and not long; add a field of texts that tells the series apart")
            }
            Mistake::Shape { .. } => {
                f.write_str("it is long and not wide; make labels of its texts and booleans")
            }
            Mistake::Lengths => f.write_str("its fields differ in length; give all fields as many values"),
            Mistake::NoRows => f.write_str("it has no rows; answer with the frame as it is, or without one"),
            Mistake::NullTime { row } => write!(f, "the time of row {row} is null; leave the row out"),
            Mistake::Unsorted { row } => {
                write!(
                    f,
                    "row {row} is before row {}; sort the rows by time, the oldest first",
                    row.saturating_sub(1)
                )
            }
            Mistake::SameName { name } => {
                write!(f, "two fields that become labels have the name {name:?}; rename one of them")
            }
            Mistake::Types { name, field } => write!(
                f,
                "fields[{field}] {name:?} has another type than the field of that name before it; convert its values or \
                 rename it"
            ),
            Mistake::ManyRows { rows, most } => {
                write!(f, "it would have {rows} rows, of which there can be {most}; choose a longer interval")
            }
            Mistake::ManyValues { values, most } => write!(
                f,
                "it would have {values} values, of which there can be {most}; give it fewer rows, or fewer texts that tell \
                 series apart"
            ),
        }
    }
}

impl Error for ConvertError {}
