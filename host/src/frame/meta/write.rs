//! A checked document as the Go SDK writes it.

use super::super::draft::{Draft, Full};
use super::super::escape::Style;
use super::super::number;
use super::super::pace::Pace;
use super::check::{float, mapping};
use super::document::{Document, ROOT, Token};
use super::order::sorted_keys;
use super::schema::{SEVERITIES, Shape, Struct, WIDEST, When};
use super::string;
use super::time;

/// A list or an object that has been begun.
struct Begun {
    ahead: Ahead,
    style: Style,
    is_first: bool,
}

/// What is still to be written of it.
enum Ahead {
    /// The number of the next value, and of the first one after the list.
    Items {
        next: usize,
        end: usize,
        shape: Shape,
    },
    Properties(std::vec::IntoIter<Known>),
    /// The numbers of keys.
    Keys {
        keys: std::vec::IntoIter<u32>,
        shape: Shape,
    },
}

/// A property that is written.
struct Known {
    name: &'static str,
    value: Option<usize>,
    shape: Shape,
}

/// The time that Go writes if there is none.
const NO_TIME: &str = "0001-01-01T00:00:00Z";

/// The work of finding a property.
const KEY_WORK: usize = 32;

/// The work of going through the properties that an object can have.
const OBJECT_WORK: usize = 128;

pub(super) async fn write(
    draft: &mut Draft<'_>,
    document: &Document<'_>,
    object: &'static Struct,
    style: Style,
) -> Result<(), Full> {
    let mut open = Vec::new();
    open.extend(begin(draft, document, Some(ROOT), Shape::Object(object), style).await?);
    while let Some(begun) = open.last_mut() {
        let style = begun.style;
        let Some((value, shape)) = begun.next(draft, document).await? else {
            draft.bytes.push(begun.bracket());
            open.pop();
            draft.pause(0).await?;
            continue;
        };
        open.extend(begin(draft, document, value, shape, style).await?);
        draft.pause(KEY_WORK + value.map_or(0, |value| document.width(value))).await?;
    }
    Ok(())
}

/// Writes a value, or begins to. A value that is absent or null is written as what it then is in Go.
async fn begin(
    draft: &mut Draft<'_>,
    document: &Document<'_>,
    value: Option<usize>,
    shape: Shape,
    style: Style,
) -> Result<Option<Begun>, Full> {
    let value = value.filter(|value| !document.is_null(*value));
    let token = value.map_or(Token::Null, |value| document.token(value));
    let out = &mut draft.bytes;
    match (shape, token) {
        (Shape::Object(object) | Shape::Options(&Shape::Object(object)), _) => {
            let known = properties(document, value, object, draft.pace()).await;
            return Ok(Some(Begun::new(draft, b'{', Ahead::Properties(known.into_iter()), style)));
        }
        (Shape::Mapping, _) => {
            let Ok(object) = mapping(document, value.unwrap_or(ROOT), draft.pace()).await else {
                return Ok(None);
            };
            let known = properties(document, value, object, draft.pace()).await;
            // The SDK writes mappings by itself, with jsoniter.
            let style = Style::Html;
            return Ok(Some(Begun::new(draft, b'{', Ahead::Properties(known.into_iter()), style)));
        }
        (Shape::Version, _) => {
            let mut parts = [0, 0];
            let mut next = value.and_then(|value| document.first(value));
            let end = value.map_or(0, |value| document.next(value));
            for part in &mut parts {
                let Some(number) = next.filter(|next| *next < end) else { break };
                *part = whole(document.token(number));
                next = Some(number + 1);
            }
            let [major, minor] = parts;
            out.extend_from_slice(format!("[{major},{minor}]").as_bytes());
        }
        (Shape::Text | Shape::Word(_) | Shape::Tag(_), Token::Null) => out.extend_from_slice(b"\"\""),
        (Shape::Severity, Token::Null) => {
            string::write(draft, SEVERITIES.first().map_or("", |word| *word).as_bytes(), style).await?;
        }
        (Shape::Flag, _) => {
            let flag = matches!(token, Token::Flag(true));
            out.extend_from_slice(if flag { b"true" } else { b"false" });
        }
        (Shape::Whole(_), _) => number::integer(out, whole(token)),
        (Shape::Number, Token::Null) => out.push(b'0'),
        (Shape::Limit | Shape::Threshold, Token::Number(text)) => {
            number::float_by_verb(out, float(text).unwrap_or_default());
        }
        (Shape::Threshold, _) => out.extend_from_slice(b"null"),
        (Shape::Time, _) => {
            let text = if let Token::Text(raw) = token { time::canonical(raw) } else { None };
            string::write(draft, text.as_deref().unwrap_or(NO_TIME).as_bytes(), style).await?;
        }
        (_, Token::Null) => out.extend_from_slice(b"null"),
        (_, Token::Flag(flag)) => out.extend_from_slice(if flag { b"true" } else { b"false" }),
        (_, Token::Number(text)) => number::float_in(out, float(text).unwrap_or_default(), style),
        (_, Token::Text(raw)) => string::write(draft, raw, style).await?,
        (_, Token::List) => {
            let shape = if let Shape::List(shape) = shape { *shape } else { Shape::Any };
            let ahead = value.map(|value| Ahead::Items { next: value + 1, end: document.next(value), shape });
            return Ok(ahead.map(|ahead| Begun::new(draft, b'[', ahead, style)));
        }
        (_, Token::Object) => {
            let shape = match shape {
                Shape::Map(shape) | Shape::Options(&Shape::Map(shape)) => *shape,
                _ => Shape::Any,
            };
            let keys = sorted_keys(document, value.unwrap_or(ROOT), draft.pace()).await.into_iter();
            return Ok(Some(Begun::new(draft, b'{', Ahead::Keys { keys, shape }, style)));
        }
    }
    Ok(None)
}

/// Returns the properties of an object that are written. Of a key that comes twice, the last value counts.
async fn properties(
    document: &Document<'_>,
    object: Option<usize>,
    known: &'static Struct,
    pace: &mut Pace,
) -> Vec<Known> {
    let all =
        known.properties().map(|property| Known { name: property.name, value: None, shape: property.shape });
    let mut all: Vec<Known> = all.collect();
    if let Some(object) = object {
        let mut key = object + 1;
        while key < document.next(object) {
            let found = known.find(&string::decoded(document.raw(key)));
            if let Some(property) = found.and_then(|(number, _)| all.get_mut(number)) {
                property.value = Some(key + 1);
            }
            key = document.next(key + 1);
            pace.spend(KEY_WORK).await;
        }
    }
    pace.spend(OBJECT_WORK).await;
    let mut written = known.properties().map(|property| property.written);
    all.retain(|property| match (written.next(), property.value) {
        (Some(When::Always), _) => true,
        (_, None) => false,
        (Some(When::Filled), Some(value)) => is_filled(document, value),
        (_, Some(value)) => !document.is_null(value),
    });
    all
}

/// Whether Go takes a value for more than none.
fn is_filled(document: &Document<'_>, value: usize) -> bool {
    match document.token(value) {
        Token::Null => false,
        Token::Flag(flag) => flag,
        Token::Number(text) => float(text) != Some(0.0),
        Token::Text(raw) => !raw.is_empty(),
        Token::List | Token::Object => document.first(value).is_some(),
    }
}

fn whole(token: Token<'_>) -> i128 {
    match token {
        Token::Number(text) => WIDEST.read(text).unwrap_or_default(),
        _ => 0,
    }
}

// === impl Begun ===

impl Begun {
    fn new(draft: &mut Draft<'_>, bracket: u8, ahead: Ahead, style: Style) -> Self {
        draft.bytes.push(bracket);
        Self { ahead, style, is_first: true }
    }

    /// Moves on to the next value, and writes what is before it.
    async fn next(
        &mut self,
        draft: &mut Draft<'_>,
        document: &Document<'_>,
    ) -> Result<Option<(Option<usize>, Shape)>, Full> {
        let comma = if std::mem::take(&mut self.is_first) { &b""[..] } else { b"," };
        Ok(match &mut self.ahead {
            Ahead::Items { next, end, shape } if *next < *end => {
                draft.bytes.extend_from_slice(comma);
                let value = *next;
                *next = document.next(value);
                Some((Some(value), *shape))
            }
            Ahead::Items { .. } => None,
            Ahead::Properties(properties) => match properties.next() {
                Some(Known { name, value, shape }) => {
                    draft.bytes.extend_from_slice(comma);
                    string::write(draft, name.as_bytes(), self.style).await?;
                    draft.bytes.push(b':');
                    Some((value, shape))
                }
                None => None,
            },
            Ahead::Keys { keys, shape } => match keys.next() {
                Some(key) => {
                    draft.bytes.extend_from_slice(comma);
                    string::write(draft, document.raw(key as usize), self.style).await?;
                    draft.bytes.push(b':');
                    Some((Some(key as usize + 1), *shape))
                }
                None => None,
            },
        })
    }

    /// Returns the bracket at the end.
    fn bracket(&self) -> u8 {
        if matches!(self.ahead, Ahead::Items { .. }) { b']' } else { b'}' }
    }
}
