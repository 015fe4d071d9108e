//! `NO_PROXY`: what is reached without a proxy, by the rules of `httpproxy`.

use std::net::IpAddr;

use crate::egress::origin::Origin;

/// The hosts that are reached directly, whatever the other variables say.
#[derive(Clone, Debug, Default)]
pub(super) struct Bypass {
    /// `*` is one of the entries.
    all: bool,
    entries: Vec<Entry>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Entry {
    Network {
        address: IpAddr,
        bits: u8,
    },
    Address {
        address: IpAddr,
        port: String,
    },
    /// The suffix begins with a dot.
    Name {
        suffix: String,
        port: String,
        with_itself: bool,
    },
}

// === impl Bypass ===

impl Bypass {
    /// Reads a list that is separated by commas. What cannot be read matches nothing.
    pub(super) fn parse(text: &str) -> Self {
        let parts = text.split(',').map(|part| part.trim().to_lowercase()).filter(|part| !part.is_empty());
        let parts: Vec<_> = parts.collect();
        let entries = parts.iter().take_while(|part| *part != "*").filter_map(|part| Entry::parse(part));
        Self { all: parts.iter().any(|part| part == "*"), entries: entries.collect() }
    }

    /// Whether an origin is reached directly. What is on this machine always is.
    pub(super) fn admits(&self, origin: &Origin) -> bool {
        let address = origin.literal().map(|address| address.to_canonical());
        if &*origin.host == "localhost" || address.is_some_and(|address| address.is_loopback()) {
            return true;
        }
        let port = origin.port.to_string();
        self.all
            || self.entries.iter().any(|entry| match address {
                Some(address) => entry.has_address(address, &port),
                None => entry.has_name(&origin.host, &port),
            })
    }
}

// === impl Entry ===

impl Entry {
    fn parse(text: &str) -> Option<Self> {
        if let Some((address, bits)) = network(text) {
            return Some(Self::Network { address, bits });
        }
        let (host, port) = split_host_port(text).unwrap_or((text, ""));
        if host.is_empty() {
            return None;
        }
        let port = port.to_owned();
        if let Ok(address) = host.parse::<IpAddr>() {
            return Some(Self::Address { address: address.to_canonical(), port });
        }
        let name = host.strip_prefix('*').filter(|rest| rest.starts_with('.')).unwrap_or(host);
        let with_itself = !name.starts_with('.');
        let name = name.strip_prefix('.').unwrap_or(name);
        Some(Self::Name { suffix: format!(".{}", ascii(name)), port, with_itself })
    }

    fn has_address(&self, address: IpAddr, port: &str) -> bool {
        match self {
            Self::Network { address: network, bits } => contains(*network, *bits, address),
            Self::Address { address: own, port: own_port } => *own == address && fits(own_port, port),
            Self::Name { .. } => false,
        }
    }

    fn has_name(&self, host: &str, port: &str) -> bool {
        let Self::Name { suffix, port: own_port, with_itself } = self else { return false };
        let is_itself = *with_itself && suffix.strip_prefix('.') == Some(host);
        (is_itself || host.ends_with(suffix.as_str())) && fits(own_port, port)
    }
}

/// Whether an entry with that port, or with none, is for a request to `port`.
fn fits(own: &str, port: &str) -> bool {
    own.is_empty() || own == port
}

/// Returns a name as it is in DNS.
fn ascii(name: &str) -> String {
    if name.is_ascii() {
        return name.to_owned();
    }
    url::Host::parse(name).map_or_else(|_| name.to_owned(), |host| host.to_string())
}

/// Reads an address with the number of bits that count.
fn network(text: &str) -> Option<(IpAddr, u8)> {
    let (address, bits) = text.split_once('/')?;
    let address: IpAddr = address.parse().ok()?;
    let bits: u8 = bits.bytes().all(|byte| byte.is_ascii_digit()).then(|| bits.parse().ok())??;
    match (address, address.to_canonical()) {
        (IpAddr::V4(_), _) => (bits <= 32).then_some((address, bits)),
        // An IPv4 network within IPv6. A shorter prefix is none that IPv4 addresses belong to.
        (IpAddr::V6(_), v4 @ IpAddr::V4(_)) if (96..=128).contains(&bits) => Some((v4, bits - 96)),
        (IpAddr::V6(_), _) => (bits <= 128).then_some((address, bits)),
    }
}

fn contains(network: IpAddr, bits: u8, address: IpAddr) -> bool {
    let same = |one: u128, other: u128, width: u32| {
        let rest = width.saturating_sub(u32::from(bits));
        one.checked_shr(rest).unwrap_or(0) == other.checked_shr(rest).unwrap_or(0)
    };
    match (network, address) {
        (IpAddr::V4(one), IpAddr::V4(other)) => same(one.to_bits().into(), other.to_bits().into(), 32),
        (IpAddr::V6(one), IpAddr::V6(other)) => same(one.to_bits(), other.to_bits(), 128),
        _ => false,
    }
}

/// Splits as Go's `net.SplitHostPort` does. `None` if there is no port, or it is not clear where it begins.
fn split_host_port(text: &str) -> Option<(&str, &str)> {
    let (host, port) = text.rsplit_once(':')?;
    if let Some(bracketed) = text.strip_prefix('[') {
        let (inside, after) = bracketed.split_once(']')?;
        let port = after.strip_prefix(':')?;
        let clear = !inside.contains('[') && !port.contains([':', '[', ']']);
        return clear.then_some((inside, port));
    }
    (!host.contains(':') && !text.contains(['[', ']'])).then_some((host, port))
}
