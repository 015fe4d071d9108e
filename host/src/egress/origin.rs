//! Scheme, host and port: what grants are given for and connections are made for.

use std::borrow::Cow;
use std::net::IpAddr;
use std::sync::Arc;

use http::Uri;
use url::Url;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Scheme {
    Http,
    Https,
}

/// The host is in lower case, an IPv6 literal without brackets.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Origin {
    pub(super) scheme: Scheme,
    pub(super) host: Arc<str>,
    pub(super) port: u16,
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
    pub(super) fn of_uri(uri: &Uri) -> Option<Self> {
        let scheme = Scheme::parse(uri.scheme_str()?)?;
        let host = normal(uri.host().filter(|host| !host.is_empty())?);
        Some(Self { scheme, host: host.into(), port: uri.port_u16().unwrap_or(scheme.port()) })
    }

    pub(super) fn of_url(url: &Url) -> Option<Self> {
        let scheme = Scheme::parse(url.scheme())?;
        let host = normal(url.host_str()?);
        Some(Self { scheme, host: host.into(), port: url.port().unwrap_or(scheme.port()) })
    }

    /// The host, if it is an address.
    pub(super) fn literal(&self) -> Option<IpAddr> {
        self.host.parse().ok()
    }

    /// `host:port`, as it is dialled.
    pub(super) fn authority(&self) -> String {
        format!("{}:{}", self.bracketed(), self.port)
    }

    /// The `Host` header's text: without the port if it is the scheme's own.
    pub(super) fn host_header(&self) -> String {
        if self.port == self.scheme.port() { self.bracketed().into_owned() } else { self.authority() }
    }

    fn bracketed(&self) -> Cow<'_, str> {
        if self.host.contains(':') { format!("[{}]", self.host).into() } else { (&*self.host).into() }
    }
}

/// One spelling for a host: lower case, no brackets, no trailing dot, an address in its shortest form.
pub(super) fn normal(host: &str) -> String {
    let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    let host = host.strip_suffix('.').unwrap_or(host);
    match host.parse::<IpAddr>() {
        Ok(address) => address.to_string(),
        Err(_) => host.to_ascii_lowercase(),
    }
}
