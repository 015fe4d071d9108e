//! The forms of a secret that are looked for: what it says, parts of it that say it too, and its encodings in base64.
//! Escaped and percent-encoded text is decoded before it is searched, so these encodings are no forms of their own.

use std::collections::HashSet;

use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD, BASE64_STANDARD_NO_PAD};

/// How long a form must be, in bytes. A shorter one occurs in too many ordinary words.
pub(super) const SHORTEST: usize = 4;

/// How long a form may be, in bytes. A longer text is several forms.
const LONGEST: usize = 1024;

/// How many forms are looked for. Twenty keys with certificates have fewer; each takes about 300 bytes.
const MAX_FORMS: usize = 4096;

/// How long the word may be that comes before a token, such as `Bearer`, in bytes.
const MAX_SCHEME: usize = 16;

/// Bytes to look for.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct SecretForm {
    pub(super) bytes: Vec<u8>,
    /// The digits before and after this one contain bits of the secret, too: they are replaced with it.
    pub(super) shared: SharedDigits,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct SharedDigits {
    pub(super) before: bool,
    pub(super) after: bool,
}

/// Returns all forms of the secrets. If there are too many, encodings are missing first, and those of the longest secrets
/// first of all: these are certificates.
pub(super) fn of(secrets: &[String]) -> Vec<SecretForm> {
    let mut secrets: Vec<_> = secrets.iter().map(String::as_str).collect();
    secrets.sort_by_key(|secret| secret.len());
    let mut seen = HashSet::new();
    let mut plain: Vec<Vec<u8>> = Vec::new();
    for secret in secrets {
        for text in texts(secret) {
            for piece in text.as_bytes().chunks(LONGEST) {
                if piece.len() >= SHORTEST && seen.insert(piece.to_vec()) {
                    plain.push(piece.to_vec());
                }
            }
        }
    }
    let encoded: Vec<_> = plain.iter().flat_map(|piece| base64(piece)).collect();
    let plain = plain.into_iter().map(|bytes| SecretForm { bytes, shared: SharedDigits::default() });
    plain.chain(encoded).take(MAX_FORMS).collect()
}

/// Returns the texts that reveal a secret: itself, each of its lines, and what follows the first word of a header such as
/// `Bearer …`.
fn texts(secret: &str) -> Vec<String> {
    let secret = secret.trim();
    let mut texts: Vec<String> = Vec::new();
    // The host prints line by line. Line ends may be escaped, as in the JSON of a service account.
    let lines: Vec<_> = secret.split(['\n', '\r']).flat_map(|line| line.split("\\n")).collect();
    if lines.len() > 1 {
        let is_label = |line: &str| line.trim().starts_with("-----");
        texts.extend(lines.iter().filter(|line| !is_label(line)).map(|line| line.trim().to_owned()));
        if lines.iter().any(|line| is_label(line)) {
            return texts;
        }
    }
    texts.push(secret.to_owned());
    if let Some((scheme, rest)) = secret.split_once(' ')
        && scheme.len() <= MAX_SCHEME
    {
        let rest = rest.trim();
        texts.push(rest.to_owned());
        if scheme.eq_ignore_ascii_case("basic")
            && let Ok(decoded) = BASE64_STANDARD.decode(rest)
            && let Ok(decoded) = String::from_utf8(decoded)
        {
            texts.extend(decoded.split_once(':').map(|(_, password)| password.to_owned()));
            texts.push(decoded);
        }
    }
    // In a form, a space is a plus.
    let spaced: Vec<_> = texts.iter().filter(|text| text.contains(' ')).collect();
    let joined: Vec<_> = spaced.into_iter().map(|text| text.replace(' ', "+")).collect();
    texts.extend(joined);
    texts
}

/// Returns the digits in base64 that a text has wherever it begins within an encoded text, in both alphabets.
fn base64(text: &[u8]) -> Vec<SecretForm> {
    let mut forms = Vec::new();
    for (before, skipped) in [(0, 0), (1, 2), (2, 3)] {
        let mut padded = vec![0; before];
        padded.extend_from_slice(text);
        let digits = BASE64_STANDARD_NO_PAD.encode(&padded);
        let whole = padded.len() * 8 / 6;
        let shared = SharedDigits { before: before > 0, after: padded.len() % 3 != 0 };
        let digits = digits.get(skipped..whole).unwrap_or_default();
        if digits.len() < SHORTEST {
            continue;
        }
        let for_urls = digits.replace('+', "-").replace('/', "_");
        if for_urls != digits {
            forms.push(SecretForm { bytes: for_urls.into_bytes(), shared });
        }
        forms.push(SecretForm { bytes: digits.as_bytes().to_vec(), shared });
    }
    forms
}
