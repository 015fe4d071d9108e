//! Where requests may go: rules over names and addresses, without any I/O.
//!
//! A name is checked before a connection is looked for, an address right before it is connected to.

mod address;
mod path;
mod pattern;
#[cfg(test)]
mod tests;

use std::net::IpAddr;
use std::sync::Arc;

use http::Method;
use url::Url;

use self::address::{private, special, special_name};
pub(crate) use self::path::AllowedPaths;
#[cfg(any(test, feature = "fuzz"))]
pub(super) use self::path::fuzz;
use self::path::{PathFault, PathPin};
pub(crate) use self::pattern::Patterns;
use super::error::RequestError;
use super::origin::Origin;
use super::proxy::Proxies;
use super::settings::UrlFault;

/// What the operator says about all data sources of the plugin.
#[derive(Clone, Debug, Default)]
pub(crate) struct OperatorPolicy {
    pub hosts: Patterns,
    /// What they may reach of their own origin besides what is below their URL.
    pub paths: AllowedPaths,
    /// Whether only public addresses may be reached.
    pub deny_private: bool,
    /// Which proxies lead out.
    pub proxies: Arc<Proxies>,
}

/// What one data source may reach.
#[derive(Clone, Debug)]
pub(super) struct Grants {
    own: Result<OwnGrant, UrlFault>,
    operator: OperatorPolicy,
    plugin_id: Arc<str>,
}

/// What the data source's own URL grants.
#[derive(Clone, Debug)]
struct OwnGrant {
    origin: Origin,
    /// `None` if the URL has no path.
    pin: Option<PathPin>,
}

/// Refuses methods that are not for an upstream's resources. Methods are case-sensitive, but some servers do not know that.
pub(super) fn check_method(method: &Method) -> Result<(), RequestError> {
    const ECHOES: &str = "an upstream that echoes the request shows the host's credentials to the component";
    let reason = match method.as_str().to_ascii_uppercase().as_str() {
        "TRACE" | "TRACK" => ECHOES,
        "CONNECT" => "it opens a tunnel",
        "PRI" => "it begins a connection of HTTP/2",
        _ => return Ok(()),
    };
    Err(RequestError::MethodRefused { method: method.to_string(), reason })
}

// === impl Grants ===

impl Grants {
    pub(super) fn new(url: &Result<Url, UrlFault>, operator: OperatorPolicy, plugin_id: Arc<str>) -> Self {
        let own = match url {
            Ok(url) => Origin::of_url(url)
                .map(|origin| OwnGrant { origin, pin: PathPin::new(url.path()) })
                .ok_or(UrlFault::Host),
            Err(fault) => Err(*fault),
        };
        Self { own, operator, plugin_id }
    }

    /// Whether this is the origin of the data source's own URL.
    pub(super) fn is_own(&self, origin: &Origin) -> bool {
        self.own.as_ref().is_ok_and(|own| own.origin == *origin)
    }

    /// `path` is that of the request's URL, as it will be sent.
    pub(super) fn check(&self, origin: &Origin, path: &str) -> Result<(), RequestError> {
        match &self.own {
            // Here another grant of the same origin does not help: what the path is for would be lost.
            Ok(own) if own.origin == *origin => return self.check_path(own, path),
            _ if self.operator.hosts.admit(origin) => return Ok(()),
            _ => {}
        }
        Err(RequestError::Denied {
            authority: origin.authority(),
            fault: self.own.as_ref().err().map(ToString::to_string).unwrap_or_default(),
            pattern: origin.host_header(),
            plugin_id: self.plugin_id.clone(),
        })
    }

    fn check_path(&self, own: &OwnGrant, path: &str) -> Result<(), RequestError> {
        let Some(pin) = &own.pin else { return Ok(()) };
        pin.check(path, &self.operator.paths).map_err(|refused| RequestError::PathDenied {
            authority: own.origin.authority(),
            pinned: pin.text().to_owned(),
            remedy: self.remedy(&refused),
        })
    }

    fn remedy(&self, refused: &PathFault) -> String {
        let plugin = &self.plugin_id;
        match refused {
            PathFault::Outside { line: Some(line) } => {
                let opens_all = line.split(' ').any(|path| path == "/");
                let warning = if opens_all { ", which opens all of the origin" } else { "" };
                format!("set gpx_allow_paths = {line} under [plugin.{plugin}]{warning}")
            }
            PathFault::Outside { line: None } => {
                format!("add a path that it begins with to gpx_allow_paths under [plugin.{plugin}]")
            }
            PathFault::Unclear => "encode each part of it only once".to_owned(),
        }
    }

    /// Checks what a proxy connects to. The proxy resolves the name, so an address is checked only if the URL has one; of names
    /// those are refused that are known to lead to a special address, and all if only public addresses may be reached.
    pub(super) fn check_behind_proxy(&self, origin: &Origin) -> Result<(), RequestError> {
        if let Some(address) = origin.literal() {
            return self.check_address(origin, address);
        }
        let (kind, rule) = match special_name(&origin.host) {
            Some(kind) => (kind, ""),
            None if self.operator.deny_private => {
                ("only the proxy knows its address", ", gpx_deny_private = on")
            }
            None => return Ok(()),
        };
        if self.operator.hosts.name(origin, &origin.host) {
            return Ok(());
        }
        Err(RequestError::NameProhibited {
            authority: origin.authority(),
            kind,
            rule,
            pattern: origin.host_header(),
            plugin_id: self.plugin_id.clone(),
        })
    }

    /// `address` is the host of `origin`, or one that it has resolved to.
    pub(super) fn check_address(&self, origin: &Origin, address: IpAddr) -> Result<(), RequestError> {
        let not_public = || private(address).filter(|_| self.operator.deny_private);
        let (kind, rule) = match (special(address), not_public()) {
            (Some(kind), _) => (kind, ""),
            (None, Some(kind)) => (kind, ", gpx_deny_private = on"),
            (None, None) => return Ok(()),
        };
        let address = address.to_canonical();
        let names = |host: &str| self.operator.hosts.name(origin, host);
        if names(&origin.host) || names(&address.to_string()) {
            return Ok(());
        }
        Err(RequestError::AddressProhibited {
            authority: origin.authority(),
            address,
            kind,
            rule,
            pattern: origin.host_header(),
            plugin_id: self.plugin_id.clone(),
        })
    }
}
