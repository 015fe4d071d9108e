//! `gpx_allow_hosts`: what the operator lets every data source reach.

use std::net::{IpAddr, Ipv6Addr};

use crate::egress::origin::{Origin, Scheme, normal};

/// The origins that the operator grants.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Patterns(Vec<Pattern>);

/// A part of `gpx_allow_hosts` that cannot be read, and so grants nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "gpx_allow_hosts: `{pattern}` grants nothing: {reason}; write host, host:port, scheme://host:port or *.example.com"
)]
pub(crate) struct BadPattern {
    pattern: String,
    reason: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Pattern {
    scheme: Option<Scheme>,
    host: HostPattern,
    /// None means the scheme's own port.
    port: Option<u16>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum HostPattern {
    Exact(String),
    /// The host ends with this text, which starts with a dot.
    Subdomain(String),
}

// === impl Patterns ===

impl Patterns {
    /// Reads patterns. One text may have several, separated by commas or white space. Those that cannot be read grant
    /// nothing.
    pub(crate) fn parse<'a>(texts: impl IntoIterator<Item = &'a str>) -> (Self, Vec<BadPattern>) {
        let (mut good, mut bad) = (Vec::new(), Vec::new());
        let parts = texts.into_iter().flat_map(|text| text.split(|c: char| c == ',' || c.is_whitespace()));
        for part in parts.filter(|part| !part.is_empty()) {
            match Pattern::parse(part) {
                Ok(pattern) => good.push(pattern),
                Err(reason) => bad.push(BadPattern { pattern: part.to_owned(), reason }),
            }
        }
        (Self(good), bad)
    }

    pub(in crate::egress) fn admit(&self, origin: &Origin) -> bool {
        self.0.iter().any(|pattern| pattern.admits(origin))
    }

    /// Whether everything that `wish` admits is admitted.
    pub(in crate::egress) fn cover(&self, wish: &Self) -> bool {
        wish.0
            .iter()
            .flat_map(Pattern::of_each_scheme)
            .all(|wish| self.0.iter().any(|ours| ours.covers(&wish)))
    }

    /// Whether a pattern names exactly this host, which a wildcard does not.
    pub(super) fn name(&self, origin: &Origin, host: &str) -> bool {
        self.0.iter().any(|pattern| {
            matches!(&pattern.host, HostPattern::Exact(name) if name == host) && pattern.admits_port(origin)
        })
    }
}

// === impl Pattern ===

impl Pattern {
    fn parse(text: &str) -> Result<Self, &'static str> {
        let (scheme, rest) = match text.split_once("://") {
            Some((scheme, rest)) => (
                Some(Scheme::parse(&scheme.to_ascii_lowercase()).ok_or("its scheme is not http or https")?),
                rest,
            ),
            None => (None, text),
        };
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        let (host, port) = split_port(rest)?;
        if host.is_empty() {
            return Err("it has no host");
        }
        let (subdomain, name) = match host.strip_prefix("*.") {
            Some(name) => (true, name),
            None => (false, host),
        };
        let name = normal(name).ok_or("its host is not a name or an address")?;
        let literal = name.parse::<IpAddr>().is_ok();
        if name.is_empty() || subdomain && literal {
            return Err("its wildcard is not followed by a name");
        }
        let host =
            if subdomain { HostPattern::Subdomain(format!(".{name}")) } else { HostPattern::Exact(name) };
        Ok(Self { scheme, host, port })
    }

    /// Returns the same with a scheme and a port.
    fn of_each_scheme(&self) -> Vec<Self> {
        let schemes = self.scheme.map_or(vec![Scheme::Http, Scheme::Https], |scheme| vec![scheme]);
        let of = |scheme: Scheme| Self {
            scheme: Some(scheme),
            host: self.host.clone(),
            port: self.port.or(Some(scheme.port())),
        };
        schemes.into_iter().map(of).collect()
    }

    /// Whether everything that `wish`, which has a scheme and a port, admits is admitted.
    fn covers(&self, wish: &Self) -> bool {
        let Some((scheme, port)) = wish.scheme.zip(wish.port) else { return false };
        let covers_host = match (&self.host, &wish.host) {
            (HostPattern::Subdomain(ours), HostPattern::Subdomain(wish)) => wish.ends_with(ours.as_str()),
            (HostPattern::Exact(_), HostPattern::Subdomain(_)) => false,
            (_, HostPattern::Exact(host)) => {
                return self.admits(&Origin { scheme, host: host.as_str().into(), port });
            }
        };
        covers_host
            && self.scheme.is_none_or(|ours| ours == scheme)
            && self.port.unwrap_or(scheme.port()) == port
    }

    fn admits(&self, origin: &Origin) -> bool {
        let host = match &self.host {
            HostPattern::Exact(name) => **name == *origin.host,
            HostPattern::Subdomain(suffix) => {
                origin.literal().is_none()
                    && origin.host.len() > suffix.len()
                    && origin.host.ends_with(suffix.as_str())
            }
        };
        host && self.admits_port(origin)
    }

    fn admits_port(&self, origin: &Origin) -> bool {
        self.scheme.is_none_or(|scheme| scheme == origin.scheme)
            && self.port.unwrap_or(origin.scheme.port()) == origin.port
    }
}

fn split_port(text: &str) -> Result<(&str, Option<u16>), &'static str> {
    // An IPv6 address without brackets has several colons and no port.
    if text.parse::<Ipv6Addr>().is_ok() || text.ends_with(']') {
        return Ok((text, None));
    }
    match text.rsplit_once(':') {
        Some((host, port)) => {
            Ok((host, Some(port.parse().map_err(|_| "its port is not a number up to 65535")?)))
        }
        None => Ok((text, None)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bad_patterns_are_reported_and_grant_nothing() {
        for text in [
            "ftp://x",
            "x:port",
            "*.",
            "a/b",
            "*",
            "a*b",
            "http://",
            "*.1.2.3.4",
            "u@h",
            "[h]",
            "[[::1]",
            "[::1",
            "::1]",
            "[1.2.3.4]",
        ] {
            let (patterns, bad) = Patterns::parse([text]);
            assert_eq!((patterns, bad.len()), (Patterns::default(), 1), "{text}");
        }
    }
}
