//! The reader against `serde_json`: on whole documents, and on documents with one mistake in every place.

use std::collections::HashMap;
use std::fmt::Debug;

use serde::de::{DeserializeOwned, IgnoredAny};

use super::*;

const DOCUMENTS: [&str; 8] = [
    r#"{"a":[1,{"b":null}],"c":{"d":[[]]},"a":2}"#,
    " [ true , false\n,\tnull,\r{ } ] ",
    r#"{"time":"2024-02-29T00:00:00Z","value":-12.50e+3}"#,
    r#"["gr\u00fcn \"x\" \\\/\b\f\n\r\t","\ud83e\udd80 🦀ü"]"#,
    "[0,-0,10,-9223372036854775808,18446744073709551615]",
    "[0.0,-0.1,1e5,1E-5,1.5e+30,123456789012345678901]",
    "\"\"",
    "-1",
];

/// What damages a document: everything that means something in JSON, and what is not ASCII, not UTF-8, not text.
const BYTES: &[u8] = b" \n\0\x1F\x7F\x80\xC3\xED\xF0\xFF\"\\/,:[]{}-+.0189eEabfnrtu";

/// Asserts that both read the same value, or that both refuse the text. Returns whether it was read.
fn alike<T: DeserializeOwned + Debug + PartialEq>(text: &[u8]) -> bool {
    let theirs = serde_json::from_slice::<T>(text);
    // Pieces of one byte, and the whole at once.
    for size in [1, text.len().max(1)] {
        let ours = pieces::<T>(text, size);
        let same = match (&ours, &theirs) {
            (Ok(ours), Ok(theirs)) => ours == theirs,
            (ours, theirs) => ours.is_err() && theirs.is_err(),
        };
        assert!(same, "{} in pieces of {size}: {ours:?}, {theirs:?}", text.escape_ascii());
    }
    theirs.is_ok()
}

/// Every text that differs from this one by a mistake in one byte: cut off there, missing, changed, one too many.
fn damaged(text: &[u8]) -> impl Iterator<Item = Vec<u8>> {
    (0..text.len()).flat_map(move |at| {
        let (before, after, rest) = (&text[..at], &text[at..], &text[at + 1..]);
        let with =
            |rest: &'_ [u8]| BYTES.iter().map(|byte| [before, &[*byte], rest].concat()).collect::<Vec<_>>();
        [vec![before.to_vec(), [before, rest].concat()], with(rest), with(after)].into_iter().flatten()
    })
}

/// Asserts that the whole text is read, and counts how many of the damaged ones are.
fn whole_and_damaged<T: DeserializeOwned + Debug + PartialEq>(text: &str) -> (usize, usize) {
    assert!(alike::<T>(text.as_bytes()), "{text} is refused");
    let (read, refused): (Vec<_>, Vec<_>) = damaged(text.as_bytes()).partition(|text| alike::<T>(text));
    (read.len(), refused.len())
}

#[test]
fn documents_with_a_mistake() {
    let counts = DOCUMENTS.map(whole_and_damaged::<Value>);
    let (read, refused) = counts.iter().fold((0, 0), |sum, count| (sum.0 + count.0, sum.1 + count.1));
    assert!(read > 1_000 && refused > 10_000, "{read} read, {refused} refused");
}

#[test]
fn types_with_a_mistake() {
    let shapes =
        r#"["Point",{"Point":null},{"Circle":-0.25},{"Circle":1},{"Line":[-1,1]},{"Square":{"side":7}}]"#;
    let everything = r#"{"shapes":["Point"],"pair":[true,"ü"],"wrapped":["a",null],"missing":null,"unit":null,
        "single":0.1,"skipped":[1,[true,null]]}"#;
    let counts = [
        whole_and_damaged::<Vec<Shape>>(shapes),
        whole_and_damaged::<Everything>(everything),
        whole_and_damaged::<HashMap<String, Option<(u8, i64, f32)>>>(r#"{"a":[255,-1,1.5],"b":null}"#),
    ];
    for (read, refused) in counts {
        assert!(read > 10 && refused > 100, "{read} read, {refused} refused");
    }
}

#[test]
fn numbers_at_the_edges() {
    let long = "9".repeat(400);
    let fraction = format!("0.{}", "3".repeat(400));
    let numbers = [
        "0",
        "0.0",
        "00",
        "0e0",
        "0e999999",
        "0E-999999",
        "127",
        "128",
        "129",
        "255",
        "256",
        "2147483648",
        "9007199254740993",
        "9223372036854775807",
        "9223372036854775808",
        "9223372036854775809",
        "18446744073709551615",
        "18446744073709551616",
        "18446744073709551615.0",
        "1e19",
        "1e308",
        "1.7976931348623157e308",
        "1.7976931348623159e308",
        "1e309",
        "1e999999999999",
        "2.2250738585072011e-308",
        "5e-324",
        "2e-324",
        "1e-400",
        "1e-999999999999",
        "3.4028236e38",
        "0.1",
        "0.30000000000000004",
        "1.",
        ".1",
        "1.e1",
        "1e",
        "1e+",
        "1e+1",
        "1e1.0",
        "0x1",
        "1_0",
        "1-1",
        "NaN",
        "Infinity",
        &long,
        &fraction,
    ];
    let mut read = 0;
    for number in numbers
        .iter()
        .flat_map(|number| ["", "-", "+", "--", "0", "-0"].map(|sign| format!("{sign}{number}")))
    {
        let text = number.as_bytes();
        // The sign of zero is not seen by `==`.
        let shown = |value: Option<Value>| value.map(|value| format!("{value:?}"));
        assert_eq!(shown(pieces(text, 1).ok()), shown(serde_json::from_slice(text).ok()), "{number}");
        read += usize::from(alike::<Value>(text));
        alike::<f64>(text);
        alike::<f32>(text);
        alike::<u64>(text);
        alike::<i64>(text);
        alike::<u8>(text);
        alike::<i8>(text);
    }
    assert!((20..200).contains(&read), "{read} were read");
}

#[test]
fn every_byte_in_a_text_behind_a_backslash_and_around_a_value() {
    let mut read = 0;
    for byte in 0..=u8::MAX {
        for text in [&[b'"', byte, b'"'][..], &[b'"', b'\\', byte, b'"'], &[byte, b'1'], &[b'1', byte]] {
            read += usize::from(alike::<Value>(text));
        }
    }
    // Characters, escapes, and twice the digits with white space; in front also the sign, and no zero.
    assert_eq!(read, 94 + 8 + 14 + 14);
}

#[test]
fn every_escape_of_four_digits() {
    // Pairs of surrogates, and what only looks like one.
    let edges = [0x0000, 0x0041, 0xD7FF, 0xD800, 0xDBFF, 0xDC00, 0xDFFF, 0xE000, 0xFFFF];
    let mut texts: Vec<String> = (0..=0xFFFF).map(|unit| format!("\"\\u{unit:04x}\"")).collect();
    for first in edges {
        texts.push(format!("\"\\u{first:04X}x\""));
        texts.push(format!("\"\\u{first:04X}\\n\""));
        texts.extend(edges.map(|second| format!("\"\\u{first:04X}\\u{second:04X}\"")));
    }
    texts.extend(["\"\\u\"", "\"\\u1\"", "\"\\u123\"", "\"\\u123g\"", "\"\\U0041\""].map(str::to_owned));
    let read = texts.iter().filter(|text| alike::<String>(text.as_bytes())).count();
    assert!(read > 63_000 && texts.len() - read > 2048, "{read} of {}", texts.len());
}

#[test]
fn utf_8_at_its_edges() {
    let leads = [0x41, 0x7F, 0x80, 0xBF, 0xC1, 0xC2, 0xDF, 0xE0, 0xED, 0xEF, 0xF0, 0xF4, 0xF5, 0xFF];
    let rest = [0x41, 0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC0];
    let (mut read, mut refused) = (0, 0);
    for lead in leads {
        for (second, third) in rest.iter().flat_map(|second| rest.map(|third| (*second, third))) {
            for fourth in [0x41, 0x80, 0xBF] {
                match alike::<String>(&[b'"', lead, second, third, fourth, b'"']) {
                    true => read += 1,
                    false => refused += 1,
                }
            }
        }
    }
    assert!(read > 10 && refused > 1000, "{read} read, {refused} refused");
}

/// `depth` values within each other, of which the innermost is `inner`.
fn nested(open: &str, inner: &str, close: &str, depth: usize) -> String {
    format!("{}{inner}{}", open.repeat(depth), close.repeat(depth))
}

#[test]
fn unlike_serde_json_a_level_more_may_be_nested() {
    for (open, close) in [("[", "]"), ("{\"a\":", "}"), ("[{\"a\":", "}]")] {
        let levels = open.matches(['[', '{']).count();
        for depth in [1, 2, 63, 126 / levels] {
            assert!(alike::<Value>(nested(open, "1", close, depth).as_bytes()), "{depth} of {open}");
        }
        let deepest = nested(open, "1", close, 128 / levels);
        assert!(serde_json::from_str::<Value>(&deepest).is_err(), "128 of {open}");
        assert!(pieces::<Value>(deepest.as_bytes(), 100).is_ok(), "128 of {open}");
        assert!(!alike::<Value>(nested(open, "1", close, 128 / levels + 1).as_bytes()), "130 of {open}");
    }
}

#[test]
fn unlike_serde_json_what_is_skipped_is_read_all_the_same() {
    let deep = nested("[", "", "]", 200);
    for text in [&b"\"\\ud800\""[..], b"\"\xFF\"", b"1e999", deep.as_bytes()] {
        assert!(serde_json::from_slice::<IgnoredAny>(text).is_ok(), "{}", text.escape_ascii());
        assert!(pieces::<IgnoredAny>(text, 100).is_err(), "{}", text.escape_ascii());
    }
}

#[test]
fn unlike_serde_json_the_names_of_members_are_texts_only() {
    let text = r#"{"1":true}"#;
    assert_eq!(serde_json::from_str::<HashMap<u8, bool>>(text).unwrap(), HashMap::from([(1, true)]));
    let error = pieces::<HashMap<u8, bool>>(text.as_bytes(), 100).unwrap_err().to_string();
    assert_eq!(error, "`1`: a string where a whole number was expected at byte 4");
}

#[test]
fn unlike_serde_json_there_are_no_numbers_of_128_bits() {
    assert_eq!(serde_json::from_str::<u128>("1").unwrap(), 1);
    assert!(pieces::<u128>(b"1", 100).is_err());
}
