//! Which headers of a call a request to the data source gets: who asks, and that an alert rule does.

use std::sync::Arc;

use http::header::{ACCEPT_ENCODING, AUTHORIZATION, COOKIE, HeaderMap, HeaderName, HeaderValue};

use super::framing::{frames_the_message, is_forbidden};
use super::settings::Forwarded;

/// In Grafana's spelling, which HTTP does not need.
const FROM_ALERT: HeaderName = HeaderName::from_static("fromalert");

/// The headers that came with a call. Cheap to clone.
#[derive(Clone, Default)]
pub(crate) struct PassedOn {
    /// For the data source, if it is to have them.
    pub(crate) headers: Arc<HeaderMap>,
    /// As in Go, for whatever is asked.
    pub(crate) from_alert: Option<HeaderValue>,
}

// === impl PassedOn ===

impl PassedOn {
    /// Tells whoever is asked that an alert rule does.
    pub(super) fn mark_alert(&self, request: &mut HeaderMap) {
        if let Some(value) = &self.from_alert {
            request.insert(FROM_ALERT, value.clone());
        }
    }

    /// Sets the headers that the data source is to have, where the request has none of that name.
    pub(super) fn forward(&self, rule: &Forwarded, request: &mut HeaderMap) {
        for name in self.headers.keys().filter(|name| rule.admits(name) && is_forwardable(name)) {
            // As in Go, an empty one counts as none.
            if request.get(name).is_some_and(|value| !value.is_empty()) {
                continue;
            }
            if *name == COOKIE {
                let kept = self.headers.get_all(name).iter().filter_map(|value| rule.kept_cookies(value));
                kept.for_each(|value| drop(request.insert(COOKIE, value)));
            } else {
                request.remove(name);
                for value in self.headers.get_all(name) {
                    request.append(name, value.clone());
                }
            }
        }
    }

    /// Whether an `Authorization` of the user's goes before basic authentication.
    pub(super) fn goes_before_basic_auth(&self, rule: &Forwarded) -> bool {
        rule.over_basic_auth && rule.admits(&AUTHORIZATION) && self.headers.contains_key(AUTHORIZATION)
    }
}

/// Not what belongs to the connection of the call. What a browser can decode says nothing about the component.
fn is_forwardable(name: &HeaderName) -> bool {
    !frames_the_message(name) && !is_forbidden(name) && *name != ACCEPT_ENCODING
}

#[cfg(test)]
mod tests {
    use serde_json::{Map, Value};

    use super::*;
    use crate::egress::settings::Forwarding;

    fn map(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)))
            .collect()
    }

    /// Returns what a request that has some headers gets.
    fn forwarded(
        json: &str,
        wanted: Option<Forwarding>,
        request: &[(&'static str, &'static str)],
    ) -> Vec<(String, String)> {
        let call = [
            ("authorization", "Bearer user"),
            ("x-id-token", "id"),
            ("x-grafana-id", "grafana"),
            ("cookie", "a=1; session=2; b=3"),
            ("x-dashboard-uid", "d"),
            ("accept-encoding", "br"),
            ("connection", "close"),
            ("content-length", "3"),
            ("host", "evil"),
            ("proxy-authorization", "p"),
            ("transfer_encoding", "chunked"),
        ];
        let json: Map<String, Value> = serde_json::from_str(json).unwrap();
        let passed = PassedOn { headers: Arc::new(map(&call)), from_alert: None };
        let mut headers = map(request);
        passed.forward(&Forwarded::parse(&json, wanted), &mut headers);
        let pair = |(name, value): (&HeaderName, &HeaderValue)| {
            (name.to_string(), value.to_str().unwrap().to_owned())
        };
        let mut pairs: Vec<_> = headers.iter().map(pair).collect();
        pairs.sort_unstable();
        pairs
    }

    fn names(pairs: &[(String, String)]) -> Vec<&str> {
        pairs.iter().map(|(name, _)| name.as_str()).collect()
    }

    #[test]
    fn the_data_sources_settings_decide_where_the_author_says_nothing() {
        let tokens = ["authorization", "x-dashboard-uid", "x-grafana-id", "x-id-token"];
        assert_eq!(names(&forwarded("{}", None, &[])), [""; 0]);
        for off in
            [r#"{"oauthPassThru":"true","keepCookies":"a"}"#, r#"{"oauthPassThru":false,"keepCookies":[]}"#]
        {
            assert_eq!(names(&forwarded(off, None, &[])), [""; 0], "{off}");
        }
        assert_eq!(names(&forwarded(r#"{"oauthPassThru":true}"#, None, &[])), tokens);
        let cookies = forwarded(r#"{"keepCookies":["b","a",7,"c"]}"#, None, &[]);
        assert_eq!(cookies, [("cookie".to_owned(), "a=1; b=3".to_owned())]);
        let both = r#"{"oauthPassThru":true,"keepCookies":["b"]}"#;
        assert_eq!(names(&forwarded(both, None, &[])).len(), 5);
        assert_eq!(names(&forwarded(both, Some(Forwarding::Off), &[])), [""; 0]);
    }

    #[test]
    fn the_author_may_ask_for_all_but_cookies_that_nobody_keeps() {
        for wanted in [Forwarding::On, Forwarding::OverBasicAuth] {
            let all = forwarded("{}", Some(wanted), &[]);
            assert_eq!(names(&all), ["authorization", "x-dashboard-uid", "x-grafana-id", "x-id-token"]);
        }
    }

    #[test]
    fn what_the_request_has_stays() {
        let own = [("authorization", "Basic own"), ("x-id-token", ""), ("x-dashboard-uid", "mine")];
        let all = forwarded("{}", Some(Forwarding::On), &own);
        let wanted = [
            ("authorization", "Basic own"),
            ("x-dashboard-uid", "mine"),
            ("x-grafana-id", "grafana"),
            ("x-id-token", "id"),
        ];
        assert_eq!(all, wanted.map(|(name, value)| (name.to_owned(), value.to_owned())));
    }
}
