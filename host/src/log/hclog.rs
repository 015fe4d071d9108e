//! A log line as hclog writes it, valid for any input.
//!
//! Grafana's reader assumes that `@level`, `@message` and `@timestamp` are strings, requires exactly six digits of
//! fractional seconds, and cuts lines at 64 KiB.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::time::SystemTime;

use time::OffsetDateTime;

use super::value::{Level, Value};

/// The length of a line with its newline, as `log.wit` promises.
pub(super) const MAX_LINE: usize = 60 * 1024;

/// The length of a message as JSON, as `log.wit` promises.
pub(crate) const MAX_MESSAGE: usize = 8192;

/// The length of a field's name as JSON. Names are words, not data.
pub(crate) const MAX_KEY: usize = 256;

/// The length of a field's value as JSON: three of the longest fit into a line.
pub(crate) const MAX_VALUE: usize = 16 * 1024;

/// The number of fields in a line. Each name is compared with those before it.
pub(crate) const MAX_FIELDS: usize = 64;

/// How many fields the lines of a call have.
const USUAL_FIELDS: usize = 16;

/// Replaces what was cut off.
const CUT: &str = "…";

/// Marks a line that lost fields.
const MARK: &str = r#","_truncated":true"#;

/// Space reserved for the mark and the end of the line.
const RESERVED: usize = MARK.len() + "}\n".len();

/// The fields come in order of precedence: a field is renamed if its name is taken or looks like one of hclog's own.
pub(super) fn line<'a>(
    level: Level,
    message: &str,
    at: SystemTime,
    fields: impl Iterator<Item = (&'a str, &'a Value)>,
) -> String {
    let mut out = String::with_capacity(256);
    out.push_str(r#"{"@level":""#);
    out.push_str(level.as_str());
    out.push_str(r#"","@message":"#);
    text(&mut out, message, MAX_MESSAGE);
    out.push_str(r#","@timestamp":""#);
    timestamp(&mut out, at);
    out.push('"');

    let mut names = Vec::with_capacity(USUAL_FIELDS);
    for (key, value) in fields {
        let start = out.len();
        let name = name(key, &names);
        out.push_str(",\"");
        out.push_str(&name);
        out.push_str("\":");
        put(&mut out, value, MAX_VALUE);
        names.push(name);
        if out.len() + RESERVED > MAX_LINE || names.len() > MAX_FIELDS {
            out.truncate(start);
            out.push_str(MARK);
            break;
        }
    }
    out.push_str("}\n");
    out
}

/// Returns the key as JSON, without its quotes, different from hclog's own keys, from ours, and from those before it.
fn name<'a>(key: &'a str, taken: &[Cow<'_, str>]) -> Cow<'a, str> {
    let is_taken = |name: &str| taken.iter().any(|taken| taken == name);
    let reserved = key.starts_with('@') || key.is_empty() || key == "_truncated";
    if !reserved && is_plain(key, MAX_KEY) && !is_taken(key) {
        return Cow::Borrowed(key);
    }
    let mut key = if reserved { format!("_{key}") } else { key.to_owned() };
    loop {
        let mut quoted = String::with_capacity(key.len() + 2);
        text(&mut quoted, &key, MAX_KEY);
        let name = quoted.strip_prefix('"').and_then(|name| name.strip_suffix('"')).unwrap_or_default();
        if !is_taken(name) {
            return Cow::Owned(name.to_owned());
        }
        key.insert(0, '_');
    }
}

/// Appends a complete JSON value of at most about `max` bytes.
fn put(out: &mut String, value: &Value, max: usize) {
    // Writing to a string cannot fail.
    let _ = match value {
        Value::Text(value) => {
            text(out, value, max);
            Ok(())
        }
        Value::Int(value) => write!(out, "{value}"),
        Value::Uint(value) => write!(out, "{value}"),
        Value::Bool(value) => write!(out, "{value}"),
        Value::Float(value) if value.is_finite() => write!(out, "{value:?}"),
        // JSON has no NaN or infinity.
        Value::Float(value) => write!(out, "\"{value}\""),
        Value::List(values) => {
            list(out, values, max);
            Ok(())
        }
    };
}

fn list(out: &mut String, values: &[Value], max: usize) {
    let end = out.len() + max;
    out.push('[');
    for (index, value) in values.iter().enumerate() {
        if index > 0 {
            out.push(',');
        }
        let room = end.saturating_sub(out.len());
        if room == 0 {
            text(out, CUT, CUT.len() + 2);
            break;
        }
        put(out, value, room);
    }
    out.push(']');
}

/// Appends a JSON string of at most `max` bytes, including quotes and mark.
fn text(out: &mut String, value: &str, max: usize) {
    if is_plain(value, max) {
        out.push('"');
        out.push_str(value);
        out.push('"');
        return;
    }
    let start = out.len();
    let limit = start + max.saturating_sub(1);
    // Where the text ends if it has to be cut.
    let mut cut = start + 1;
    out.push('"');
    for char in value.chars() {
        escape(out, char);
        if out.len() > limit {
            out.truncate(cut);
            out.push_str(CUT);
            break;
        }
        if out.len() + CUT.len() <= limit {
            cut = out.len();
        }
    }
    out.push('"');
}

/// Whether a text is the same in JSON, and fits with its quotes. Most are.
fn is_plain(value: &str, max: usize) -> bool {
    let is_plain = |byte| matches!(byte, b' '..=b'~') && byte != b'"' && byte != b'\\';
    value.len() + 2 <= max && value.bytes().all(is_plain)
}

fn escape(out: &mut String, char: char) {
    match char {
        '"' => out.push_str("\\\""),
        '\\' => out.push_str("\\\\"),
        '\n' => out.push_str("\\n"),
        '\r' => out.push_str("\\r"),
        '\t' => out.push_str("\\t"),
        // Some readers also end a line at these, or pass them on to a terminal.
        '\0'..=' ' | '\u{7f}'..='\u{9f}' | '\u{2028}' | '\u{2029}' if char != ' ' => {
            let _ = write!(out, "\\u{:04x}", u32::from(char));
        }
        _ => out.push(char),
    }
}

/// `2026-08-21T10:11:12.000013Z`, in UTC.
fn timestamp(out: &mut String, at: SystemTime) {
    let at = OffsetDateTime::from(at);
    let (date, time) = (at.date(), at.time());
    let _ = write!(
        out,
        "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:06}Z",
        date.year(),
        u8::from(date.month()),
        date.day(),
        time.hour(),
        time.minute(),
        time.second(),
        time.microsecond()
    );
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn at(nanos: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_nanos(nanos)
    }

    fn write(message: &str, fields: &[(&str, Value)]) -> (String, serde_json::Value) {
        let fields = fields.iter().map(|(key, value)| (*key, value));
        let line = line(Level::Info, message, at(0), fields);
        assert!(line.len() <= MAX_LINE, "{}", line.len());
        assert_eq!(line.matches('\n').count(), 1);
        let json = serde_json::from_str(&line).unwrap();
        (line, json)
    }

    #[test]
    fn a_line_looks_like_hclogs() {
        let line = line(Level::Warn, "hello", at(1_787_307_072_000_013_999), std::iter::empty());
        assert_eq!(
            line,
            "{\"@level\":\"warn\",\"@message\":\"hello\",\"@timestamp\":\"2026-08-21T10:11:12.000013Z\"}\n"
        );
    }

    #[test]
    fn values_keep_their_types() {
        let (_, json) = write(
            "",
            &[
                ("text", "a".into()),
                ("int", (-1).into()),
                ("uint", u64::MAX.into()),
                ("float", 1.5.into()),
                ("whole", 2.0.into()),
                ("bool", true.into()),
                ("list", vec!["a", "b"].into()),
                ("empty", Value::List(vec![])),
                ("took", Duration::from_micros(1_500).into()),
            ],
        );
        assert_eq!(json["text"], "a");
        assert_eq!(json["int"], -1);
        assert_eq!(json["uint"], u64::MAX);
        assert_eq!(json["float"], 1.5);
        assert_eq!(json["whole"], 2.0);
        assert_eq!(json["bool"], true);
        assert_eq!(json["list"], serde_json::json!(["a", "b"]));
        assert_eq!(json["empty"], serde_json::json!([]));
        assert_eq!(json["took"], "1.5ms");
    }

    #[test]
    fn numbers_that_json_lacks_become_text() {
        let (_, json) = write("", &[("nan", f64::NAN.into()), ("inf", f64::NEG_INFINITY.into())]);
        assert_eq!((json["nan"].as_str(), json["inf"].as_str()), (Some("NaN"), Some("-inf")));
    }

    #[test]
    fn nothing_breaks_the_line() {
        let nasty = "a\nb\r\t\"\\\0\u{1b}[31m\u{2028}\u{85}é";
        let (_, json) = write(nasty, &[(nasty, nasty.into())]);
        assert_eq!(json["@message"], nasty);
        assert_eq!(json[nasty], nasty);
    }

    #[test]
    fn hclogs_own_keys_cannot_be_replaced() {
        let fields =
            [("@level", "error".into()), ("@message", 1.into()), ("@message", 2.into()), ("", 3.into())];
        let (_, json) = write("true", &fields);
        assert_eq!((json["@level"].as_str(), json["@message"].as_str()), (Some("info"), Some("true")));
        assert_eq!((&json["_@level"], &json["_@message"]), (&"error".into(), &1.into()));
        assert_eq!((&json["__@message"], &json["_"]), (&2.into(), &3.into()));
    }

    #[test]
    fn long_text_is_cut_between_characters_and_marked() {
        for char in ["a", "é", "€", "😀", "\n"] {
            let (_, json) = write(&char.repeat(MAX_LINE), &[("value", char.repeat(MAX_LINE).into())]);
            for (key, max) in [("@message", MAX_MESSAGE), ("value", MAX_VALUE)] {
                let text = json[key].as_str().unwrap();
                let size = serde_json::to_string(text).unwrap().len();
                assert!((max - 16..=max).contains(&size), "{size}");
                assert!(text.ends_with(CUT) && text.trim_end_matches(CUT).replace(char, "").is_empty());
            }
        }
    }

    #[test]
    fn text_that_just_fits_is_not_cut() {
        for length in MAX_MESSAGE - 6..=MAX_MESSAGE {
            let (_, json) = write(&"a".repeat(length), &[]);
            let fits = length + 2 <= MAX_MESSAGE;
            assert_eq!(json["@message"].as_str().unwrap().ends_with(CUT), !fits, "{length}");
        }
    }

    #[test]
    fn fields_are_dropped_before_a_line_gets_too_long() {
        let large: Value = "x".repeat(MAX_VALUE).into();
        let fields: Vec<_> = ["a", "b", "c", "d", "e"].iter().map(|key| (*key, large.clone())).collect();
        let (_, json) = write("", &fields);
        assert_eq!(json["_truncated"], true);
        assert!(json.get("c").is_some() && json.get("d").is_none());
    }

    #[test]
    fn a_line_has_a_limited_number_of_fields() {
        let names: Vec<_> = (0..1000).map(|number| format!("field{number}")).collect();
        let fields: Vec<_> = names.iter().map(|name| (name.as_str(), Value::Bool(true))).collect();
        let (_, json) = write("", &fields);
        assert_eq!(json.as_object().unwrap().len(), 3 + MAX_FIELDS + 1);
        let same: Vec<_> = names.iter().map(|_| ("same", Value::Bool(true))).collect();
        write("", &same);
    }

    #[test]
    fn a_long_list_is_cut_and_is_still_valid_json() {
        let (_, json) = write("", &[("list", vec![7; MAX_LINE].into())]);
        assert_eq!(json["list"].as_array().unwrap().last().unwrap(), CUT);
        let nested = Value::List(vec![vec!["a".repeat(MAX_LINE); 3].into(); 3]);
        write("", &[("nested", nested)]);
    }
}
