//! A line of a plugin's log, parsed as strictly as go-plugin parses it: if `@level`, `@message` or `@timestamp` of a line
//! is not a string, a goroutine of Grafana panics, and a timestamp is not parsed unless it has exactly six fractional
//! digits.

use serde_json::{Map, Value};

/// The size of go-plugin's buffer: a longer line is split and is then no longer JSON.
const LONGEST_LINE: usize = 64 * 1024;

#[derive(Clone, Debug)]
pub struct Line {
    pub level: String,
    pub message: String,
    pub timestamp: String,
    /// All other keys.
    pub fields: Map<String, Value>,
}

// === impl Line ===

impl Line {
    pub fn parse(text: &str) -> Result<Self, String> {
        let explain = |what: &str| format!("{what}: {text}");
        if text.len() >= LONGEST_LINE {
            return Err(format!("a log line of {} bytes", text.len()));
        }
        let Ok(Value::Object(mut fields)) = serde_json::from_str(text) else {
            return Err(explain("a log line is not a JSON object"));
        };
        let mut take = |key: &str| match fields.remove(key) {
            Some(Value::String(text)) => Ok(text),
            _ => Err(explain(&format!("{key} of a log line is not a string"))),
        };
        let (level, message, timestamp) = (take("@level")?, take("@message")?, take("@timestamp")?);
        if !["trace", "debug", "info", "warn", "error"].contains(&level.as_str()) {
            return Err(explain("unknown @level"));
        }
        if !is_timestamp(&timestamp) {
            return Err(explain("@timestamp does not have hclog's format"));
        }
        Ok(Self { level, message, timestamp, fields })
    }

    /// Returns a field as text, or an empty string if there is none.
    pub fn text(&self, key: &str) -> &str {
        self.fields.get(key).and_then(Value::as_str).unwrap_or_default()
    }
}

impl std::fmt::Display for Line {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:5} {}", self.level, self.message)?;
        for (key, value) in &self.fields {
            match value {
                Value::String(text) => write!(f, "  {key}={text}")?,
                other => write!(f, "  {key}={other}")?,
            }
        }
        Ok(())
    }
}

/// `2026-01-31T23:59:59.123456` and then `Z` or `+01:00`.
fn is_timestamp(text: &str) -> bool {
    let shape: String = text.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect();
    match shape.strip_prefix("0000-00-00T00:00:00.000000") {
        Some(zone) => ["Z", "+00:00", "-00:00"].contains(&zone),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accepts_what_hclog_writes() {
        let line = Line::parse(
            r#"{"@level":"debug","@message":"hi","@timestamp":"2026-02-03T04:05:06.000007+02:00","n":1}"#,
        )
        .unwrap();
        assert_eq!((line.level.as_str(), line.message.as_str()), ("debug", "hi"));
        assert_eq!(line.fields.get("n"), Some(&Value::from(1)));
    }

    #[test]
    fn refuses_lines_that_grafana_cannot_parse() {
        for text in [
            "plain text",
            r#"["@level"]"#,
            r#"{"@level":5,"@message":"","@timestamp":"2026-02-03T04:05:06.000007Z"}"#,
            r#"{"@level":"info","@timestamp":"2026-02-03T04:05:06.000007Z"}"#,
            r#"{"@level":"info","@message":"","@timestamp":"2026-02-03T04:05:06.000000007Z"}"#,
            r#"{"@level":"notice","@message":"","@timestamp":"2026-02-03T04:05:06.000007Z"}"#,
        ] {
            assert!(Line::parse(text).is_err(), "{text}");
        }
    }
}
