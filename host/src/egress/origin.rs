//! Scheme, host and port: what grants are for and connections lead to.

use std::borrow::Cow;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::Arc;

use http::Uri;
use http::uri::Authority;
use url::Url;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Scheme {
    Http,
    Https,
}

/// The host is as `normal` spells it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Origin {
    pub(super) scheme: Scheme,
    pub(super) host: Arc<str>,
    pub(super) port: u16,
}

/// Why a request's URL has no origin.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum InvalidUrl {
    #[error("the request's URL has no host, or a scheme other than http and https")]
    SchemeOrHost,
    #[error("the host of the request's URL is neither a name nor an address")]
    Host,
    #[error("the port of the request's URL is not a number up to 65535")]
    Port,
}

// === impl Scheme ===

impl Scheme {
    pub(super) fn port(self) -> u16 {
        match self {
            Scheme::Http => 80,
            Scheme::Https => 443,
        }
    }

    pub(super) fn parse(text: &str) -> Option<Self> {
        match text {
            "http" => Some(Scheme::Http),
            "https" => Some(Scheme::Https),
            _ => None,
        }
    }
}

// === impl Origin ===

impl Origin {
    pub(super) fn of_uri(uri: &Uri) -> Result<Self, InvalidUrl> {
        let scheme = uri.scheme_str().and_then(Scheme::parse).ok_or(InvalidUrl::SchemeOrHost)?;
        let authority = uri.authority().filter(|authority| !authority.host().is_empty());
        let authority = authority.ok_or(InvalidUrl::SchemeOrHost)?;
        let port = explicit_port(authority)?.unwrap_or(scheme.port());
        let host = normal(authority.host()).ok_or(InvalidUrl::Host)?;
        Ok(Self { scheme, host: host.into(), port })
    }

    pub(super) fn of_url(url: &Url) -> Option<Self> {
        let scheme = Scheme::parse(url.scheme())?;
        let host = normal(url.host_str()?)?;
        Some(Self { scheme, host: host.into(), port: url.port().unwrap_or(scheme.port()) })
    }

    /// Returns the host if it is an address.
    pub(super) fn literal(&self) -> Option<IpAddr> {
        self.host.parse().ok()
    }

    /// Returns `host:port`, the port even if it is the scheme's own.
    pub(super) fn authority(&self) -> String {
        format!("{}:{}", self.bracketed(), self.port)
    }

    /// Returns the text of the `Host` header: without the port if it is the scheme's own.
    pub(super) fn host_header(&self) -> String {
        if self.port == self.scheme.port() { self.bracketed().into_owned() } else { self.authority() }
    }

    fn bracketed(&self) -> Cow<'_, str> {
        if self.host.contains(':') { format!("[{}]", self.host).into() } else { (&*self.host).into() }
    }
}

/// Returns the port that the URL names. An empty one counts as none (RFC 3986, section 3.2.3). So does any text that is
/// not a number for the `http` crate, which is why the text is looked at here.
fn explicit_port(authority: &Authority) -> Result<Option<u16>, InvalidUrl> {
    let text = authority.as_str();
    let after_userinfo = text.rsplit_once('@').map_or(text, |(_, rest)| rest);
    let after_host = after_userinfo.strip_prefix(authority.host()).ok_or(InvalidUrl::Port)?;
    match after_host.strip_prefix(':') {
        Some("") => Ok(None),
        Some(port) if port.bytes().all(|byte| byte.is_ascii_digit()) => {
            port.parse().map(Some).map_err(|_| InvalidUrl::Port)
        }
        None if after_host.is_empty() => Ok(None),
        _ => Err(InvalidUrl::Port),
    }
}

/// Returns a host in the one spelling that is compared: lower case, without brackets or a trailing dot, an address in
/// its shortest form. `None` if brackets contain anything but an IPv6 address (RFC 3986, section 3.2.2), or it has signs
/// that no name of a host has: what reads lists would take `a,b` for two.
pub(super) fn normal(host: &str) -> Option<String> {
    if let Some(bracketed) = host.strip_prefix('[') {
        return bracketed.strip_suffix(']')?.parse().ok().map(|address: Ipv6Addr| address.to_string());
    }
    // A second dot stays, so that the spelling of a spelling is itself.
    let is_name = |name: &&str| !name.is_empty() && !name.ends_with('.');
    let host = host.strip_suffix('.').filter(is_name).unwrap_or(host);
    if let Ok(address) = host.parse::<IpAddr>() {
        return Some(address.to_string());
    }
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    host.chars().all(plain).then(|| host.to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn origin(url: &str) -> Result<String, InvalidUrl> {
        Origin::of_uri(&url.parse().unwrap()).map(|origin| origin.authority())
    }

    #[test]
    fn a_port_is_a_number_or_the_schemes_own() {
        for (url, authority) in [
            ("http://h/", "h:80"),
            ("https://h", "h:443"),
            ("http://h:/", "h:80"),
            ("http://H.:081/", "h:81"),
            ("https://u:99999@h:65535/", "h:65535"),
            ("http://[::1]/", "[::1]:80"),
            ("http://[0::1]:81/", "[::1]:81"),
        ] {
            assert_eq!(origin(url).as_deref(), Ok(authority), "{url}");
        }
        for url in
            ["http://h:65536/", "http://h:99999/", "http://h:x/", "http://h:+80/", "http://u:81@[::1]:99999/"]
        {
            assert_eq!(origin(url), Err(InvalidUrl::Port), "{url}");
        }
    }

    #[test]
    fn brackets_are_for_ipv6_addresses() {
        for host in ["[h]", "[1.2.3.4]", "[::1.]", "[::1%25eth0]", "[]", "[@*1]"] {
            assert_eq!(origin(&format!("http://{host}/")), Err(InvalidUrl::Host), "{host}");
        }
    }

    #[test]
    fn a_host_is_a_name_or_an_address() {
        for host in ["a,b", "a;b", "*.h", "a!", "$h", "a+b"] {
            assert_eq!(origin(&format!("http://{host}/")), Err(InvalidUrl::Host), "{host}");
            let url = Url::parse(&format!("http://{host}/"));
            assert!(url.is_err() || url.is_ok_and(|url| Origin::of_url(&url).is_none()), "{host}");
        }
        assert_eq!(origin("http://_a-1.b_/").as_deref(), Ok("_a-1.b_:80"));
    }

    #[test]
    fn one_dot_ends_a_name_and_more_are_part_of_it() {
        for (host, normal) in
            [("h.", "h"), ("h..", "h.."), ("1.2.3.4.", "1.2.3.4"), ("1.2.3.4..", "1.2.3.4.."), (".", ".")]
        {
            assert_eq!(
                origin(&format!("http://{host}/")).as_deref(),
                Ok(format!("{normal}:80").as_str()),
                "{host}"
            );
        }
    }

    #[test]
    fn a_url_names_scheme_and_host() {
        for url in ["ftp://h/", "/path", "h:80"] {
            assert_eq!(origin(url), Err(InvalidUrl::SchemeOrHost), "{url}");
        }
    }
}
