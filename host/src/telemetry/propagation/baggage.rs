//! W3C Baggage: what callers want to travel with a trace. The host only hands it on.
//!
//! Not the propagator of `opentelemetry_sdk`: version 0.33 decodes values and does not encode them again, so that `%2541`
//! becomes `A`, and `%2c` begins another member. Since nobody here reads a value, the header is put into its normal form
//! once, with the members that Go's propagator would take.

use std::borrow::Cow;

use http::{HeaderMap, HeaderValue};
use opentelemetry::Context;
use percent_encoding::{AsciiSet, CONTROLS, percent_decode_str, utf8_percent_encode};

const HEADER: &str = "baggage";

/// The specification's limits.
const MAX_MEMBERS: usize = 64;
const MAX_BYTES: usize = 8192;

/// What cannot stand in a value: all but `baggage-octet`, and the sign that begins an encoded byte.
const ENCODED: &AsciiSet = &CONTROLS.add(b' ').add(b'"').add(b',').add(b';').add(b'\\').add(b'%');

/// The header, in its normal form.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::telemetry) struct Baggage(HeaderValue);

/// A member of the list. Of several with the same key, the last one counts.
struct Member<'a> {
    key: &'a str,
    /// As it is written.
    text: String,
}

/// Returns `context` with the baggage of the headers, if they have any.
pub(super) fn extract(context: Context, headers: &HeaderMap) -> Context {
    match read(headers) {
        Some(baggage) => context.with_value(baggage),
        None => context,
    }
}

/// Replaces the header, if there is baggage.
pub(super) fn inject(context: &Context, headers: &mut HeaderMap) {
    if let Some(Baggage(value)) = context.get() {
        headers.insert(HEADER, value.clone());
    }
}

/// Several headers are one list. One that is too long as a whole is no baggage; of one that has too much in it, the
/// beginning is.
fn read(headers: &HeaderMap) -> Option<Baggage> {
    let values = || headers.get_all(HEADER).iter();
    let bytes: usize = values().map(|value| value.len() + 1).sum();
    // One comma less than headers.
    if bytes == 0 || bytes > MAX_BYTES + 1 {
        return None;
    }
    let (mut members, mut size): (Vec<Member>, usize) = Default::default();
    // A member with other bytes is malformed, and so it is with what replaces them.
    let lists: Vec<Cow<'_, str>> = values().map(|value| String::from_utf8_lossy(value.as_bytes())).collect();
    for member in lists.iter().flat_map(|list| list.split(',')).filter_map(Member::parse) {
        let earlier = members.iter().position(|other| other.key == member.key);
        let replaced = earlier.and_then(|place| members.get(place)).map_or(0, |member| member.text.len() + 1);
        size = size - replaced + member.text.len() + 1;
        if size > MAX_BYTES + 1 || (earlier.is_none() && members.len() == MAX_MEMBERS) {
            break;
        }
        match earlier.and_then(|place| members.get_mut(place)) {
            Some(place) => *place = member,
            None => members.push(member),
        }
    }
    let texts: Vec<_> = members.into_iter().map(|member| member.text).collect();
    if texts.is_empty() { None } else { HeaderValue::try_from(texts.join(",")).ok().map(Baggage) }
}

// === impl Member ===

impl<'a> Member<'a> {
    fn parse(member: &'a str) -> Option<Self> {
        let (pair, properties) = member.split_once(';').unwrap_or((member, ""));
        let properties: Vec<_> = properties.split(';').filter(|property| !property.is_empty()).collect();
        if !properties.iter().all(|property| is_property(property)) {
            return None;
        }
        let (key, value) = pair.split_once('=')?;
        let (key, value) = (key.trim(), value.trim());
        if !is_key(key) || !is_value(value) {
            return None;
        }
        // What is not UTF-8 is replaced, as the specification says.
        let decoded = percent_decode_str(value).decode_utf8_lossy();
        let mut text = format!("{key}={}", utf8_percent_encode(&decoded, ENCODED));
        for property in properties {
            text.push(';');
            text.push_str(property);
        }
        Some(Self { key, text })
    }
}

fn is_property(text: &str) -> bool {
    let trimmed = |text: &'_ str| text.trim_matches([' ', '\t']).to_owned();
    match text.split_once('=') {
        None => is_key(&trimmed(text)),
        Some((key, value)) => is_key(&trimmed(key)) && is_value(&trimmed(value)),
    }
}

/// RFC 7230's `token`.
fn is_key(text: &str) -> bool {
    let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    !text.is_empty() && text.bytes().all(is_token)
}

/// The specification's `baggage-octet`s, with complete percent-encoding.
fn is_value(text: &str) -> bool {
    let is_octet = |byte: u8| byte.is_ascii_graphic() && !b"\",;\\".contains(&byte);
    let is_encoded = |rest: &str| {
        let digits = rest.as_bytes().first_chunk::<2>();
        digits.is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit))
    };
    text.bytes().all(is_octet) && text.split('%').skip(1).all(is_encoded)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn passed_on(values: &[&str]) -> String {
        let incoming = values.iter().map(|value| {
            (http::HeaderName::from_static(HEADER), HeaderValue::from_bytes(value.as_bytes()).unwrap())
        });
        let context = extract(Context::new(), &incoming.collect());
        let mut outgoing = HeaderMap::new();
        inject(&context, &mut outgoing);
        outgoing.get(HEADER).map(|value| value.to_str().unwrap().to_owned()).unwrap_or_default()
    }

    /// The right side is what Go's propagator writes.
    #[test]
    fn a_value_says_the_same_afterwards() {
        for (incoming, outgoing) in [
            ("a=1", "a=1"),
            ("a=%2541", "a=%2541"),
            ("a=%2c%3b%22%5C,b=2", "a=%2C%3B%22%5C,b=2"),
            ("a=x%20y", "a=x%20y"),
            ("a=%41%C3%A9", "a=A%C3%A9"),
            ("a=%ff", "a=%EF%BF%BD"),
            ("a=b=c", "a=b=c"),
            (" a = 1 , b = 2 ", "a=1,b=2"),
            ("a=", "a="),
            ("a=1;p;q=x%2c; r = 2 ;", "a=1;p;q=x%2c; r = 2 "),
            ("a=1;;p", "a=1;p"),
            ("a=1,b=2,a=3", "a=3,b=2"),
        ] {
            assert_eq!(passed_on(&[incoming]), outgoing, "{incoming}");
            assert_eq!(passed_on(&[outgoing]), outgoing, "again");
        }
    }

    #[test]
    fn a_malformed_member_costs_only_itself() {
        for bad in [
            "", "a", "=1", "a b=1", "é=1", "a=é", "a=x y", "a=\"1\"", "a=%", "a=%4", "a=%4g", "a=1;=p",
            "a=1;p q", "a=1;p=%4",
        ] {
            assert_eq!(passed_on(&[&format!("x=1,{bad},y=2")]), "x=1,y=2", "{bad}");
            assert_eq!(passed_on(&[bad]), "", "{bad}");
        }
    }

    #[test]
    fn several_headers_are_one_list() {
        assert_eq!(passed_on(&["a=1", "b=2,a=3"]), "a=3,b=2");
        assert_eq!(passed_on(&[]), "");
    }

    #[test]
    fn more_than_the_specification_allows_is_not_handed_on() {
        let many: Vec<_> = (0..70).map(|number| format!("k{number}=1")).collect();
        let first = many.iter().take(64).map(String::as_str).collect::<Vec<_>>().join(",");
        assert_eq!(passed_on(&[&many.join(",")]), first);
        let long = format!("a={}", "x".repeat(8190));
        assert_eq!(passed_on(&[&long]), long);
        assert_eq!(passed_on(&[&format!("{long}x")]), "");
        assert_eq!(passed_on(&["b=1", &long]), "");
        // Its encoded form is longer than what came.
        let longer = format!("b=1,a={}", "%ff".repeat(2000));
        assert_eq!(passed_on(&[&longer]), "b=1");
    }
}
