//! The variables that name proxies. Grafana passes the usual ones on to every plugin.

use super::problem::Strings;

/// The beginning of the names of those for Grafana's secure SOCKS proxy.
const SECURE_SOCKS: &str = "GF_SECURE_SOCKS_DATASOURCE_PROXY_";

/// The variables as they are.
#[derive(Clone, Default)]
pub(crate) struct ProxyVariables {
    /// The name of the variable that names the proxy for http, and its value.
    pub http: (&'static str, String),
    /// The same for https.
    pub https: (&'static str, String),
    /// What is reached without a proxy.
    pub none_for: String,
    /// Whether this looks like a CGI program, to which a client's header `Proxy` comes as `HTTP_PROXY`.
    pub cgi: bool,
    pub secure_socks: Strings,
}

// === impl ProxyVariables ===

impl ProxyVariables {
    pub(super) fn read(strings: &Strings) -> Self {
        // As in Go: lower case first, and an empty value counts as none.
        let first = |names: [&'static str; 2]| {
            let value = |name: &&str| strings.get(*name).filter(|value| !value.is_empty());
            let found = names.into_iter().find_map(|name| Some((name, value(&name)?.clone())));
            found.unwrap_or_default()
        };
        let secure_socks = strings.iter().filter(|(name, _)| name.starts_with(SECURE_SOCKS));
        Self {
            http: first(["http_proxy", "HTTP_PROXY"]),
            https: first(["https_proxy", "HTTPS_PROXY"]),
            none_for: first(["no_proxy", "NO_PROXY"]).1,
            cgi: strings.get("REQUEST_METHOD").is_some_and(|value| !value.is_empty()),
            secure_socks: secure_socks.map(|(name, value)| (name.clone(), value.clone())).collect(),
        }
    }
}

/// Without values, which may have passwords.
impl std::fmt::Debug for ProxyVariables {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ProxyVariables").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lower_case_goes_first_and_an_empty_value_counts_as_none() {
        let pairs = [
            ("HTTP_PROXY", "a"),
            ("http_proxy", ""),
            ("HTTPS_PROXY", "b"),
            ("https_proxy", "c"),
            ("NO_PROXY", "d"),
        ];
        let strings = pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        let variables = ProxyVariables::read(&strings);
        assert_eq!(variables.http, ("HTTP_PROXY", "a".to_owned()));
        assert_eq!(variables.https, ("https_proxy", "c".to_owned()));
        assert_eq!((variables.none_for.as_str(), variables.cgi), ("d", false));
    }
}
