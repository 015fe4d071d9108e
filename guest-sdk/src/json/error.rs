//! Why JSON could not be read, in words for the author of a plugin.

use std::fmt::{self, Display};

use serde::de::{self, Expected, Unexpected};

use super::words;
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

    /// Names the value that it is about.
    pub(crate) fn of(self, name: &str) -> Self {
        match self {
            Self::Json(what) => Self::Json(format!("`{name}`: {what}")),
            Self::Piece(cause) => Self::Piece(cause),
        }
    }

    /// Adds where it happened.
    pub(super) fn at(self, byte: usize, path: &str) -> Self {
        match self {
            Self::Json(what) if path.is_empty() => Self::Json(format!("{what} at byte {byte}")),
            Self::Json(what) => {
                let path = path.strip_prefix('.').unwrap_or(path);
                Self::Json(format!("`{path}`: {what} at byte {byte}"))
            }
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

/// Names the kind of what was found and not its value, which may be private.
impl de::Error for Error {
    fn custom<T: Display>(what: T) -> Self {
        let what = what.to_string();
        if what.starts_with("data did not match any variant") {
            return Self::mistake("it has none of the expected forms");
        }
        Self::Json(what)
    }

    fn invalid_type(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::Json(format!("{} where {} was expected", words::found(&found), words::expected(expected)))
    }

    fn invalid_value(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        match words::range(expected) {
            Some(range) => Self::Json(format!("{} that is not {range}", words::found(&found))),
            None => Self::invalid_type(found, expected),
        }
    }

    fn invalid_length(length: usize, expected: &dyn Expected) -> Self {
        Self::Json(format!("an array of {length} where {} was expected", words::expected(expected)))
    }

    fn unknown_variant(_: &str, expected: &'static [&'static str]) -> Self {
        Self::Json(format!("a name that is none of {}", words::list(expected)))
    }

    fn unknown_field(field: &str, expected: &'static [&'static str]) -> Self {
        let field = words::name(field);
        Self::Json(format!("`{field}` is not expected here, only {}", words::list(expected)))
    }

    fn missing_field(field: &'static str) -> Self {
        Self::Json(format!("`{field}` is missing"))
    }

    fn duplicate_field(field: &'static str) -> Self {
        Self::Json(format!("`{field}` appears twice"))
    }
}
