//! The reader against `serde_json`, with pieces of every size.

use std::collections::HashMap;
use std::num::{NonZeroI8, NonZeroU8, NonZeroUsize};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Error, from_pieces};
use crate::http::Cause;

mod reference;

/// Reads the text in pieces of the size.
fn pieces<T: serde::de::DeserializeOwned>(text: &[u8], size: usize) -> Result<T, Error> {
    let mut pieces = text.chunks(size);
    from_pieces(&mut || Ok(pieces.next().map(<[u8]>::to_vec)))
}

#[test]
fn reads_what_serde_json_reads() {
    for text in [
        "null",
        " true ",
        "[false,true]",
        "0",
        "-0",
        "-1",
        "9223372036854775807",
        "-9223372036854775808",
        "18446744073709551615",
        "18446744073709551616",
        "1.5e-3",
        "1E400000",
        "\"\"",
        r#""gr\u00fcn \"x\" \\ \ud83e\udd80 🦀""#,
        "[]",
        "{}",
        r#"{"a":[1,{"b":null}],"c":{"d":[[]]},"a":2}"#,
        " [ 1 , 2\n,\t3 ] ",
        "",
        " ",
        "nul",
        "nulll",
        "tru e",
        "01",
        "-",
        "-01",
        "1.",
        ".5",
        "+1",
        "1e",
        "--1",
        "[1,]",
        "[,1]",
        "[1 2]",
        "[1",
        "{\"a\"}",
        "{\"a\":}",
        "{\"a\":1,}",
        "{a:1}",
        "{1:1}",
        "{\"a\" 1}",
        "\"a",
        "\"\\",
        "\"\\x\"",
        "\"\\ud83e\"",
        "\"a\nb\"",
        "1 2",
        "{} x",
        "]",
    ] {
        let expected = serde_json::from_str::<Value>(text).ok();
        for size in [1, 2, 3, 7, 1000] {
            let found = pieces::<Value>(text.as_bytes(), size);
            // Negative zero is a float there and a float here.
            assert_eq!(found.as_ref().ok(), expected.as_ref(), "{text} in pieces of {size}: {found:?}");
        }
    }
    assert!(pieces::<String>(b"\"\xff\"", 1).is_err(), "not UTF-8");
}

#[derive(Debug, PartialEq, Deserialize, Serialize)]
enum Shape {
    Point,
    Circle(f64),
    Line(i8, i8),
    Square { side: u64 },
}

#[derive(Debug, PartialEq, Deserialize, Serialize)]
struct Wrapped(Option<String>);

#[derive(Debug, Deserialize)]
struct Single {
    #[expect(dead_code, reason = "only errors are looked at")]
    a: u8,
}

#[derive(Debug, PartialEq, Deserialize, Serialize)]
struct Everything {
    shapes: Vec<Shape>,
    pair: (bool, char),
    wrapped: [Wrapped; 2],
    missing: Option<i32>,
    unit: (),
    single: f32,
}

#[test]
fn types_come_back_as_they_went() {
    let everything = Everything {
        shapes: vec![
            Shape::Point,
            Shape::Circle(-0.25),
            Shape::Line(-1, 1),
            Shape::Square { side: u64::MAX },
        ],
        pair: (true, 'ü'),
        wrapped: [Wrapped(Some("a\"b".to_owned())), Wrapped(None)],
        missing: None,
        unit: (),
        single: 0.1,
    };
    let text = serde_json::to_vec_pretty(&everything).unwrap();
    for size in [1, 5, 64, 4096] {
        assert_eq!(pieces::<Everything>(&text, size).unwrap(), everything, "in pieces of {size}");
    }
}

#[test]
fn whatever_lies_across_large_pieces_is_read_whole() {
    // Texts that end before, within and after what is copied of the next piece.
    let lengths = [0, 3, 250, 256, 257, 300, 511, 700];
    let values = lengths.iter().cycle().take(40).enumerate().map(|(index, length)| {
        serde_json::json!({ "text": "é".repeat(length / 2), "number": index as f64 * 0.37, "whole": index * 1_000_003 })
    });
    let text = serde_json::to_vec(&values.collect::<Value>()).unwrap();
    let expected: Value = serde_json::from_slice(&text).unwrap();
    for size in (200..1500).step_by(7) {
        assert_eq!(pieces::<Value>(&text, size).unwrap(), expected, "in pieces of {size}");
    }
    let broken = [&text[..text.len() - 1], b",}"].concat();
    for size in [257, 1000, 100_000] {
        let error = pieces::<Value>(&broken, size).unwrap_err().to_string();
        assert!(error.ends_with(&format!(" at byte {}", broken.len() - 1)), "{error}");
    }
}

#[test]
fn an_error_says_what_and_where() {
    let error = pieces::<Vec<i32>>(br#"[1, "two"]"#, 3).unwrap_err().to_string();
    assert_eq!(error, "`[1]`: a string where a whole number was expected at byte 9");
    let error = pieces::<Everything>(br#"{"shapes":[{"Square":{"side":-1}}]}"#, 3).unwrap_err().to_string();
    assert_eq!(
        error,
        "`shapes[0].side`: a whole number that is not from 0 to 18446744073709551615 at byte 31"
    );
    let error = pieces::<Everything>(br#"{"shapes":["Triangle"]}"#, 3).unwrap_err().to_string();
    assert_eq!(error, "`shapes[0]`: a name that is none of `Point`, `Circle`, `Line`, `Square` at byte 21");
    let error = pieces::<Everything>(br#"{"pair":[true]}"#, 3).unwrap_err().to_string();
    assert_eq!(error, "`pair`: an array of 1 where an array of 2 was expected at byte 13");
    let error = pieces::<Vec<Wrapped>>(b"[{}]", 3).unwrap_err().to_string();
    assert_eq!(error, "`[0]`: an object where a string was expected at byte 2");
    let error = pieces::<Vec<Single>>(br#"[{"a":1},{"a":"x"}]"#, 3).unwrap_err().to_string();
    assert_eq!(error, "`[1].a`: a string where a whole number was expected at byte 17");
    let error = pieces::<[Single; 2]>(br#"[{"a":1},{}]"#, 3).unwrap_err().to_string();
    assert_eq!(error, "`[1]`: `a` is missing at byte 10");
    assert_eq!(pieces::<Value>(b"[1", 1).unwrap_err().to_string(), "`,` is missing at byte 2");
}

#[test]
fn a_path_is_known_when_the_text_has_moved_on() {
    #[derive(Debug, Deserialize)]
    struct Outer {
        #[expect(dead_code, reason = "only errors are looked at")]
        lists: HashMap<String, Vec<Single>>,
    }
    let text = br#"{"lists":{"first":[{"a":1}],"s\u0065cond":[{"a":1},{"a":300}]}}"#;
    for size in 1..text.len() {
        let error = pieces::<Outer>(text, size).unwrap_err().to_string();
        let expected = "`lists.second[1].a`: a whole number that is not from 0 to 255 at byte 59";
        assert_eq!(error, expected, "in pieces of {size}");
    }
}

#[test]
fn long_names_are_not_shown() {
    let name = |length| "k".repeat(length);
    let read =
        |text: String| pieces::<HashMap<String, HashMap<String, u8>>>(text.as_bytes(), 100).unwrap_err();
    let error = read(format!(r#"{{"{}":{{"{}":true}}}}"#, name(64), name(65))).to_string();
    assert!(error.starts_with(&format!("`{}.…`: true or false where ", name(64))), "{error}");
    let deep = [r#"{"ten bytes":"#.repeat(100), "1e999".to_owned()].concat();
    let error = pieces::<Value>(deep.as_bytes(), 100).unwrap_err().to_string();
    assert!(error.starts_with("`….ten bytes.ten bytes") && error.len() < 400, "{error}");
}

#[test]
fn whole_numbers_of_every_type_have_a_range() {
    fn said<T: serde::de::DeserializeOwned + std::fmt::Debug>(text: &str) -> String {
        pieces::<T>(text.as_bytes(), 100).unwrap_err().to_string()
    }
    for (found, range) in [
        (said::<u8>("-1"), "from 0 to 255"),
        (said::<isize>("18446744073709551615"), "from -9223372036854775808 to 9223372036854775807"),
        (said::<usize>("-1"), "from 0 to 18446744073709551615"),
        (said::<NonZeroU8>("0"), "from 1 to 255"),
        (said::<NonZeroI8>("0"), "from -128 to 127 and not 0"),
        (said::<NonZeroI8>("128"), "from -128 to 127 and not 0"),
    ] {
        assert!(found.starts_with(&format!("a whole number that is not {range} at byte ")), "{found}");
    }
    assert_eq!(said::<NonZeroUsize>("[]"), "an array where a whole number was expected at byte 1");
}

#[test]
fn no_array_is_taken_for_what_has_names() {
    let error = pieces::<Vec<Shape>>(br#"[{"Square":[7]}]"#, 3).unwrap_err().to_string();
    assert_eq!(error, "`[0]`: an array where an object was expected at byte 11");
    assert!(pieces::<Single>(b"[7]", 3).is_err());
}

#[test]
fn nesting_has_an_end() {
    let nested = |depth: usize| [vec![b'['; depth], vec![b']'; depth]].concat();
    assert!(pieces::<Value>(&nested(128), 100).is_ok());
    assert!(pieces::<Value>(&nested(129), 100).is_err());
    assert!(pieces::<Value>(&vec![b'['; 1_000_000], 1000).is_err());
}

#[test]
fn a_body_that_breaks_off_is_not_a_mistake_in_the_json() {
    let mut first = Some(b"[1,".to_vec());
    let read = from_pieces::<Value>(&mut || first.take().map(Some).ok_or(Cause::Reset));
    assert!(matches!(read, Err(Error::Piece(Cause::Reset))), "{read:?}");
}
