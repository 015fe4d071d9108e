//! Segments of a path, encoded so that whatever a user types stays one segment and below the path that it is added to.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

/// What is percent-encoded in a segment, and in a query: all but RFC 3986's unreserved characters.
pub(super) const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// How often a text may be encoded. More is refused: it would have to be decoded to know what it means.
const MAX_ENCODED: usize = 8;

/// Returns a path with the segments after it. `path` ends with a slash or not. Fails with a sentence.
pub(super) fn append(path: &str, segments: impl IntoIterator<Item = String>) -> Result<String, String> {
    let mut path = path.strip_suffix('/').unwrap_or(path).to_owned();
    let mut count = 0;
    for segment in segments {
        if let Some(what) = fault(&segment) {
            return Err(format!("`{segment}` cannot be a segment of the path: {what}"));
        }
        path.push('/');
        path.extend(utf8_percent_encode(&segment, ESCAPED));
        count += 1;
    }
    if count == 0 {
        path.push('/');
    }
    Ok(path)
}

/// Servers decode a path before they take it apart, some more than once, and remove `..` afterwards. No encoding keeps
/// them from that.
fn fault(segment: &str) -> Option<&'static str> {
    if segment.is_empty() {
        return Some("it is empty");
    }
    let mut text = segment.to_owned();
    for _ in 0..MAX_ENCODED {
        let pieces = text.split(['/', '\\']).map(|piece| {
            let name = piece.split(';').next().unwrap_or_default();
            name.chars().filter(|character| !character.is_control() && *character != ' ').collect::<String>()
        });
        if pieces.into_iter().any(|piece| matches!(piece.as_str(), "." | "..")) {
            return Some("a server may take it for a step up");
        }
        let decoded = percent_decode_str(&text).decode_utf8_lossy().into_owned();
        if decoded == text {
            return None;
        }
        text = decoded;
    }
    Some("it is encoded too often")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn appended(path: &str, segments: &[&str]) -> Result<String, String> {
        append(path, segments.iter().map(|segment| (*segment).to_owned()))
    }

    #[test]
    fn each_stays_one_segment() {
        for (path, segments, whole) in [
            ("", &["api", "v1"][..], "/api/v1"),
            ("/", &["api"], "/api"),
            ("/base", &["api"], "/base/api"),
            ("/base/", &["api"], "/base/api"),
            ("/base/", &[], "/base/"),
            ("/a%20b", &["c d"], "/a%20b/c%20d"),
            ("/api", &["a/b"], "/api/a%2Fb"),
            ("/api", &["a\\b"], "/api/a%5Cb"),
            ("/api", &["a?b#c;d"], "/api/a%3Fb%23c%3Bd"),
            ("/api", &["50%"], "/api/50%25"),
            ("/api", &["a%2Fb"], "/api/a%252Fb"),
            ("/api", &["ü\0\r\n"], "/api/%C3%BC%00%0D%0A"),
            ("/api", &["http://other.example/"], "/api/http%3A%2F%2Fother.example%2F"),
            ("/api", &["...", "..a", "a.."], "/api/.../..a/a.."),
        ] {
            assert_eq!(appended(path, segments).as_deref(), Ok(whole), "{segments:?}");
        }
    }

    #[test]
    fn none_climbs() {
        for segment in [
            "",
            ".",
            "..",
            "../admin",
            "a/../../b",
            "a/..",
            "..\\admin",
            "%2e%2e",
            "%2e%2e%2fadmin",
            "%252e%252e",
            "..;",
            "..;x/y",
            ".\0.",
            ".. ",
            "a/./b",
        ] {
            let error = appended("/api", &["x", segment]).unwrap_err();
            assert!(error.starts_with(&format!("`{segment}` cannot be a segment of the path: ")), "{error}");
        }
        let mut often = "..".to_owned();
        for _ in 0..20 {
            often = often.replace('%', "%25").replace('.', "%2e");
        }
        assert!(appended("", &[&often]).is_err());
    }
}
