//! Why JSON could not be read, in words for the author of a plugin.

use std::fmt::{self, Display};

use serde::de::{self, Expected, Unexpected};

use crate::http::Cause;

/// Why reading failed.
#[derive(Debug)]
pub(crate) enum Error {
    /// The next piece could not be read.
    Piece(Cause),
    /// The text is not JSON, or not the JSON that was expected.
    Json(String),
}

// === impl Error ===

impl Error {
    pub(super) fn mistake(what: &str) -> Self {
        Self::Json(what.to_owned())
    }

    /// Adds where it happened.
    pub(super) fn at(self, byte: usize) -> Self {
        match self {
            Self::Json(what) => Self::Json(format!("{what} at byte {byte}")),
            Self::Piece(cause) => Self::Piece(cause),
        }
    }
}

impl Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Piece(cause) => cause.fmt(f),
            Self::Json(what) => f.write_str(what),
        }
    }
}

impl std::error::Error for Error {}

impl de::Error for Error {
    fn custom<T: Display>(what: T) -> Self {
        Self::Json(what.to_string())
    }

    /// Names the kind of what was found and not its value, which may be private.
    fn invalid_type(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        let found = match found {
            Unexpected::Bool(_) => "true or false",
            Unexpected::Unsigned(_) | Unexpected::Signed(_) => "a whole number",
            Unexpected::Float(_) => "a number with a fraction",
            Unexpected::Str(_) => "a text",
            Unexpected::Unit | Unexpected::Option => "null",
            Unexpected::Seq => "an array",
            Unexpected::Map => "an object",
            _ => "something else",
        };
        Self::Json(format!("{found} where {expected} was expected"))
    }

    fn invalid_value(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::invalid_type(found, expected)
    }
}
