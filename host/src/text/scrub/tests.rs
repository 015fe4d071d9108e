use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use super::*;

/// With every character that some encoding changes.
const PASSWORD: &str = "p\u{e4}ss w/rd+\"x\\y\"?<&>%41~";

type Encode = fn(&str) -> String;

/// Lines of a key, which are no key.
const LINES: [&str; 3] = [
    "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7VJTUt9Us8cKj",
    "MzEfYyjiWA4R4/M2bS1GB4t7NXp98C3SC6dVMvDuictGeurT8jNbvJZHtCSuYEvu",
    "NMoSfm76oqFvAp8Gy0iz5sxjZmSnXyCdPEovGhLa0VzMaQ8s+CLOyS56YyCFGeJZ",
];

fn key() -> String {
    format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", LINES.join("\n"))
}

/// Escapes each character as the encoders that escape most do.
fn all_escaped(text: &str) -> String {
    text.encode_utf16().map(|unit| format!("\\u{unit:04X}")).collect()
}

fn percent(text: &str) -> String {
    utf8_percent_encode(text, NON_ALPHANUMERIC).to_string()
}

fn json(text: &str) -> String {
    serde_json::to_string(text).unwrap().trim_matches('"').to_owned()
}

#[test]
fn a_secret_is_replaced_wherever_it_appears() {
    let scrub = Scrub::new(["token", "token-and-more", "abc", ""]);
    let text = scrub.text("GET /?a=token-and-more&b=token&c=abc".to_owned());
    assert_eq!(text, "GET /?a=[secret]&b=[secret]&c=abc");
    assert!(!format!("{scrub:?}").contains("token"));
    assert_eq!(Scrub::new(["abc", " ab\n"]).text("abc ab".to_owned()), "abc ab", "too short");
    assert_eq!(Scrub::default().text("abc".to_owned()), "abc");
}

#[test]
fn secrets_that_overlap_are_replaced_together() {
    let scrub = Scrub::new(["word hunt", "hunter2-and-more"]);
    assert_eq!(scrub.text("a word hunter2-and-more b".to_owned()), "a [secret] b");
    assert_eq!(scrub.text("hunter2-and-moreword hunt".to_owned()), "[secret][secret]");
}

#[test]
fn a_secret_is_found_however_it_is_encoded() {
    let scrub = Scrub::new([PASSWORD]);
    let encodings: [(&str, Encode); 12] = [
        ("plain", str::to_owned),
        ("percent", percent),
        ("percent, lower case", |text| percent(text).to_lowercase().replace('P', "p")),
        ("form", |text| percent(text).replace("%20", "+")),
        ("percent, all", |text| text.bytes().map(|byte| format!("%{byte:02x}")).collect()),
        ("percent, twice", |text| percent(&percent(text))),
        ("JSON", json),
        ("JSON in JSON", |text| json(&json(text))),
        ("JSON, all", all_escaped),
        ("JSON with slashes", |text| json(text).replace('/', "\\/")),
        ("Debug", |text| format!("{text:?}").trim_matches('"').to_owned()),
        ("JSON in a URL", |text| percent(&json(text))),
    ];
    for (name, encode) in encodings {
        let text = scrub.text(format!("before {} after", encode(PASSWORD)));
        assert_eq!(text, "before [secret] after", "{name}");
    }
}

#[test]
fn a_secret_is_found_in_base64_wherever_it_begins() {
    for secret in [PASSWORD, "four", "hunter2-and-more", "????>>>>~~~~"] {
        let scrub = Scrub::new([secret]);
        for before in 0..7 {
            for after in 0..4 {
                let whole = format!("{}{secret}{}", "\u{1}".repeat(before), "\u{2}".repeat(after));
                let encoded = [BASE64_STANDARD.encode(&whole), BASE64_URL_SAFE_NO_PAD.encode(&whole)];
                for encoded in encoded {
                    let text = scrub.text(format!("a {encoded} b"));
                    assert!(text.contains(MARK), "{secret} in {encoded}: {text}");
                    // Only digits of what surrounds it are left.
                    let left = text.replace(MARK, "").replace(['a', ' ', 'b', '='], "");
                    let foreign = before.div_ceil(3) * 4 + after.div_ceil(3) * 4;
                    assert!(left.len() <= foreign, "{secret} in {encoded}: {text}");
                    let escaped = scrub.text(encoded.replace('/', "\\/").replace('+', "%2B"));
                    assert!(escaped.contains(MARK), "{escaped}");
                }
            }
        }
    }
}

#[test]
fn basic_authentication_is_found_with_its_parts() {
    let header = format!("Basic {}", BASE64_STANDARD.encode("ada:hunter2-and-more"));
    let scrub = Scrub::new([header.as_str()]);
    for text in [header.as_str(), &header[6..], "ada:hunter2-and-more", "hunter2-and-more"] {
        assert_eq!(scrub.text(format!("<{text}>")), "<[secret]>");
    }
    assert_eq!(scrub.text("ada".to_owned()), "ada");
}

#[test]
fn a_token_is_found_without_the_word_before_it() {
    let scrub = Scrub::new(["Bearer  of-good-news"]);
    assert_eq!(scrub.text("Bearer of-good-news".to_owned()), "Bearer [secret]");
}

#[test]
fn each_line_of_a_key_is_a_secret_and_its_label_is_none() {
    for key in [key(), key().replace('\n', "\r\n"), key().replace('\n', "\\n")] {
        let scrub = Scrub::new([key.as_str()]);
        for line in LINES {
            assert_eq!(scrub.text(format!("<{line}>")), "<[secret]>");
            assert_eq!(scrub.text(format!("<{}>", percent(line))), "<[secret]>");
        }
        let printed = scrub.text(self::key());
        let marks = [MARK; 3].join("\n");
        assert_eq!(printed, format!("-----BEGIN PRIVATE KEY-----\n{marks}\n-----END PRIVATE KEY-----\n"));
        for begin in ["", "x", "xx"] {
            let encoded = scrub.text(BASE64_STANDARD.encode(format!("{begin}{}", self::key())));
            assert_eq!(encoded.matches(MARK).count(), 3, "{encoded}");
            for line in LINES {
                assert!((0..3).all(|skip| !encoded.contains(&BASE64_STANDARD.encode(&line[skip..])[..20])));
            }
        }
    }
}

#[test]
fn short_lines_of_a_secret_are_found_together() {
    let scrub = Scrub::new(["ab\ncd\nef"]);
    assert_eq!(scrub.text("<ab\ncd\nef>".to_owned()), "<[secret]>");
    assert_eq!(scrub.text(r"<ab\ncd\nef>".to_owned()), "<[secret]>");
}

#[test]
fn the_beginning_of_a_long_secret_is_a_secret() {
    let long: String = (0..3000).map(|number| format!("{number:x}-")).collect();
    let scrub = Scrub::new([long.as_str()]);
    assert_eq!(scrub.text(format!("<{}>", &long[..20])), "<[secret]>");
    let text = scrub.text(format!("<{long}>"));
    assert_eq!(text.replace(MARK, ""), "<>");
    assert_eq!(scrub.text("0-1-2-3-4".to_owned()), "0-1-2-3-4");
}

#[test]
fn capital_letters_do_not_hide_a_long_secret() {
    let scrub = Scrub::new(["AbCdEfGhIj", "Token"]);
    assert_eq!(
        scrub.text("abcdefghij.example.com token Token".to_owned()),
        "[secret].example.com token [secret]"
    );
}

#[test]
fn what_is_no_secret_stays_as_it_is() {
    let scrub = Scrub::new(["hunter2"]);
    for text in ["", "hunter", "100% of \\n and \\u00e9 and %41", "caf\u{e9} \u{1f980}", "%ff\\xff"] {
        assert_eq!(scrub.text(text.to_owned()), text);
        assert_eq!(scrub.shorten(text.to_owned(), 100), text);
    }
}

#[test]
fn a_shortened_text_ends_with_no_part_of_a_secret() {
    let scrub = Scrub::new(["hunter2-and-more", "word hunt", "\u{fc}nter", "1234567890"]);
    for secret in
        ["hunter2-and-more", "word hunter2-and-more", "\u{fc}nter", "1234567890", &percent("1234567890")]
    {
        for (before, after) in (0..40).flat_map(|before| [(before, 100), (before, 2 * AHEAD)]) {
            let text = format!("{}{secret}{}", "x ".repeat(before), "y".repeat(after));
            let shortened = scrub.shorten(text, 30);
            assert!(shortened.len() <= 30 && shortened.ends_with('…'), "{shortened}");
            let rest = shortened.replace("x ", "").replace("[secret]", "");
            let rest = rest.trim_end_matches('…').trim_matches(|char| " y[secrt]".contains(char));
            assert!(rest.is_empty() || rest == "x", "{shortened}: {rest}");
        }
    }
}

#[test]
fn a_text_is_shortened_only_if_it_is_too_long() {
    let scrub = Scrub::new(["a long secret"]);
    assert_eq!(scrub.shorten("12345678".to_owned(), 8), "12345678");
    assert_eq!(scrub.shorten("123456789".to_owned(), 8), "12345…");
    assert_eq!(scrub.shorten("a long secret".to_owned(), 8), "[secret]");
    assert_eq!(scrub.shorten("a long secret".repeat(1000), 16), "[secret][secr…");
}

#[test]
fn a_text_is_not_cut_within_a_secret() {
    let scrub = Scrub::new([LINES[0], LINES[1], "aaaa"]);
    let text = format!("{}{}{}{}", "x".repeat(1000), LINES[0], LINES[1], "y".repeat(AHEAD));
    let place = |at| scrub.place_to_cut(text.as_bytes(), at);
    assert_eq!([place(999), place(1000), place(1001), place(1063)], [999, 1000, 1000, 1000]);
    assert_eq!([place(1064), place(1065), place(1128), place(1129)], [1064, 1064, 1128, 1129]);
    assert_eq!(scrub.place_to_cut("a".repeat(2 * AHEAD).as_bytes(), AHEAD), AHEAD, "it must be somewhere");
}

#[test]
fn a_document_stays_json() {
    let scrub = Scrub::new(["hunter2", "12345678", "\",\""]);
    let document = r#"{"a hunter2":["x\u0068unter2",12345678,true],"b":{"c":"d"}}"#;
    let clean = scrub.json(document.to_owned());
    assert_eq!(clean, r#"{"a [secret]":["x[secret]","[secret]",true],"b":{"c":"d"}}"#);
    let untouched = r#"{ "b": 1, "a": "2" }"#;
    assert_eq!(scrub.json(untouched.to_owned()), untouched);
    assert_eq!(scrub.json("not JSON: hunter2".to_owned()), "not JSON: [secret]");
}

#[test]
fn there_is_a_limit_to_what_is_looked_for() {
    let secrets: Vec<_> = (0..100_000).map(|number| format!("secret number {number}")).collect();
    let forms = forms::of(&secrets);
    assert!(forms.len() < 5000, "{}", forms.len());
}
