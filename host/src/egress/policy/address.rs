//! Addresses that no request should reach by accident.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Says what is special about an address. Cloud metadata services hand out credentials; the others do not name one peer.
pub(super) fn special(address: IpAddr) -> Option<&'static str> {
    match address.to_canonical() {
        IpAddr::V4(address) => special_v4(address),
        IpAddr::V6(address) => special_v6(address),
    }
}

fn special_v4(address: Ipv4Addr) -> Option<&'static str> {
    const METADATA: Ipv4Addr = Ipv4Addr::new(169, 254, 169, 254);
    match address {
        METADATA => Some("the cloud's metadata service"),
        _ if address.is_link_local() => Some("link-local"),
        _ if address.octets().starts_with(&[0]) => Some("unspecified"),
        _ if address.is_multicast() => Some("multicast"),
        _ if address.is_broadcast() => Some("broadcast"),
        _ => None,
    }
}

fn special_v6(address: Ipv6Addr) -> Option<&'static str> {
    const METADATA: Ipv6Addr = Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254);
    match address.segments() {
        _ if address == METADATA => Some("the cloud's metadata service"),
        _ if address.is_unicast_link_local() => Some("link-local"),
        _ if address.is_unspecified() => Some("unspecified"),
        _ if address.is_multicast() => Some("multicast"),
        // NAT64 (RFC 6052) and IPv4-compatible addresses lead to the IPv4 address in their last half.
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] => special_v4(embedded(high, low)),
        [0, 0, 0, 0, 0, 0, high, low] if high != 0 => special_v4(embedded(high, low)),
        _ => None,
    }
}

fn embedded(high: u16, low: u16) -> Ipv4Addr {
    Ipv4Addr::from_bits(u32::from(high) << 16 | u32::from(low))
}
