//! What holds for any secret in any text.

use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE};
use percent_encoding::{NON_ALPHANUMERIC, percent_encode};

use super::scrub::Scrub;

const MARK: &str = "[secret]";

/// How a text may be written within another.
const ENCODINGS: [fn(&str) -> String; 8] = [
    str::to_owned,
    |text| percent_encode(text.as_bytes(), NON_ALPHANUMERIC).to_string(),
    |text| text.bytes().map(|byte| format!("%{byte:02x}")).collect(),
    |text| percent_encode(text.as_bytes(), NON_ALPHANUMERIC).to_string().replace("%20", "+"),
    in_json,
    |text| text.encode_utf16().map(|unit| format!("\\u{unit:04x}")).collect(),
    |text| in_json(&in_json(text)),
    |text| percent_encode(in_json(text).as_bytes(), NON_ALPHANUMERIC).to_string(),
];

/// However the secret is written, nothing is left of it, also where the text is cut.
pub(crate) fn secret(secret: &str, before: &str, after: &str) {
    let scrub = Scrub::new([secret]);
    let secret = secret.trim();
    let around = format!("{before}{after}");
    stays_text(&scrub, &around);
    // What is shorter is part of too many words; of a key, only the lines are secret.
    let is_line = secret.len() >= 4 && !secret.contains("-----") && !secret.contains(char::is_control);
    if !is_line {
        return;
    }
    for encode in ENCODINGS {
        let encoded = encode(secret);
        // What comes right before could change what an encoded secret means.
        let between = if encoded == secret { "" } else { " " };
        let text = format!("{before}{between}{encoded}{after}");
        assert!(scrub.is_in(&text), "{encoded:?} in {text:?}");
        let clean = scrub.text(text.clone());
        let left = clean.split(MARK).any(|part| part.contains(&encoded));
        assert!(!left, "{encoded:?} is in {clean:?}, which was {text:?}");
        shortened(&scrub, &text, &encoded);
    }
    for whole in [format!("{before}{secret}{after}"), secret.to_owned()] {
        for encoded in [BASE64_STANDARD.encode(&whole), BASE64_URL_SAFE.encode(&whole)] {
            assert!(scrub.is_in(&encoded), "{secret:?} in {encoded:?} of {whole:?}");
        }
    }
    document(&scrub, secret, before, after);
}

/// A text without secrets stays as it is.
fn stays_text(scrub: &Scrub, text: &str) {
    if !scrub.is_in(text) {
        assert_eq!(scrub.text(text.to_owned()), text);
        assert_eq!(scrub.shorten(text.to_owned(), text.len()), text);
    }
}

fn shortened(scrub: &Scrub, text: &str, secret: &str) {
    for bytes in [8, text.len() / 2, text.len().saturating_sub(1), text.len()] {
        let short = scrub.shorten(text.to_owned(), bytes);
        assert!(short.len() <= bytes.max('…'.len_utf8()), "{short:?} has more than {bytes} bytes");
        assert!(!short.split(MARK).any(|part| part.contains(secret)), "{secret:?} is in {short:?}");
    }
}

/// A document stays JSON.
fn document(scrub: &Scrub, secret: &str, before: &str, after: &str) {
    let document = serde_json::json!({ before: [secret, after], "number": 12_345_678 }).to_string();
    let clean = scrub.json(document.clone());
    let parsed = serde_json::from_str::<serde_json::Value>(&clean);
    let Ok(parsed) = parsed else { unreachable!("{document} becomes {clean}") };
    let items = parsed.as_object().into_iter().flatten().filter_map(|(_, value)| value.as_array());
    let texts = items.flatten().filter_map(|text| text.as_str());
    for text in texts {
        assert!(!text.split(MARK).any(|part| part.contains(secret)), "{secret:?} is in {clean}");
    }
}

fn in_json(text: &str) -> String {
    let quoted = serde_json::Value::from(text).to_string();
    quoted.get(1..quoted.len() - 1).unwrap_or_default().to_owned()
}
