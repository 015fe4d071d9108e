//! What serde calls by Rust's names, in the words of JSON: the person who reads an error may never have seen Rust.

use serde::de::{Expected, Unexpected};

pub(super) fn found(found: &Unexpected<'_>) -> &'static str {
    match found {
        Unexpected::Bool(_) => "true or false",
        Unexpected::Unsigned(_) | Unexpected::Signed(_) => "a whole number",
        Unexpected::Float(_) => "a number with a fraction",
        Unexpected::Str(_) | Unexpected::Char(_) => "a text",
        Unexpected::Unit | Unexpected::Option => "null",
        Unexpected::Seq => "an array",
        Unexpected::Map => "an object",
        _ => "something else",
    }
}

pub(super) fn expected(expected: &dyn Expected) -> String {
    let text = expected.to_string();
    let plain = match text.as_str() {
        "i8" | "i16" | "i32" | "i64" | "u8" | "u16" | "u32" | "u64" | "isize" | "usize" => "a whole number",
        "f32" | "f64" => "a number",
        "a boolean" => "true or false",
        "a string" | "a borrowed string" | "variant identifier" | "field identifier" => "a text",
        "a character" => "a text of one character",
        "a sequence" => "an array",
        "a map" => "an object",
        "unit" | "option" => "null",
        _ => "",
    };
    if !plain.is_empty() {
        return plain.to_owned();
    }
    let last = text.rsplit(' ').find(|word| word.bytes().all(|byte| byte.is_ascii_digit()));
    match (text.split(' ').next(), last) {
        (Some("a" | "an" | "tuple"), Some(length)) if is_tuple(&text) => format!("an array of {length}"),
        (Some("tuple"), None) => "an array".to_owned(),
        (Some("struct" | "internally" | "adjacently"), _) => "an object".to_owned(),
        (Some("newtype" | "enum" | "unit"), _) => "another value".to_owned(),
        _ => text,
    }
}

/// The least and the most that a type of whole numbers can hold.
pub(super) fn range(expected: &dyn Expected) -> Option<(i128, i128)> {
    let text = expected.to_string();
    let (signed, bits) = text.split_at_checked(1)?;
    let bits: u32 = bits.parse().ok().filter(|bits| [8, 16, 32, 64].contains(bits))?;
    match signed {
        "u" => Some((0, (1 << bits) - 1)),
        "i" => Some((-(1 << (bits - 1)), (1 << (bits - 1)) - 1)),
        _ => None,
    }
}

/// Names in a list, each in quotes.
pub(super) fn list(names: &[&str]) -> String {
    let names: Vec<_> = names.iter().map(|name| format!("`{name}`")).collect();
    if names.is_empty() { "nothing".to_owned() } else { names.join(", ") }
}

fn is_tuple(text: &str) -> bool {
    text.starts_with("a tuple of size")
        || text.starts_with("an array of length")
        || text.starts_with("tuple ")
}
