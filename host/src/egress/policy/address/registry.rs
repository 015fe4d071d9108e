//! Addresses that the public Internet does not reach: IANA's registries of special-purpose addresses (RFC 6890).

use std::net::{Ipv4Addr, Ipv6Addr};

/// Prefix, its length in bits, and what it is for.
const V4: [(Ipv4Addr, u32, &str); 15] = [
    (Ipv4Addr::new(0, 0, 0, 0), 8, "unspecified"),
    (Ipv4Addr::new(10, 0, 0, 0), 8, "private"),
    (Ipv4Addr::new(100, 64, 0, 0), 10, "shared by a provider's customers"),
    (Ipv4Addr::new(127, 0, 0, 0), 8, "loopback"),
    (Ipv4Addr::new(169, 254, 0, 0), 16, "link-local"),
    (Ipv4Addr::new(172, 16, 0, 0), 12, "private"),
    (Ipv4Addr::new(192, 0, 0, 0), 24, "reserved for protocols"),
    (Ipv4Addr::new(192, 0, 2, 0), 24, "for documentation"),
    (Ipv4Addr::new(192, 88, 99, 0), 24, "reserved"),
    (Ipv4Addr::new(192, 168, 0, 0), 16, "private"),
    (Ipv4Addr::new(198, 18, 0, 0), 15, "for benchmarks"),
    (Ipv4Addr::new(198, 51, 100, 0), 24, "for documentation"),
    (Ipv4Addr::new(203, 0, 113, 0), 24, "for documentation"),
    (Ipv4Addr::new(224, 0, 0, 0), 4, "multicast"),
    (Ipv4Addr::new(240, 0, 0, 0), 4, "reserved"),
];

/// What is special within 2000::/3, the only part of the address space from which public addresses are assigned.
const V6: [(Ipv6Addr, u32, &str); 3] = [
    (Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 0), 23, "reserved for protocols"),
    (Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0), 32, "for documentation"),
    (Ipv6Addr::new(0x3fff, 0, 0, 0, 0, 0, 0, 0), 20, "for documentation"),
];

/// Says what an address is for if it is not public.
pub(super) fn purpose_v4(address: Ipv4Addr) -> Option<&'static str> {
    let within =
        |prefix: Ipv4Addr, length: u32| (address.to_bits() ^ prefix.to_bits()).leading_zeros() >= length;
    V4.into_iter().find_map(|(prefix, length, purpose)| within(prefix, length).then_some(purpose))
}

/// The same for IPv6. Whether an embedded IPv4 address is public is another question.
pub(super) fn purpose_v6(address: Ipv6Addr) -> Option<&'static str> {
    let within =
        |prefix: Ipv6Addr, length: u32| (address.to_bits() ^ prefix.to_bits()).leading_zeros() >= length;
    match address.segments() {
        // NAT64 leads to public addresses.
        [0x64, 0xff9b, 0, 0, 0, 0, ..] => None,
        [first, ..] if first >> 13 == 1 => {
            V6.into_iter().find_map(|(prefix, length, purpose)| within(prefix, length).then_some(purpose))
        }
        _ if address.is_loopback() => Some("loopback"),
        _ if address.is_unspecified() => Some("unspecified"),
        _ if address.is_unicast_link_local() => Some("link-local"),
        _ if address.is_multicast() => Some("multicast"),
        _ if address.is_unique_local() => Some("private"),
        _ => Some("reserved"),
    }
}
