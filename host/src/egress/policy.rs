//! Where requests may go: rules over names and addresses, without any I/O.
//!
//! A name is checked before a connection is looked for, an address right before it is connected to.

mod address;
mod pattern;

use std::net::IpAddr;
use std::sync::Arc;

use url::Url;

use self::address::special;
pub(crate) use self::pattern::Patterns;
use super::error::RequestError;
use super::origin::Origin;
use super::settings::UrlFault;

/// What one data source may reach.
#[derive(Clone, Debug)]
pub(super) struct Grants {
    own: Result<Origin, UrlFault>,
    operator: Patterns,
    plugin_id: Arc<str>,
}

// === impl Grants ===

impl Grants {
    pub(super) fn new(url: &Result<Url, UrlFault>, operator: Patterns, plugin_id: Arc<str>) -> Self {
        let own = match url {
            Ok(url) => Origin::of_url(url).ok_or(UrlFault::Missing),
            Err(fault) => Err(*fault),
        };
        Self { own, operator, plugin_id }
    }

    /// Whether this is the origin of the data source's own URL.
    pub(super) fn is_own(&self, origin: &Origin) -> bool {
        self.own.as_ref() == Ok(origin)
    }

    pub(super) fn check(&self, origin: &Origin) -> Result<(), RequestError> {
        if self.is_own(origin) || self.operator.admit(origin) {
            return Ok(());
        }
        Err(RequestError::Denied {
            authority: origin.authority(),
            fault: self.own.as_ref().err().map(ToString::to_string).unwrap_or_default(),
            pattern: origin.host_header(),
            plugin_id: self.plugin_id.clone(),
        })
    }

    /// `address` is the host of `origin`, or one that it has resolved to.
    pub(super) fn check_address(&self, origin: &Origin, address: IpAddr) -> Result<(), RequestError> {
        let Some(kind) = special(address) else { return Ok(()) };
        let address = address.to_canonical();
        if self.operator.name(origin, &origin.host) || self.operator.name(origin, &address.to_string()) {
            return Ok(());
        }
        Err(RequestError::AddressProhibited {
            authority: origin.authority(),
            address,
            kind,
            pattern: origin.host_header(),
            plugin_id: self.plugin_id.clone(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn origin(uri: &str) -> Origin {
        Origin::of_uri(&uri.parse().unwrap()).unwrap()
    }

    fn grants(url: &str, patterns: &str) -> Grants {
        let (patterns, bad) = Patterns::parse([patterns]);
        assert_eq!(bad, []);
        Grants::new(&Url::parse(url).map_err(UrlFault::Malformed), patterns, "my-plugin".into())
    }

    #[test]
    fn the_url_grants_its_origin_and_no_other() {
        let grants = grants("https://API.example.com/v1", "");
        for granted in
            ["https://api.example.com/", "https://api.example.com:443/x", "https://api.example.com./"]
        {
            assert!(grants.check(&origin(granted)).is_ok(), "{granted}");
        }
        let other = [
            "http://api.example.com/",
            "https://api.example.com:8443/",
            "https://example.com/",
            "https://api.example.com.evil.net/",
            "https://api.example.com@evil.net/",
        ];
        for denied in other {
            assert!(grants.check(&origin(denied)).is_err(), "{denied}");
        }
    }

    #[test]
    fn the_error_names_the_remedy() {
        let grants = grants("https://example.com", "");
        let error = grants.check(&origin("https://api.example.com/")).unwrap_err().to_string();
        assert_eq!(
            error,
            "no grant for api.example.com:443; add gpx_allow_hosts = api.example.com under [plugin.my-plugin]"
        );
        let none = Grants::new(&Err(UrlFault::Missing), Patterns::default(), "my-plugin".into());
        let error = none.check(&origin("http://db:81/")).unwrap_err().to_string();
        let remedy = "add gpx_allow_hosts = db:81 under [plugin.my-plugin]";
        assert_eq!(error, format!("no grant for db:81; the data source has no URL: set it, or {remedy}"));
    }

    #[test]
    fn patterns_grant_what_they_say() {
        let cases = [
            ("db", "https://db/", true),
            ("db", "http://DB/", true),
            ("db", "http://db:81/", false),
            ("db:81", "http://db:81/", true),
            ("https://db:81", "http://db:81/", false),
            ("*.example.com", "https://a.b.example.com/", true),
            ("*.example.com", "https://example.com/", false),
            ("*.example.com", "https://badexample.com/", false),
            ("*.example.com:81", "http://a.example.com:81/", true),
            ("[::1]:81", "http://[0:0::1]:81/", true),
            ("a, b\n c", "http://c/", true),
        ];
        for (pattern, uri, granted) in cases {
            assert_eq!(grants("http://own", pattern).check(&origin(uri)).is_ok(), granted, "{pattern} {uri}");
        }
    }

    #[test]
    fn special_addresses_need_the_operator() {
        let names = [
            "169.254.169.254",
            "169.254.1.1",
            "0.0.0.0",
            "224.0.0.1",
            "255.255.255.255",
            "fe80::1",
            "::",
            "ff02::1",
            "fd00:ec2::254",
            "::ffff:169.254.169.254",
            "64:ff9b::a9fe:a9fe",
            "::a9fe:a9fe",
        ];
        for name in names {
            let address: IpAddr = name.parse().unwrap();
            let host = if address.is_ipv6() { format!("[{name}]") } else { name.to_owned() };
            let url = format!("http://{host}/");
            let error = grants(&url, "").check_address(&origin(&url), address).unwrap_err().to_string();
            assert!(error.contains("add gpx_allow_hosts = "), "{error}");
            assert!(grants("http://own", &host).check_address(&origin(&url), address).is_ok(), "{name}");
            assert!(
                grants("http://rebind/", "*.rebind")
                    .check_address(&origin("http://a.rebind"), address)
                    .is_err()
            );
        }
        for name in ["127.0.0.1", "10.1.2.3", "::1", "fd00::1", "192.168.1.1", "::ffff:10.0.0.1"] {
            let address = name.parse().unwrap();
            assert!(
                grants("http://own", "").check_address(&origin("http://own/"), address).is_ok(),
                "{name}"
            );
        }
    }
}
