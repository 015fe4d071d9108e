//! The list in `tracestate`: W3C Trace Context, §3.3.
//!
//! Not the parser of `opentelemetry`: version 0.33 takes members without a name, names twice, values of bytes that must not be
//! there, and cuts a list that is too long. The specification, and Go, then have no list at all.

use opentelemetry::trace::TraceState;

/// §3.3.1.1.
const MAX_MEMBERS: usize = 32;

/// §3.3.1.3.1: of a whole name, of its part before `@`, and of that after it. The specification allows 14 bytes there, which
/// `opentelemetry` 0.33 cannot hold.
const MAX_NAME: usize = 256;
const MAX_TENANT: usize = 241;
const MAX_SYSTEM: usize = 13;

/// §3.3.1.3.2.
const MAX_VALUE: usize = 256;

/// Returns the list. If a member is not valid, there is none.
pub(super) fn parse(list: &str) -> TraceState {
    members(list).and_then(|members| TraceState::from_key_value(members).ok()).unwrap_or(TraceState::NONE)
}

fn members(list: &str) -> Option<Vec<(&str, &str)>> {
    let mut members: Vec<(&str, &str)> = Vec::new();
    for member in list.split(',').filter(|member| !member.is_empty()) {
        let (name, value) = member.split_once('=')?;
        let (name, value) = (name.trim_start_matches([' ', '\t']), value.trim_end_matches([' ', '\t']));
        let twice = members.iter().any(|(other, _)| *other == name);
        if twice || members.len() == MAX_MEMBERS || !is_name(name) || !is_value(value) {
            return None;
        }
        members.push((name, value));
    }
    Some(members)
}

fn is_name(name: &str) -> bool {
    match name.split_once('@') {
        None => is_part(name, MAX_NAME, false),
        Some((tenant, system)) => is_part(tenant, MAX_TENANT, true) && is_part(system, MAX_SYSTEM, false),
    }
}

/// Begins with a letter, or perhaps a digit, and goes on with a few characters more.
fn is_part(text: &str, longest: usize, may_begin_with_digit: bool) -> bool {
    let goes_on = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"_-*/".contains(&byte);
    text.len() <= longest
        && text.starts_with(|first: char| {
            first.is_ascii_lowercase() || may_begin_with_digit && first.is_ascii_digit()
        })
        && text.bytes().all(goes_on)
}

fn is_value(value: &str) -> bool {
    let fits = |byte: u8| (b' '..=b'~').contains(&byte) && byte != b',' && byte != b'=';
    !value.is_empty() && value.len() <= MAX_VALUE && value.bytes().all(fits)
}
