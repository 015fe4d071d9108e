//! What serde calls by Rust's names, in the words of JSON: the person who reads an error may never have seen Rust.

use serde::de::{Expected, Unexpected};

/// Stands for what is too long to be shown.
pub(super) const CUT: &str = "…";

/// How long a name of the data may be to be shown, in bytes.
const MAX_NAME: usize = 64;

/// How serde begins the names of the types in `std::num` that have no zero.
const NOT_ZERO: &str = "a nonzero ";

pub(super) fn found(found: &Unexpected<'_>) -> &'static str {
    match found {
        Unexpected::Bool(_) => "true or false",
        Unexpected::Unsigned(_) | Unexpected::Signed(_) => "a whole number",
        Unexpected::Float(_) => "a number with a fraction",
        Unexpected::Str(_) | Unexpected::Char(_) => "a string",
        Unexpected::Unit | Unexpected::Option => "null",
        Unexpected::Seq => "an array",
        Unexpected::Map => "an object",
        _ => "something else",
    }
}

pub(super) fn expected(expected: &dyn Expected) -> String {
    let text = expected.to_string();
    let plain = match text.strip_prefix(NOT_ZERO).unwrap_or(&text) {
        "i8" | "i16" | "i32" | "i64" | "u8" | "u16" | "u32" | "u64" | "isize" | "usize" => "a whole number",
        "f32" | "f64" => "a number",
        "a boolean" => "true or false",
        "a string" | "a borrowed string" | "variant identifier" | "field identifier" => "a string",
        "a character" => "a string of one character",
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

/// Which numbers a type of whole numbers can hold, such as `from 0 to 255`.
pub(super) fn range(expected: &dyn Expected) -> Option<String> {
    let text = expected.to_string();
    let (name, zero) = match text.strip_prefix(NOT_ZERO) {
        Some(name) => (name, false),
        None => (text.as_str(), true),
    };
    let (signed, bits) = name.split_at_checked(1)?;
    let bits = if bits == "size" { usize::BITS } else { bits.parse().ok()? };
    if ![8, 16, 32, 64].contains(&bits) {
        return None;
    }
    let (least, most) = match signed {
        "u" => (0, (1_i128 << bits) - 1),
        "i" => (-(1_i128 << (bits - 1)), (1_i128 << (bits - 1)) - 1),
        _ => return None,
    };
    Some(match (zero, least) {
        (true, _) => format!("from {least} to {most}"),
        (false, 0) => format!("from 1 to {most}"),
        (false, _) => format!("from {least} to {most} and not 0"),
    })
}

/// Returns a name of the data as an error shows it: whole, as it may be a secret that the host would recognize only so, or
/// not at all.
pub(super) fn name(name: &str) -> &str {
    if name.len() <= MAX_NAME { name } else { CUT }
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
