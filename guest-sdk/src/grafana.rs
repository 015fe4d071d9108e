//! What Grafana says of its own configuration with each call, read as the Go SDK reads it.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::{Fault, Result};

/// Grafana's configuration, as far as a plugin may know it. Each method says what it is if Grafana does not send it, as older
/// versions do.
#[derive(Clone, Debug, Default)]
pub struct GrafanaConfig(BTreeMap<String, String>);

/// What SQL data sources are to use unless their own settings say otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SqlConfig {
    pub row_limit: i64,
    pub max_open_conns: i64,
    pub max_idle_conns: i64,
    pub max_conn_lifetime_seconds: i64,
}

/// Where and how feature flags are evaluated (OpenFeature). As the targeting key, use the namespace of the call's context, or
/// `namespace` of this one's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenFeature {
    /// Such as `static`, `features-service` or `ofrep`. Others may come.
    pub provider_type: String,
    /// The URL to which a client adds `/ofrep/v1/evaluate/flags`.
    pub url: String,
    /// For how long to keep what was evaluated. `None`: Grafana gives no advice.
    pub cache_ttl: Option<Duration>,
    /// Attributes to add to the evaluation's context, unchanged.
    pub context: BTreeMap<String, String>,
}

const TOGGLES: &str = "GF_INSTANCE_FEATURE_TOGGLES_ENABLE";
const FLAGS_URL: &str = "GF_INSTANCE_OPENFEATURE_PROVIDER_URL";
const FLAGS_TYPE: &str = "GF_INSTANCE_OPENFEATURE_PROVIDER_TYPE";
const FLAGS_TTL: &str = "GF_INSTANCE_OPENFEATURE_CACHE_TTL";
const FLAGS_CONTEXT: &str = "GF_INSTANCE_OPENFEATURE_CONTEXT";

/// The most seconds that Go's durations have.
const MAX_SECONDS: i64 = i64::MAX / 1_000_000_000;

// === impl GrafanaConfig ===

impl GrafanaConfig {
    /// Makes it of keys and values, for example in a test.
    pub fn new<K: Into<String>, V: Into<String>>(entries: impl IntoIterator<Item = (K, V)>) -> Self {
        Self(entries.into_iter().map(|(key, value)| (key.into(), value.into())).collect())
    }

    /// Returns a value as it was sent. Keys that bear credentials never reach a plugin.
    pub fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key).map(String::as_str)
    }

    /// Whether a feature toggle is enabled.
    pub fn is_enabled(&self, toggle: &str) -> bool {
        self.get(TOGGLES).is_some_and(|names| !names.is_empty() && names.split(',').any(|name| name == toggle))
    }

    /// The URL of Grafana itself.
    pub fn app_url(&self) -> Result<&str> {
        self.text("GF_APP_URL")
    }

    /// How many queries of a request to run at once. The host does that already.
    pub fn concurrent_query_count(&self) -> Result<i64> {
        self.number("GF_CONCURRENT_QUERY_COUNT")
    }

    /// What to show to users instead of the details of an error.
    pub fn user_facing_default_error(&self) -> Result<&str> {
        self.text("GF_USER_FACING_DEFAULT_ERROR")
    }

    /// All four of its values must be there.
    pub fn sql(&self) -> Result<SqlConfig> {
        Ok(SqlConfig {
            max_open_conns: self.number("GF_SQL_MAX_OPEN_CONNS_DEFAULT")?,
            max_idle_conns: self.number("GF_SQL_MAX_IDLE_CONNS_DEFAULT")?,
            max_conn_lifetime_seconds: self.number("GF_SQL_MAX_CONN_LIFETIME_SECONDS_DEFAULT")?,
            row_limit: self.number("GF_SQL_ROW_LIMIT")?,
        })
    }

    /// The most bytes of an upstream's response. 0, no limit, also if the value is missing or not a number.
    pub fn response_limit(&self) -> i64 {
        self.number("GF_RESPONSE_LIMIT").unwrap_or_default()
    }

    /// Where feature flags are evaluated. `None` if Grafana does not say so; an error if what it says is not complete or
    /// cannot be read.
    pub fn open_feature(&self) -> Result<Option<OpenFeature>> {
        let set = |key| self.get(key).filter(|value| !value.is_empty());
        let Some(url) = set(FLAGS_URL) else { return Ok(None) };
        let provider_type = set(FLAGS_TYPE)
            .ok_or_else(|| Fault::plugin(format_args!("{FLAGS_TYPE} is empty or not set although {FLAGS_URL} is set")))?;
        let cache_ttl = set(FLAGS_TTL).map(seconds).transpose()?.filter(|ttl| !ttl.is_zero());
        Ok(Some(OpenFeature {
            provider_type: provider_type.to_owned(),
            url: url.to_owned(),
            cache_ttl,
            context: set(FLAGS_CONTEXT).map(attributes).transpose()?.unwrap_or_default(),
        }))
    }

    fn text(&self, key: &str) -> Result<&str> {
        let missing = || {
            Fault::plugin(format_args!("Grafana does not send {key}; a newer version of it may be required"))
        };
        self.get(key).ok_or_else(missing)
    }

    fn number(&self, key: &str) -> Result<i64> {
        let text = self.text(key)?;
        text.parse().map_err(|_| Fault::plugin(format_args!("Grafana's {key} is not a whole number")))
    }
}

fn seconds(text: &str) -> Result<Duration> {
    let seconds: Option<i64> = text.parse().ok();
    let seconds = seconds.filter(|seconds| (0..=MAX_SECONDS).contains(seconds));
    let seconds = seconds.and_then(|seconds| u64::try_from(seconds).ok()).ok_or_else(|| {
        Fault::plugin(format_args!("Grafana's {FLAGS_TTL} is not a whole number of seconds from 0 to {MAX_SECONDS}"))
    })?;
    Ok(Duration::from_secs(seconds))
}

/// As in Go, null is an empty object, or an empty string within it.
fn attributes(json: &str) -> Result<BTreeMap<String, String>> {
    let attributes: Option<BTreeMap<String, Option<String>>> = serde_json::from_str(json)
        .map_err(|error| Fault::plugin(format_args!("Grafana's {FLAGS_CONTEXT} is not a JSON object of strings: {error}")))?;
    Ok(attributes.unwrap_or_default().into_iter().map(|(key, value)| (key, value.unwrap_or_default())).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flags(more: &[(&str, &str)]) -> Result<Option<OpenFeature>> {
        let base = [(FLAGS_URL, "http://localhost:3000"), (FLAGS_TYPE, "ofrep")];
        GrafanaConfig::new(base.into_iter().chain(more.iter().copied())).open_feature()
    }

    #[test]
    fn numbers_are_those_of_go() {
        let count = |text: &str| GrafanaConfig::new([("GF_CONCURRENT_QUERY_COUNT", text)]).concurrent_query_count();
        for (text, number) in [("10", 10), ("+7", 7), ("-3", -3), ("007", 7)] {
            assert_eq!(count(text).unwrap(), number, "{text}");
        }
        for text in ["", " 10", "1.0", "1e3", "0x10", "1_000", "9223372036854775808"] {
            assert!(count(text).unwrap_err().message.contains("GF_CONCURRENT_QUERY_COUNT"), "{text}");
        }
        assert_eq!(GrafanaConfig::new([("GF_RESPONSE_LIMIT", "many")]).response_limit(), 0);
        assert_eq!(GrafanaConfig::new([("GF_RESPONSE_LIMIT", "5")]).response_limit(), 5);
        assert!(GrafanaConfig::new([("GF_SQL_ROW_LIMIT", "5")]).sql().is_err());
    }

    #[test]
    fn toggles_are_compared_as_they_are() {
        let toggles = |text: &str| GrafanaConfig::new([(TOGGLES, text)]);
        assert!(toggles("one,two").is_enabled("two") && toggles("one, two").is_enabled(" two"));
        assert!(!toggles("one,two").is_enabled("tw") && !toggles("").is_enabled("") && toggles("a,").is_enabled(""));
    }

    #[test]
    fn feature_flags_are_absent_complete_or_an_error() {
        for missing in [GrafanaConfig::default(), GrafanaConfig::new([(FLAGS_URL, ""), (FLAGS_TYPE, "ofrep")])] {
            assert_eq!(missing.open_feature().unwrap(), None);
        }
        assert!(GrafanaConfig::new([(FLAGS_URL, "u")]).open_feature().unwrap_err().message.contains(FLAGS_TYPE));
        for (text, ttl) in [("30", Some(30)), ("0", None), ("", None), ("9223372036", Some(9_223_372_036))] {
            let ttl = ttl.map(Duration::from_secs);
            assert_eq!(flags(&[(FLAGS_TTL, text)]).unwrap().unwrap().cache_ttl, ttl, "{text}");
        }
        for text in ["30s", "-1", "1.5", "9223372037", "x"] {
            assert!(flags(&[(FLAGS_TTL, text)]).is_err(), "{text}");
        }
        for (text, context) in [("{\"a\":\"b\"}", vec![("a", "b")]), ("null", vec![]), ("{\"a\":null}", vec![("a", "")])] {
            let context = context.into_iter().map(|(key, value)| (key.to_owned(), value.to_owned())).collect();
            assert_eq!(flags(&[(FLAGS_CONTEXT, text)]).unwrap().unwrap().context, context, "{text}");
        }
        for text in ["not-json", "{\"stackId\":123}", "[\"a\"]", "{} x"] {
            assert!(flags(&[(FLAGS_CONTEXT, text)]).is_err(), "{text}");
        }
    }
}
