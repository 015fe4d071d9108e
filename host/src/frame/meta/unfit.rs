//! What Grafana would not read in a frame's meta or a field's config: where it is, what it is, and what it must be.

use std::fmt;

use super::super::draft::Full;
use super::super::grammar::Unexpected;
use super::super::limit::NESTING;
use super::super::shown::{kept, short};
use super::document::Token;
use super::name::nearest;
use super::schema::{Bounds, MAPPING_TYPES, Root, SEVERITIES, Shape, Struct};
use super::string::decoded;
use crate::text::Scrub;

/// Why a text cannot be sent.
#[derive(Debug)]
pub(in super::super) enum Unusable {
    NotJson { what: &'static str, reason: Unexpected },
    Unfit(Box<Unfit>),
    Full(Full),
}

/// A value or a key that does not fit.
#[derive(Debug, PartialEq)]
pub(in super::super) struct Unfit {
    root: &'static str,
    /// From the outside to the inside.
    path: Vec<Turn>,
    wrong: Wrong,
}

/// A part of the path to a value.
#[derive(Debug, PartialEq)]
pub(super) enum Turn {
    Known(&'static str),
    /// A key that the component chose.
    Key(String),
    Number(usize),
}

/// What is wrong with a value or a key.
#[derive(Debug, PartialEq)]
pub(super) enum Wrong {
    Unknown { near: Option<&'static str>, known: Vec<&'static str> },
    Word { found: Found, near: Option<&'static str>, words: &'static [&'static str] },
    Type { found: Found, wanted: &'static str },
    Range { found: Found, bounds: Bounds },
    Missing,
    Long,
    Deep,
}

/// A value, as far as it is shown.
#[derive(Debug, PartialEq)]
pub(super) enum Found {
    Null,
    Flag(bool),
    Number(String),
    Text(String),
    List,
    Object,
}

/// How much of a path is shown. Grafana's own types are not as deep.
const SHOWN: usize = 8;

// === impl Unfit ===

impl Unfit {
    pub(super) fn new(root: &'static Root, wrong: Wrong) -> Self {
        Self { root: root.name, path: Vec::new(), wrong }
    }

    pub(super) fn at(mut self, path: impl Iterator<Item = Turn>) -> Self {
        self.path.extend(path.take(SHOWN));
        self
    }

    /// Returns the same without secrets in what it repeats.
    pub(in super::super) fn scrubbed(self, scrub: &Scrub) -> Self {
        let Self { root, path, wrong } = self;
        let clean = |turn| match turn {
            Turn::Key(key) => Turn::Key(scrub.text(key)),
            turn => turn,
        };
        let wrong = match wrong {
            Wrong::Word { found, near, words } => Wrong::Word { found: found.scrubbed(scrub), near, words },
            Wrong::Type { found, wanted } => Wrong::Type { found: found.scrubbed(scrub), wanted },
            Wrong::Range { found, bounds } => Wrong::Range { found: found.scrubbed(scrub), bounds },
            wrong => wrong,
        };
        Self { root, path: path.into_iter().map(clean).collect(), wrong }
    }
}

impl fmt::Display for Unfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.root)?;
        for turn in &self.path {
            write!(f, "{turn}")?;
        }
        write!(f, " {}", self.wrong)
    }
}

// === impl Turn ===

impl Turn {
    pub(super) fn key(raw: &[u8]) -> Self {
        Self::Key(shown(raw))
    }
}

impl fmt::Display for Turn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Known(name) => write!(f, ".{name}"),
            Self::Key(key) => {
                let key = short(key);
                let is_plain =
                    |character: char| character.is_ascii_alphanumeric() || "_-".contains(character);
                if !key.is_empty() && key.chars().all(is_plain) {
                    write!(f, ".{key}")
                } else {
                    write!(f, "[{key:?}]")
                }
            }
            Self::Number(number) => write!(f, "[{number}]"),
        }
    }
}

// === impl Wrong ===

impl Wrong {
    /// A key that the object does not have.
    pub(super) fn key(raw: &[u8], object: &Struct) -> Self {
        let known = || object.properties().map(|property| property.name);
        Self::Unknown { near: nearest(&shown(raw), known()), known: known().collect() }
    }

    /// A value that is none of these words.
    pub(super) fn word(token: Token<'_>, words: &'static [&'static str]) -> Self {
        let found = Found::new(token);
        let near = if let Found::Text(text) = &found { nearest(text, words.iter().copied()) } else { None };
        Self::Word { found, near, words }
    }

    /// A value of another type.
    pub(super) fn value(token: Token<'_>, shape: Shape) -> Self {
        let found = Found::new(token);
        let wanted = match shape {
            Shape::Whole(bounds) => return Self::Range { found, bounds },
            Shape::Word(words) => return Self::word(token, words),
            Shape::Severity => return Self::word(token, SEVERITIES),
            Shape::Tag(_) => return Self::word(token, MAPPING_TYPES),
            Shape::Text => "a string",
            Shape::Flag => "true or false",
            Shape::Time => "a time such as \"2026-01-02T15:04:05Z\"",
            Shape::Version => "a list of two whole numbers, such as [0,1]",
            Shape::List(_) => "a list",
            Shape::Map(_) | Shape::Object(_) | Shape::Mapping | Shape::Options(_) => "an object",
            Shape::Number | Shape::Limit | Shape::Threshold | Shape::Any | Shape::Skipped => {
                "a number that fits into 64 bits"
            }
        };
        Self::Type { found, wanted }
    }
}

impl fmt::Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown { near: Some(near), .. } => {
                write!(f, "is not a key that Grafana knows; did you mean {near:?}?")
            }
            Self::Unknown { near: None, known } => {
                f.write_str("is not a key that Grafana knows; it knows ")?;
                list(f, known, "and")
            }
            Self::Word { found, near: Some(near), .. } => {
                write!(f, "is {found}; did you mean {near:?}?")
            }
            Self::Word { found, near: None, words } => {
                write!(f, "is {found}; it must be ")?;
                list(f, words, "or")
            }
            Self::Type { found, wanted } => write!(f, "is {found}; it must be {wanted}"),
            Self::Range { found, bounds: Bounds { least, most } } => {
                write!(f, "is {found}; it must be a whole number from {least} to {most}")
            }
            Self::Missing => f.write_str("has no options; give it some that suit its type"),
            Self::Long => f.write_str("is too long; shorten it"),
            Self::Deep => write!(f, "is nested more than {NESTING} levels deep; make it flatter"),
        }
    }
}

// === impl Found ===

impl Found {
    fn new(token: Token<'_>) -> Self {
        match token {
            Token::Null => Self::Null,
            Token::Flag(flag) => Self::Flag(flag),
            Token::Number(text) => Self::Number(kept(&String::from_utf8_lossy(beginning(text)))),
            Token::Text(raw) => Self::Text(shown(raw)),
            Token::List => Self::List,
            Token::Object => Self::Object,
        }
    }

    fn scrubbed(self, scrub: &Scrub) -> Self {
        match self {
            Self::Number(number) => Self::Number(scrub.text(number)),
            Self::Text(text) => Self::Text(scrub.text(text)),
            found => found,
        }
    }
}

impl fmt::Display for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("null"),
            Self::Flag(flag) => write!(f, "{flag}"),
            Self::Number(number) => f.write_str(&short(number)),
            Self::Text(text) => write!(f, "{:?}", short(text)),
            Self::List => f.write_str("a list"),
            Self::Object => f.write_str("an object"),
        }
    }
}

fn list(f: &mut fmt::Formatter<'_>, words: &[&str], last: &str) -> fmt::Result {
    for (number, word) in words.iter().enumerate() {
        match number {
            0 => {}
            _ if number + 1 < words.len() => f.write_str(", ")?,
            _ => write!(f, " {last} ")?,
        }
        write!(f, "{word:?}")?;
    }
    Ok(())
}

/// The beginning of a string, as it is kept.
fn shown(raw: &[u8]) -> String {
    kept(&String::from_utf8_lossy(&decoded(beginning(raw))))
}

/// More than is kept, even if all of it is escaped.
fn beginning(raw: &[u8]) -> &[u8] {
    raw.get(..64 << 10).unwrap_or(raw)
}
