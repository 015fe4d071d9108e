//! What Grafana's own configuration says about requests to data sources.

use std::collections::HashMap;

/// The key of the limit of a response's body, in bytes.
const RESPONSE_LIMIT: &str = "GF_RESPONSE_LIMIT";
/// The key of the feature toggles that are on, separated by commas.
const TOGGLES: &str = "GF_INSTANCE_FEATURE_TOGGLES_ENABLE";
/// The toggle by which Grafana's plugins speak TLS 1.3 and no other version.
const FORCE_TLS13: &str = "pluginsForceTls13";

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::egress) struct GrafanaHttp {
    /// How many bytes of a response's body are read, after it was decoded. Not 0.
    pub(in crate::egress) response_limit: Option<u64>,
    pub(in crate::egress) only_tls13: bool,
}

// === impl GrafanaHttp ===

impl GrafanaHttp {
    pub(super) fn parse(config: &HashMap<String, String>) -> Self {
        let toggles = config.get(TOGGLES).map_or("", String::as_str);
        Self {
            response_limit: config.get(RESPONSE_LIMIT).and_then(|text| response_limit(text)),
            only_tls13: toggles.split(',').any(|toggle| toggle == FORCE_TLS13),
        }
    }
}

/// As in Go: what is not a positive `int64` is no limit.
pub(crate) fn response_limit(text: &str) -> Option<u64> {
    u64::try_from(text.parse::<i64>().ok()?).ok().filter(|limit| *limit > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_positive_number_limits_responses() {
        for (text, limit) in [
            ("1", Some(1)),
            ("+7", Some(7)),
            ("9223372036854775807", Some(i64::MAX.unsigned_abs())),
            ("0", None),
            ("-1", None),
            ("9223372036854775808", None),
            (" 1", None),
            ("1e3", None),
            ("", None),
        ] {
            let config = HashMap::from([(RESPONSE_LIMIT.to_owned(), text.to_owned())]);
            assert_eq!(GrafanaHttp::parse(&config).response_limit, limit, "{text:?}");
        }
        assert_eq!(GrafanaHttp::parse(&HashMap::new()), GrafanaHttp::default());
    }

    #[test]
    fn a_toggle_is_one_of_a_list() {
        for (text, on) in [
            ("pluginsForceTls13", true),
            ("a,pluginsForceTls13,b", true),
            ("pluginsForceTls130", false),
            ("", false),
        ] {
            let config = HashMap::from([(TOGGLES.to_owned(), text.to_owned())]);
            assert_eq!(GrafanaHttp::parse(&config).only_tls13, on, "{text:?}");
        }
    }
}
