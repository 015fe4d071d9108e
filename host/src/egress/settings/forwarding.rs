//! Which headers of a call the data source is to have.

use std::collections::BTreeSet;

use http::header::{COOKIE, HeaderName, HeaderValue};
use serde_json::{Map, Value};

/// What a component's manifest says about headers of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Forwarding {
    Off,
    On,
    /// A user's `Authorization` goes before basic authentication.
    OverBasicAuth,
}

/// Which headers are passed on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::egress) struct Forwarded {
    /// All but cookies.
    all: bool,
    /// The names of the cookies.
    cookies: BTreeSet<String>,
    pub(in crate::egress) over_basic_auth: bool,
}

// === impl Forwarded ===

impl Forwarded {
    /// The manifest goes first. Where it says nothing, `oauthPassThru` asks for all headers but cookies. `keepCookies` names
    /// the cookies; Grafana sends no others either.
    pub(in crate::egress) fn parse(json: &Map<String, Value>, wanted: Option<Forwarding>) -> Self {
        let passes_through = json.get("oauthPassThru").and_then(Value::as_bool).unwrap_or_default();
        let cookies = json.get("keepCookies").and_then(Value::as_array).into_iter().flatten();
        let cookies = cookies.filter_map(Value::as_str).map(str::to_owned).collect();
        match wanted {
            Some(Forwarding::Off) => Self::default(),
            Some(Forwarding::On) => Self { all: true, cookies, over_basic_auth: false },
            Some(Forwarding::OverBasicAuth) => Self { all: true, cookies, over_basic_auth: true },
            None => Self { all: passes_through, cookies, over_basic_auth: false },
        }
    }

    pub(in crate::egress) fn admits(&self, name: &HeaderName) -> bool {
        if *name == COOKIE { !self.cookies.is_empty() } else { self.all }
    }

    /// Returns the part of a `Cookie` header that is passed on, if there is any.
    pub(in crate::egress) fn kept_cookies(&self, header: &HeaderValue) -> Option<HeaderValue> {
        let text = std::str::from_utf8(header.as_bytes()).ok()?;
        let is_kept = |cookie: &&str| {
            cookie.split_once('=').is_some_and(|(name, _)| self.cookies.contains(name.trim()))
        };
        let kept: Vec<_> = text.split(';').map(str::trim).filter(is_kept).collect();
        let mut value =
            HeaderValue::from_bytes(kept.join("; ").as_bytes()).ok().filter(|value| !value.is_empty())?;
        value.set_sensitive(true);
        Some(value)
    }
}
