//! Whether a document fits Grafana's types. It is read from the beginning to the end.

use super::super::pace::Pace;
use super::document::{Document, Token};
use super::schema::{MAPPING_TYPES, MAPPINGS, OF_VERSION, Root, SEVERITIES, Shape, Struct};
use super::string::decoded;
use super::time;
use super::unfit::{Turn, Unfit, Wrong};

/// A list or an object that is being read.
struct Visit {
    inside: Inside,
    /// The number of the first value after it.
    end: usize,
    /// How many of its members have been read.
    count: usize,
    here: Here,
}

/// What it consists of.
#[derive(Clone, Copy)]
enum Inside {
    Keys(&'static Struct),
    AnyKeys(Shape),
    Items(Shape),
    Version,
}

/// Which of its members is being read.
enum Here {
    Known(&'static str),
    /// The number of the key.
    Key(usize),
    Number(usize),
}

/// How a value goes on.
enum Goes {
    /// Nothing more of it is read.
    Past,
    Into(Inside),
}

/// The work of checking a value.
const VALUE_WORK: usize = 32;

/// How long a key, a number or a word may be. They are read in one step.
const LONGEST: usize = 64 << 10;

pub(super) async fn check(
    document: &Document<'_>,
    root: &'static Root,
    pace: &mut Pace,
) -> Result<(), Unfit> {
    let mut open: Vec<Visit> = Vec::new();
    let mut at = 0;
    while at < document.len() {
        while open.last().is_some_and(|visit| at >= visit.end) {
            open.pop();
        }
        let shape = match open.last_mut() {
            None => Ok(Shape::Object(&root.object)),
            Some(visit) => visit.member(document, &mut at),
        };
        let is_mapping = matches!(shape, Ok(Shape::Mapping));
        let goes = match shape {
            Ok(shape) => value(document, at, shape, pace).await,
            Err(wrong) => Err(wrong),
        };
        pace.spend(VALUE_WORK + document.width(at)).await;
        let goes = goes.map_err(|wrong| {
            let path = open.iter().map(|visit| visit.here.turn(document));
            // The type of a mapping is read before what is in it.
            let kind = (is_mapping && matches!(wrong, Wrong::Word { .. })).then_some(Turn::Known("type"));
            Unfit::new(root, wrong).at(path.chain(kind))
        })?;
        match goes {
            Goes::Past => at = document.next(at),
            Goes::Into(inside) => {
                let end = document.next(at);
                open.push(Visit { inside, end, count: 0, here: Here::Number(0) });
                at += 1;
            }
        }
    }
    Ok(())
}

/// Checks a value, except for what is inside.
async fn value(document: &Document<'_>, at: usize, shape: Shape, pace: &mut Pace) -> Result<Goes, Wrong> {
    let token = document.token(at);
    if let (Shape::Options(_), Token::Null) = (shape, token) {
        return Err(Wrong::value(token, shape));
    }
    let shape = if let Shape::Options(shape) = shape { *shape } else { shape };
    let fits = match (shape, token) {
        (Shape::Severity | Shape::Tag(_) | Shape::Mapping, Token::Null) => false,
        (Shape::Skipped, _) | (_, Token::Null) => true,
        (Shape::Text, Token::Text(_)) | (Shape::Flag, Token::Flag(_)) => true,
        (Shape::Word(words), Token::Text(raw)) => raw.is_empty() || is_one_of(raw, words),
        (Shape::Severity, Token::Text(raw)) => is_one_of(raw, SEVERITIES),
        (Shape::Tag(word), Token::Text(raw)) => raw == word.as_bytes(),
        (Shape::Whole(bounds), Token::Number(text)) => bounds.read(text).is_some(),
        (Shape::Number | Shape::Limit | Shape::Threshold | Shape::Any, Token::Number(text)) => {
            float(text).is_some()
        }
        (Shape::Time, Token::Text(raw)) => raw.len() <= LONGEST && time::canonical(raw).is_some(),
        (Shape::Version, Token::List) => return Ok(Goes::Into(Inside::Version)),
        (Shape::Any | Shape::Threshold, Token::List) => return Ok(Goes::Into(Inside::Items(Shape::Any))),
        (Shape::Any | Shape::Threshold, Token::Object) => return Ok(Goes::Into(Inside::AnyKeys(Shape::Any))),
        (Shape::Any | Shape::Threshold, _) => true,
        (Shape::Map(shape), Token::Object) => return Ok(Goes::Into(Inside::AnyKeys(*shape))),
        (Shape::List(shape), Token::List) => return Ok(Goes::Into(Inside::Items(*shape))),
        (Shape::Object(object), Token::Object) => return Ok(Goes::Into(Inside::Keys(object))),
        (Shape::Mapping, Token::Object) => {
            return Ok(Goes::Into(Inside::Keys(mapping(document, at, pace).await?)));
        }
        _ => false,
    };
    if fits { Ok(Goes::Past) } else { Err(Wrong::value(token, shape)) }
}

/// Returns the type of a value mapping.
pub(super) async fn mapping(
    document: &Document<'_>,
    object: usize,
    pace: &mut Pace,
) -> Result<&'static Struct, Wrong> {
    let (mut kind, mut options) = (None, None);
    let mut key = object + 1;
    while key < document.next(object) {
        match document.raw(key) {
            b"type" => kind = Some(key + 1),
            b"options" => options = Some(key + 1),
            _ => {}
        }
        key = document.next(key + 1);
        pace.spend(VALUE_WORK).await;
    }
    let kind = kind.map_or(Token::Null, |kind| document.token(kind));
    let is_kind = |name: &str| matches!(kind, Token::Text(raw) if raw == name.as_bytes());
    let found = MAPPING_TYPES.iter().zip(&MAPPINGS).find(|(name, _)| is_kind(name));
    let (_, object) = found.ok_or_else(|| Wrong::word(kind, MAPPING_TYPES))?;
    options.map(|_| object).ok_or(Wrong::Missing)
}

/// Returns what a number means, if 64 bits can hold it.
pub(super) fn float(text: &[u8]) -> Option<f64> {
    let text = std::str::from_utf8(text).ok().filter(|text| text.len() <= LONGEST)?;
    text.parse().ok().filter(|number: &f64| number.is_finite())
}

fn is_one_of(raw: &[u8], words: &[&str]) -> bool {
    raw.len() <= LONGEST && {
        let word = decoded(raw);
        words.iter().any(|known| known.as_bytes() == &*word)
    }
}

// === impl Visit ===

impl Visit {
    /// Moves `at` to the next member's value, and returns what that has to be.
    fn member(&mut self, document: &Document<'_>, at: &mut usize) -> Result<Shape, Wrong> {
        let number = self.count;
        self.count += 1;
        self.here = Here::Number(number);
        match self.inside {
            Inside::Items(shape) => Ok(shape),
            Inside::Version => Ok(if number < 2 { Shape::Whole(OF_VERSION) } else { Shape::Skipped }),
            Inside::AnyKeys(shape) => self.key(document, at).map(|_| shape),
            Inside::Keys(object) => {
                let raw = self.key(document, at)?;
                let (_, property) = object.find(&decoded(raw)).ok_or_else(|| Wrong::key(raw, object))?;
                self.here = Here::Known(property.name);
                Ok(property.shape)
            }
        }
    }

    /// Moves `at` from a key to its value, and returns the key.
    fn key<'a>(&mut self, document: &Document<'a>, at: &mut usize) -> Result<&'a [u8], Wrong> {
        self.here = Here::Key(*at);
        let raw = document.raw(*at);
        *at += 1;
        if raw.len() > LONGEST { Err(Wrong::Long) } else { Ok(raw) }
    }
}

// === impl Here ===

impl Here {
    fn turn(&self, document: &Document<'_>) -> Turn {
        match self {
            Self::Known(name) => Turn::Known(name),
            Self::Key(key) => Turn::key(document.raw(*key)),
            Self::Number(number) => Turn::Number(*number),
        }
    }
}
