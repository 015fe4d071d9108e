//! A proxy's URL, as it is written in `HTTP_PROXY` and the like.

use std::fmt;
use std::sync::Arc;

use percent_encoding::percent_decode_str;
use url::Url;

use super::failure::BadProxy;
use crate::egress::origin::{Origin, Scheme, normal};
use crate::egress::settings::TlsSettings;

/// What one of the variables says. A proxy that cannot be used refuses what would go through it.
pub(super) type Choice = Result<Option<Arc<Proxy>>, BadProxy>;

/// A proxy, and how to speak to it.
#[derive(Clone, Debug)]
pub(in crate::egress) struct Proxy {
    /// The setting that asks for it, as people know it.
    pub(in crate::egress) setting: &'static str,
    pub(in crate::egress) kind: ProxyKind,
    /// The scheme says whether TLS is spoken to the proxy itself.
    pub(in crate::egress) address: Origin,
    /// `None` for the usual roots and no client certificate.
    pub(in crate::egress) tls: Option<TlsSettings>,
    pub(in crate::egress) credentials: Option<Credentials>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::egress) enum ProxyKind {
    /// Takes plain requests in absolute form, and opens tunnels by CONNECT.
    Http,
    /// SOCKS 5 (RFC 1928). The proxy resolves names.
    Socks,
}

/// What a proxy knows the host by.
#[derive(Clone, PartialEq, Eq)]
pub(in crate::egress) struct Credentials {
    pub(in crate::egress) user: String,
    pub(in crate::egress) password: String,
}

/// Reads the value of the variable `setting`. An empty one asks for no proxy.
pub(super) fn parse(setting: &'static str, value: &str) -> Choice {
    if value.is_empty() {
        return Ok(None);
    }
    let bad = |fault: &str| {
        BadProxy {
        setting,
        fault: fault.to_owned(),
        remedy: "write it as http://user:password@proxy.example.com:3128 or without the user, with http, https or socks5, \
                 and encode other signs than letters and digits in user and password"
            .to_owned(),
    }
    };
    let value = value.trim();
    let (scheme, rest) = value.split_once("://").unwrap_or(("http", value));
    // A browser's parser passes over more, such as the first slash of these.
    if rest.starts_with(['/', '\\']) || rest.contains(":/") || rest.contains(char::is_control) {
        return Err(bad("it is not a URL"));
    }
    let url = Url::parse(&format!("{scheme}://{rest}"));
    let url = url.map_err(|error| bad(&format!("it is not a URL ({error})")))?;
    let (kind, scheme, default_port) = match url.scheme() {
        "http" => (ProxyKind::Http, Scheme::Http, 80),
        "https" => (ProxyKind::Http, Scheme::Https, 443),
        "socks5" | "socks5h" => (ProxyKind::Socks, Scheme::Http, 1080),
        _ => return Err(bad("its scheme is not http, https, socks5 or socks5h")),
    };
    let host = url.host_str().filter(|host| !host.is_empty()).ok_or_else(|| bad("it has no host"))?;
    let host = normal(host).ok_or_else(|| bad("its host is neither a name nor an address"))?;
    let address = Origin { scheme, host: host.into(), port: url.port().unwrap_or(default_port) };
    let credentials = credentials(&url);
    if kind == ProxyKind::Socks && credentials.as_ref().is_some_and(|credentials| !credentials.fit_socks()) {
        return Err(bad("a SOCKS user has 1 to 255 bytes, and a password at most 255"));
    }
    Ok(Some(Arc::new(Proxy { setting, kind, address, tls: None, credentials })))
}

/// Returns user and password of a URL, which are percent-encoded there.
fn credentials(url: &Url) -> Option<Credentials> {
    let (user, password) = (url.username(), url.password());
    if user.is_empty() && password.is_none() {
        return None;
    }
    let decode = |text| percent_decode_str(text).decode_utf8_lossy().into_owned();
    Some(Credentials { user: decode(user), password: decode(password.unwrap_or_default()) })
}

// === impl Proxy ===

impl Proxy {
    /// Returns the proxy as people know it: its address, and the setting that asks for it.
    pub(in crate::egress) fn name(&self) -> String {
        format!("{} ({})", self.address.authority(), self.setting)
    }
}

// === impl Credentials ===

impl Credentials {
    /// Whether RFC 1929 has room for them. As in Go, a password may be empty.
    pub(super) fn fit_socks(&self) -> bool {
        (1..=255).contains(&self.user.len()) && self.password.len() <= 255
    }

    /// Returns what must not be printed: the password, and what a header has of it. Without a password, the user is a token.
    pub(in crate::egress) fn secrets(&self) -> impl Iterator<Item = String> + use<> {
        let Self { user, password } = self;
        let alone = if password.is_empty() { user } else { password };
        [alone.clone(), format!("{user}:{password}")].into_iter()
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Credentials")
    }
}
