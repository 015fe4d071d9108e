//! What Grafana says of itself with each call, read as the accessors of its Go SDK read it.

use std::collections::{BTreeMap, HashMap};

use thiserror::Error;

use crate::capability::bindings::gpx::plugin::call::{
    FlagAttribute, Grafana, GrafanaConfig, OpenFeature, SqlConfig,
};
use crate::config::APP_URL;

/// A value that Grafana sends in another form than it should have.
#[derive(Debug, Error, PartialEq, Eq)]
#[error(
    "Grafana's {key} {fault}, so the component is told that there is none; look for an update of Grafana"
)]
pub(super) struct Unreadable {
    key: &'static str,
    fault: &'static str,
}

const TOGGLES: &str = "GF_INSTANCE_FEATURE_TOGGLES_ENABLE";
const FLAGS_URL: &str = "GF_INSTANCE_OPENFEATURE_PROVIDER_URL";
const FLAGS_TYPE: &str = "GF_INSTANCE_OPENFEATURE_PROVIDER_TYPE";
const FLAGS_TTL: &str = "GF_INSTANCE_OPENFEATURE_CACHE_TTL";
const FLAGS_CONTEXT: &str = "GF_INSTANCE_OPENFEATURE_CONTEXT";

const SECOND: u64 = 1_000_000_000;

/// The most seconds that Go's durations have.
const MAX_SECONDS: u64 = i64::MAX.unsigned_abs() / SECOND;

/// Returns what a component is told of Grafana's configuration, and what is left out because it cannot be read. Only these
/// keys are read: others are for the host, and some bear credentials.
pub(super) fn config(sent: &HashMap<String, String>) -> (GrafanaConfig, Vec<Unreadable>) {
    let mut reader = Reader { sent, unreadable: Vec::new() };
    let config = GrafanaConfig {
        app_url: reader.text(APP_URL).map(str::to_owned),
        concurrent_query_count: reader.number("GF_CONCURRENT_QUERY_COUNT"),
        user_facing_default_error: reader.text("GF_USER_FACING_DEFAULT_ERROR").map(str::to_owned),
        sql: reader.sql(),
        response_limit: reader.number("GF_RESPONSE_LIMIT"),
        live_client_queue_max_size: reader.number("GF_LIVE_CLIENT_QUEUE_MAX_SIZE"),
        open_feature: reader.open_feature(),
    };
    (config, reader.unreadable)
}

/// Returns the names of the enabled feature toggles, which are not trimmed.
pub(super) fn toggles(sent: &HashMap<String, String>) -> Vec<String> {
    let names = sent.get(TOGGLES).filter(|names| !names.is_empty());
    names.map(|names| names.split(',').map(str::to_owned).collect()).unwrap_or_default()
}

/// Reads, for example, `Grafana/12.4.0 (linux; amd64)`.
pub(super) fn named(user_agent: &str) -> Option<Grafana> {
    let (version, rest) = user_agent.strip_prefix("Grafana/")?.split_once(" (")?;
    let (os, arch) = rest.strip_suffix(')')?.split_once("; ")?;
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let mut numbers = version.splitn(3, '.');
    let is_version = is_number(numbers.next()?)
        && is_number(numbers.next()?)
        && numbers.next()?.starts_with(|first: char| first.is_ascii_digit())
        // What Go's regular expressions call white space.
        && !version.contains([' ', '\t', '\n', '\u{c}', '\r']);
    let is_word = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric());
    (is_version && is_word(os) && is_word(arch)).then(|| Grafana {
        version: version.to_owned(),
        os: os.to_owned(),
        arch: arch.to_owned(),
    })
}

struct Reader<'a> {
    sent: &'a HashMap<String, String>,
    unreadable: Vec<Unreadable>,
}

// === impl Reader ===

impl<'a> Reader<'a> {
    fn text(&self, key: &str) -> Option<&'a str> {
        self.sent.get(key).map(String::as_str).filter(|text| !text.is_empty())
    }

    fn number(&mut self, key: &'static str) -> Option<i64> {
        let text = self.sent.get(key)?;
        self.readable(key, "is not a whole number", text.parse().ok())
    }

    fn sql(&mut self) -> Option<SqlConfig> {
        let row_limit = self.number("GF_SQL_ROW_LIMIT");
        let max_open_conns = self.number("GF_SQL_MAX_OPEN_CONNS_DEFAULT");
        let max_idle_conns = self.number("GF_SQL_MAX_IDLE_CONNS_DEFAULT");
        let max_conn_lifetime_seconds = self.number("GF_SQL_MAX_CONN_LIFETIME_SECONDS_DEFAULT");
        Some(SqlConfig {
            row_limit: row_limit?,
            max_open_conns: max_open_conns?,
            max_idle_conns: max_idle_conns?,
            max_conn_lifetime_seconds: max_conn_lifetime_seconds?,
        })
    }

    fn open_feature(&mut self) -> Option<OpenFeature> {
        let url = self.text(FLAGS_URL)?;
        let provider_type = self.readable(FLAGS_TYPE, "is missing", self.text(FLAGS_TYPE))?;
        let cache_ttl = match self.text(FLAGS_TTL) {
            Some(text) => self.readable(FLAGS_TTL, "is not a number of seconds", nanoseconds(text))?,
            None => 0,
        };
        let attributes = match self.text(FLAGS_CONTEXT) {
            Some(text) => self.readable(FLAGS_CONTEXT, "is not a JSON object of texts", attributes(text))?,
            None => Vec::new(),
        };
        Some(OpenFeature {
            provider_type: provider_type.to_owned(),
            url: url.to_owned(),
            cache_ttl: Some(cache_ttl).filter(|ttl| *ttl > 0),
            attributes,
        })
    }

    /// Notes what cannot be read.
    fn readable<T>(&mut self, key: &'static str, fault: &'static str, value: Option<T>) -> Option<T> {
        if value.is_none() {
            self.unreadable.push(Unreadable { key, fault });
        }
        value
    }
}

/// A sign may stand before the number, as in Go.
fn nanoseconds(seconds: &str) -> Option<u64> {
    let seconds: i64 = seconds.parse().ok()?;
    let seconds = u64::try_from(seconds).ok().filter(|seconds| *seconds <= MAX_SECONDS)?;
    seconds.checked_mul(SECOND)
}

/// In Go, null is an empty object, and an empty text within it.
fn attributes(json: &str) -> Option<Vec<FlagAttribute>> {
    let attributes: Option<BTreeMap<String, Option<String>>> = serde_json::from_str(json).ok()?;
    let attribute =
        |(name, value): (String, Option<String>)| FlagAttribute { name, value: value.unwrap_or_default() };
    Some(attributes.unwrap_or_default().into_iter().map(attribute).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pairs: &[(&str, &str)]) -> (GrafanaConfig, Vec<&'static str>) {
        let sent = pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        let (config, unreadable) = config(&sent);
        (config, unreadable.iter().map(|problem| problem.key).collect())
    }

    fn flags(more: &[(&str, &str)]) -> (Option<OpenFeature>, Vec<&'static str>) {
        let (config, unreadable) =
            read(&[&[(FLAGS_URL, "http://localhost:3000"), (FLAGS_TYPE, "ofrep")], more].concat());
        (config.open_feature, unreadable)
    }

    #[test]
    fn numbers_are_those_of_go() {
        let key = "GF_CONCURRENT_QUERY_COUNT";
        for (text, number) in
            [("10", 10), ("+7", 7), ("-3", -3), ("007", 7), ("9223372036854775807", i64::MAX)]
        {
            let (config, unreadable) = read(&[(key, text)]);
            assert_eq!((config.concurrent_query_count, unreadable), (Some(number), vec![]), "{text}");
        }
        for text in ["", " 10", "1.0", "1e3", "0x10", "1_000", "9223372036854775808"] {
            let (config, unreadable) = read(&[(key, text)]);
            assert_eq!((config.concurrent_query_count, unreadable), (None, vec![key]), "{text}");
        }
    }

    #[test]
    fn what_is_not_sent_is_absent() {
        let (config, unreadable) = read(&[("GF_APP_URL", ""), (FLAGS_URL, "")]);
        assert_eq!(unreadable, [""; 0]);
        assert!(config.app_url.is_none() && config.open_feature.is_none() && config.response_limit.is_none());
        let some = [("GF_SQL_ROW_LIMIT", "1"), ("GF_SQL_MAX_OPEN_CONNS_DEFAULT", "2")];
        assert!(read(&some).0.sql.is_none());
    }

    #[test]
    fn feature_flags_are_absent_or_complete() {
        assert_eq!(read(&[(FLAGS_URL, "u")]).1, [FLAGS_TYPE]);
        for (text, ttl) in
            [("30", Some(30)), ("0", None), ("", None), ("-0", None), ("+9223372036", Some(9_223_372_036))]
        {
            let (found, unreadable) = flags(&[(FLAGS_TTL, text)]);
            assert_eq!(
                (found.unwrap().cache_ttl, unreadable),
                (ttl.map(|ttl: u64| ttl * SECOND), vec![]),
                "{text}"
            );
        }
        for text in ["30s", "-1", "1.5", "9223372037", "x"] {
            let (found, unreadable) = flags(&[(FLAGS_TTL, text)]);
            assert!(found.is_none() && unreadable == [FLAGS_TTL], "{text}");
        }
        for (text, attributes) in [
            (r#"{"slug":"b","a":"c"}"#, vec![("a", "c"), ("slug", "b")]),
            (r#"{"a":null}"#, vec![("a", "")]),
            ("null", vec![]),
            ("", vec![]),
        ] {
            let found = flags(&[(FLAGS_CONTEXT, text)]).0.unwrap().attributes;
            let found: Vec<_> =
                found.iter().map(|attribute| (attribute.name.as_str(), attribute.value.as_str())).collect();
            assert_eq!(found, attributes, "{text}");
        }
        for text in ["not-json", r#"{"stackId":123}"#, r#"["a"]"#, "{} x"] {
            let (found, unreadable) = flags(&[(FLAGS_CONTEXT, text)]);
            assert!(found.is_none() && unreadable == [FLAGS_CONTEXT], "{text}");
        }
    }

    #[test]
    fn toggles_are_not_trimmed() {
        let names = |text: &str| toggles(&HashMap::from([(TOGGLES.to_owned(), text.to_owned())]));
        assert_eq!(names("one, two"), ["one", " two"]);
        assert_eq!(names(""), [""; 0]);
        assert_eq!(toggles(&HashMap::new()), [""; 0]);
    }

    #[test]
    fn grafana_is_in_the_user_agent() {
        for (text, version) in [
            ("Grafana/12.4.0 (linux; amd64)", Some("12.4.0")),
            ("Grafana/7.0.0-beta1 (darwin; amd64)", Some("7.0.0-beta1")),
            ("Grafana/13.2.0-1234pre+security-01 (windows; x86)", Some("13.2.0-1234pre+security-01")),
            ("Grafana/12.4 (linux; amd64)", None),
            ("Grafana/12.4.x (linux; amd64)", None),
            ("Grafana/12..0 (linux; amd64)", None),
            ("Grafana/12.4.0 x (linux; amd64)", None),
            ("Grafana/12.4.0 (linux)", None),
            ("Grafana/12.4.0 (linux; amd64) more", None),
            ("Grafana/12.4.0 (lin ux; amd64)", None),
            ("Grafana/12.4.0", None),
            ("curl/8", None),
            ("", None),
        ] {
            assert_eq!(named(text).map(|grafana| grafana.version).as_deref(), version, "{text}");
        }
        let found = named("Grafana/10.0.0 (windows; x86)").unwrap();
        assert_eq!((found.os.as_str(), found.arch.as_str()), ("windows", "x86"));
    }
}
