//! Which headers of a message are HTTP headers for the data source. The rules are those of Grafana's Go SDK.

use std::collections::HashMap;

use crate::call::ForwardedHeaders;
use crate::proto::pluginv2::StringList;

/// The beginning of most of their names in a message. Others than these and [`TOKENS`] are Grafana's own.
const PREFIX: &str = "http_";

const TOKENS: [&str; 3] = ["authorization", "x-id-token", "cookie"];

/// Under exactly this name.
const FROM_ALERT: &str = "FromAlert";

/// Returns those of a request for data or of a health check.
pub(crate) fn forwarded(headers: &HashMap<String, String>) -> ForwardedHeaders {
    let is_token = |name: &str| TOKENS.iter().any(|token| token.eq_ignore_ascii_case(name));
    let name = |name: &'_ String| {
        name.strip_prefix(PREFIX).map(str::to_owned).or_else(|| is_token(name).then(|| name.clone()))
    };
    // A header may be there under both names. The order of a map must not decide.
    let mut all: Vec<_> =
        headers.iter().filter_map(|(key, value)| Some((name(key)?, value.as_str()))).collect();
    all.sort_unstable_by_key(|(name, value)| (name.to_ascii_lowercase(), *value));
    all.dedup_by(|one, other| one.0.eq_ignore_ascii_case(&other.0));
    let all = all.iter().map(|(name, value)| (name.as_str(), *value));
    ForwardedHeaders::new(all, headers.get(FROM_ALERT).map(String::as_str))
}

/// Returns those of a resource call, which are all that it has.
pub(crate) fn forwarded_lists(headers: &HashMap<String, StringList>) -> ForwardedHeaders {
    let pairs = headers
        .iter()
        .flat_map(|(name, list)| list.values.iter().map(move |value| (name.as_str(), value.as_str())));
    let from_alert = headers.get(FROM_ALERT).and_then(|list| list.values.first());
    ForwardedHeaders::new(pairs, from_alert.map(String::as_str))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(forwarded: &ForwardedHeaders) -> Vec<(String, String)> {
        let pair = |(name, value): (&http::HeaderName, &http::HeaderValue)| {
            (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned())
        };
        let mut pairs: Vec<_> = forwarded.headers().iter().map(pair).collect();
        pairs.sort_unstable();
        pairs
    }

    fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn the_headers_of_a_map_are_those_of_go() {
        let sent = [
            ("Authorization", "Bearer a"),
            ("X-ID-Token", "b"),
            ("cookie", "c=d"),
            ("http_X-Grafana-Id", "e"),
            ("http_X-Dashboard-Title", "für"),
            ("http_x id", "f"),
            ("http_X-Split", "a\r\nb: c"),
            ("HTTP_X-Other", "g"),
            ("X-Other", "h"),
            ("FromAlert", "true"),
        ];
        let forwarded = forwarded(&pairs(&sent).into_iter().collect());
        let wanted = [
            ("authorization", "Bearer a"),
            ("cookie", "c=d"),
            ("x-dashboard-title", "für"),
            ("x-grafana-id", "e"),
            ("x-id-token", "b"),
        ];
        assert_eq!(shown(&forwarded), pairs(&wanted));
        assert_eq!(forwarded.alert().unwrap(), "true");
        let debug = format!("{forwarded:?}");
        assert!(!debug.contains("Bearer"), "{debug}");
    }

    #[test]
    fn an_empty_or_differently_spelled_sign_of_an_alert_is_none() {
        for (name, value) in [("FromAlert", ""), ("fromalert", "true"), ("http_FromAlert", "true")] {
            assert_eq!(forwarded(&pairs(&[(name, value)]).into_iter().collect()).alert(), None, "{name}");
        }
    }

    #[test]
    fn all_headers_of_a_resource_call_are_there() {
        let list =
            |values: &[&str]| StringList { values: values.iter().map(|value| (*value).to_owned()).collect() };
        let lists = [("X-A", list(&["1", "2"])), ("FromAlert", list(&["yes", "no"]))];
        let forwarded = forwarded_lists(&lists.map(|(name, list)| (name.to_owned(), list)).into());
        let wanted = [("fromalert", "no"), ("fromalert", "yes"), ("x-a", "1"), ("x-a", "2")];
        assert_eq!(shown(&forwarded), pairs(&wanted));
        assert_eq!(forwarded.alert().unwrap(), "yes");
    }
}
