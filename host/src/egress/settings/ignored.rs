//! The keys of `jsonData` that Grafana's settings for HTTP have and the host does not follow, with what to do instead.

use serde_json::{Map, Value};

use super::custom_headers;
use crate::text::{MAX_LISTED, listed};

/// What the host does not follow, and why.
struct IgnoredKeys {
    keys: &'static [&'static str],
    remedy: &'static str,
}

const IGNORED: [IgnoredKeys; 1] = [IgnoredKeys {
    keys: &["azureAuth", "azureAuthType", "azureCredentials"],
    remedy: "the host does not sign in to Azure; the component must, with secrets that its manifest names",
}];

/// Returns the keys that are set and not followed, each with what to do instead.
pub(super) fn ignored(json: &Map<String, Value>) -> Vec<String> {
    let known = IGNORED.iter().flat_map(|group| group.keys.iter().map(|key| (*key, group.remedy)));
    let known = known.filter(|(key, _)| json.get(*key).is_some_and(is_set));
    let ours = json.keys().filter(|key| key.to_ascii_lowercase().starts_with("gpx_"));
    let ours =
        ours.map(|key| (key.as_str(), "the host's settings are the operator's; set it under [plugin.<id>]"));
    let headers = unused_headers(json);
    let headers = headers
        .iter()
        .map(|key| (key.as_str(), "the list of headers ends before it; number them from 1 without a gap"));
    let all = known.chain(ours).chain(headers).take(MAX_LISTED);
    all.map(|(key, remedy)| format!("{} ({remedy})", listed(key))).collect()
}

/// Whether a setting says something. A form in a browser also writes those that are switched off.
fn is_set(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Bool(on) => *on,
        Value::Number(number) => number.as_f64() != Some(0.0),
        Value::String(text) => !text.is_empty(),
        Value::Array(items) => !items.is_empty(),
        Value::Object(items) => !items.is_empty(),
    }
}

/// Returns `httpHeaderName3` and the like if one with a lower number is missing.
fn unused_headers(json: &Map<String, Value>) -> Vec<String> {
    let first_missing = custom_headers::names(json).count() + 1;
    let number = |key: &str| key.strip_prefix("httpHeaderName")?.parse::<usize>().ok();
    let set = json.iter().filter(|(_, value)| is_set(value));
    let late = set.filter(|(key, _)| number(key).is_some_and(|number| number == 0 || number > first_missing));
    late.map(|(key, _)| key.clone()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(json: &str) -> Vec<String> {
        let ignored = ignored(&serde_json::from_str(json).unwrap());
        ignored.iter().map(|text| text.split(' ').next().unwrap_or_default().to_owned()).collect()
    }

    #[test]
    fn what_is_not_followed_is_named_with_a_remedy() {
        let json = r#"{"httpKeepAlive":30,"azureCredentials":{"authType":"msi"},"oauthPassThru":true,"keepCookies":["a"],
            "enableSecureSocksProxy":true,"sigV4Auth":true,"gpx_timeout":1,"GPX_x":0}"#;
        assert_eq!(keys(json), ["azureCredentials", "GPX_x", "gpx_timeout"]);
        let ignored = ignored(&serde_json::from_str(json).unwrap());
        assert!(ignored[0].contains("with secrets that its manifest names"), "{ignored:?}");
    }

    #[test]
    fn what_is_followed_or_switched_off_is_not_named() {
        let json = r#"{"timeout":5,"dialTimeout":5,"tlsAuth":true,"tlsSkipVerify":true,"serverName":"a","basicAuth":true,
            "httpHeaderName1":"X-A","httpHeaderName2":"X-B","own":true,"sigV4Auth":true,"azureAuth":false,"oauthPassThru":null,
            "keepCookies":[],"httpKeepAlive":0,"enableSecureSocksProxy":false}"#;
        assert_eq!(keys(json), [""; 0]);
        assert_eq!(keys(r#"{"httpHeaderName1":"a","httpHeaderName3":"b"}"#), ["httpHeaderName3"]);
        assert_eq!(
            keys(r#"{"httpHeaderName0":"a","httpHeaderName1":"","httpHeaderName2":""}"#),
            ["httpHeaderName0"]
        );
    }

    #[test]
    fn only_so_much_is_named() {
        let json: Map<_, _> =
            (0..1000).map(|n| (format!("gpx_{n}{}", "x".repeat(1000)), Value::Null)).collect();
        let ignored = ignored(&json);
        assert!(ignored.len() == MAX_LISTED && ignored.iter().all(|text| text.len() < 200));
    }
}
