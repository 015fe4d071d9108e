//! Which proxies a request goes through. The variables of the environment are read by the rules of Go's
//! `golang.org/x/net/http/httpproxy`, except that a value that cannot be used refuses requests: Go would send them without a
//! proxy.

mod address;
mod bypass;
mod failure;
mod secure_socks;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use self::address::Choice;
pub(super) use self::address::{Credentials, Proxy, ProxyKind};
use self::bypass::Bypass;
pub(super) use self::failure::PROXY_PATIENCE;
pub(crate) use self::failure::{BadProxy, ProxyFailure};
pub(super) use self::secure_socks::SecureSocks;
use super::origin::{Origin, Scheme};
use crate::config::ProxyVariables;

/// The proxies of the environment.
#[derive(Clone, Debug)]
pub(crate) struct Proxies {
    http: Choice,
    https: Choice,
    bypass: Bypass,
}

/// The proxies between the host and an origin.
#[derive(Clone, Debug, Default)]
pub(super) struct Route {
    /// The nearer one, if there are both: Grafana's secure SOCKS proxy.
    pub(super) secure_socks: Option<Arc<Proxy>>,
    /// The one that the environment names.
    pub(super) environment: Option<Arc<Proxy>>,
}

// === impl Proxies ===

impl Proxies {
    /// Reads the variables. Also returns what cannot be used of them, for the log and the health check.
    pub(crate) fn parse(variables: &ProxyVariables) -> (Self, Vec<BadProxy>) {
        let proxy = |(setting, value): &(&'static str, String)| address::parse(setting, value);
        let mut http = proxy(&variables.http);
        let https = proxy(&variables.https);
        if variables.cgi && !matches!(http, Ok(None)) {
            http = Err(BadProxy {
                setting: variables.http.0,
                fault: "REQUEST_METHOD is set, as for a CGI program, where a client can choose the proxy"
                    .to_owned(),
                remedy: "remove one of the two from Grafana's environment".to_owned(),
            });
        }
        let bad = [&http, &https].into_iter().filter_map(|choice| choice.as_ref().err().cloned()).collect();
        (Self { http, https, bypass: Bypass::parse(&variables.none_for) }, bad)
    }

    /// Returns the way to an origin. With the secure SOCKS proxy, everything else is behind that one, as in Go.
    pub(super) fn route(&self, origin: &Origin, secure_socks: Option<Arc<Proxy>>) -> Result<Route, BadProxy> {
        let choice = match origin.scheme {
            Scheme::Http => &self.http,
            Scheme::Https => &self.https,
        };
        let environment = match choice {
            Ok(None) => None,
            _ if self.bypass.admits(origin) => None,
            choice => choice.clone()?,
        };
        Ok(Route { secure_socks, environment })
    }

    /// Returns what must not be printed.
    pub(crate) fn secrets(&self) -> impl Iterator<Item = String> {
        let proxies =
            [&self.http, &self.https].into_iter().filter_map(|choice| choice.as_ref().ok()?.as_ref());
        proxies.filter_map(|proxy| proxy.credentials.as_ref()).flat_map(Credentials::secrets)
    }
}

/// No proxy at all.
impl Default for Proxies {
    fn default() -> Self {
        Self { http: Ok(None), https: Ok(None), bypass: Bypass::default() }
    }
}

// === impl Route ===

impl Route {
    /// Returns the proxies, the nearest first.
    pub(super) fn proxies(&self) -> impl Iterator<Item = &Arc<Proxy>> {
        self.secure_socks.iter().chain(&self.environment)
    }

    /// Returns what takes a plain request to `origin` in absolute form instead of opening a tunnel.
    pub(super) fn takes_plain(&self, origin: &Origin) -> Option<&Proxy> {
        let proxy = self.environment.as_deref().filter(|proxy| proxy.kind == ProxyKind::Http);
        proxy.filter(|_| origin.scheme == Scheme::Http)
    }

    /// Returns what the trace says that a connection is wanted to. As in Go, the secure SOCKS proxy does not show there.
    pub(super) fn wanted<'a>(&'a self, origin: &'a Origin) -> &'a Origin {
        self.environment.as_ref().map_or(origin, |proxy| &proxy.address)
    }
}
