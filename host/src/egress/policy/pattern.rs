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

    pub(super) fn admit(&self, origin: &Origin) -> bool {
        self.0.iter().any(|pattern| pattern.admits(origin))
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
        let literal = name.trim_matches(['[', ']']).parse::<IpAddr>().is_ok();
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        if !literal && !name.chars().all(plain) {
            return Err("its host is not a name or an address");
        }
        if name.is_empty() || subdomain && literal {
            return Err("its wildcard is not followed by a name");
        }
        let name = normal(name);
        let host =
            if subdomain { HostPattern::Subdomain(format!(".{name}")) } else { HostPattern::Exact(name) };
        Ok(Self { scheme, host, port })
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
        for text in ["ftp://x", "x:port", "*.", "a/b", "*", "a*b", "http://", "*.1.2.3.4", "u@h"] {
            let (patterns, bad) = Patterns::parse([text]);
            assert_eq!((patterns, bad.len()), (Patterns::default(), 1), "{text}");
        }
    }
}
