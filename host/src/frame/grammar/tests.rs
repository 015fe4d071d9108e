//! Comparisons with what `serde_json` says about the same texts.

use serde::de::IgnoredAny;

use super::super::sample::Random;
use super::*;

fn read<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> Result<(), Unexpected> {
    let mut grammar = Grammar::default();
    pieces.into_iter().try_for_each(|piece| grammar.read(piece))?;
    grammar.end()
}

/// Returns what `serde_json` says about the same text.
fn is_json(text: &[u8]) -> bool {
    serde_json::from_slice::<IgnoredAny>(text).is_ok()
}

#[test]
fn every_part_of_the_grammar() {
    for text in [
        "0",
        "-0",
        "10",
        "-1.50",
        "0.0e0",
        "1E+10",
        "12e-3",
        "0e1",
        "true",
        " false\t",
        "\r\nnull\n",
        r#""""#,
        "[]",
        "{}",
        "[ ]",
        "{ }",
        "[1,[2, {}],\"]\"]",
        r#"{"a" : 1 , "b":{"":[]}}"#,
        r#""\"\\\/\b\f\n\r\t\u00e9\uD800""#,
        "\"é\u{7f}\"",
        "[1]",
        "[1 ]",
        "[true]",
        r#"{"a":-1}"#,
    ] {
        assert!(is_json(text.as_bytes()) && read([text.as_bytes()]).is_ok(), "{text}");
    }
    for text in [
        "",
        " ",
        "-",
        "01",
        "-01",
        "1.",
        ".5",
        "1.e1",
        "1e",
        "1e+",
        "+1",
        "1 2",
        "tru",
        "truex",
        "nul",
        "nulL",
        "\"",
        "\"\\\"",
        r#""\x""#,
        r#""\u12g4""#,
        r#""\u123""#,
        "\"\n\"",
        "[",
        "]",
        "[1",
        "[1,",
        "[1,]",
        "[,1]",
        "[1 2]",
        "[}",
        "{",
        "}",
        "{]",
        "{1:2}",
        r#"{"a"}"#,
        r#"{"a":}"#,
        r#"{"a":1,}"#,
        r#"{"a":1 "b"}"#,
        r#"{"a":1]"#,
        "{}{}",
        "[],",
        "1,",
        "\u{a0}1",
        "'a'",
        "NaN",
    ] {
        assert!(!is_json(text.as_bytes()) && read([text.as_bytes()]).is_err(), "{text}");
    }
}

#[test]
fn says_what_is_missing_and_where() {
    let text = |text: &str| read([text.as_bytes()]).unwrap_err().to_string();
    assert_eq!(text("{]"), "expected a key in quotes or the end of the object at byte 1");
    assert_eq!(text(r#"{"a":1"#), "expected a comma or a closing bracket at byte 6");
    assert_eq!(text("1 2"), "expected nothing more at byte 2");
    let pieces = [b"[1, ".as_slice(), b"2, ", b"x]"];
    assert_eq!(read(pieces).unwrap_err().to_string(), "expected a value at byte 7");
}

#[test]
fn can_be_used_again() {
    let mut grammar = Grammar::default();
    for text in [" {\"a\":[]} ", "[{}]", "1", "{}", "\"{}\""] {
        grammar.read(text.as_bytes()).unwrap();
        assert_eq!(grammar.end(), Ok(()), "{text}");
    }
}

#[test]
fn agrees_with_serde_json_however_the_text_is_cut() {
    const PARTS: &[&str] = &[
        "{", "}", "[", "]", ",", ":", "\"", "\"a\"", "\"a\":", "1", "0", "-", ".", "e", "E+", "true", "null",
        "fals", " ", "\n", "\\", "\\u00", "\\n", "é", "x", "{\"k\":", "[1,", "\u{1}",
    ];
    let mut random = Random::new();
    let mut valid = 0;
    for _ in 0..100_000 {
        let text: String =
            (0..random.below(8)).map(|_| PARTS[random.below(PARTS.len() as u64) as usize]).collect();
        let text = text.as_bytes();
        let (start, end) = text.split_at(random.below(text.len() as u64 + 1) as usize);
        assert_eq!(read([start, end]).is_ok(), is_json(text), "{:?}", String::from_utf8_lossy(text));
        valid += usize::from(is_json(text));
    }
    assert!(valid > 1_000, "{valid} of the texts are JSON");
}

#[test]
fn keeps_track_of_what_is_open() {
    let mut random = Random::new();
    for depth in [1, 7, 8, 9, 16, 17, 100] {
        let open: Vec<bool> = (0..depth).map(|_| random.below(2) == 0).collect();
        let begin = open.iter().map(|is_object| if *is_object { "{\"\":" } else { "[" });
        let end: Vec<&str> = open.iter().rev().map(|is_object| if *is_object { "}" } else { "]" }).collect();
        let begin: String = begin.collect();
        assert_eq!(read([begin.as_bytes(), b"1", end.concat().as_bytes()]), Ok(()));
        let inner = r#"[1,{"a":[2],"b":3},[4]]"#;
        assert_eq!(read([begin.as_bytes(), inner.as_bytes(), end.concat().as_bytes()]), Ok(()));
        for wrong in 0..depth {
            let mut end = end.clone();
            end[wrong] = if end[wrong] == "}" { "]" } else { "}" };
            assert!(read([begin.as_bytes(), b"1", end.concat().as_bytes()]).is_err());
        }
    }
}
