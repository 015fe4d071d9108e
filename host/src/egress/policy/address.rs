//! Addresses that need the operator's word: those that no request should reach by accident, and, if the operator wants
//! that, all that are not public.

mod embedded;
mod metadata;
mod name;
mod registry;

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

pub(super) use self::name::special_name;

/// Says what is special about an address, or about an IPv4 address that it leads to. Cloud metadata services hand out
/// credentials; the others do not name one peer, or name one only on one link.
pub(super) fn special(address: IpAddr) -> Option<&'static str> {
    match address.to_canonical() {
        IpAddr::V4(address) => special_v4(address),
        IpAddr::V6(address) => {
            special_v6(address).or_else(|| embedded::all(address).into_iter().find_map(special_v4))
        }
    }
}

/// Says why an address is not public, if it is not, or if an IPv4 address that it leads to is not.
pub(super) fn private(address: IpAddr) -> Option<&'static str> {
    match address.to_canonical() {
        IpAddr::V4(address) => registry::purpose_v4(address),
        IpAddr::V6(address) => registry::purpose_v6(address)
            .or_else(|| embedded::all(address).into_iter().find_map(registry::purpose_v4)),
    }
}

fn special_v4(address: Ipv4Addr) -> Option<&'static str> {
    match address {
        _ if metadata::is_v4(address) => Some(metadata::KIND),
        _ if address.is_link_local() => Some("link-local"),
        _ if address.octets().starts_with(&[0]) => Some("unspecified"),
        _ if address.is_multicast() => Some("multicast"),
        _ if address.is_broadcast() => Some("broadcast"),
        _ => None,
    }
}

fn special_v6(address: Ipv6Addr) -> Option<&'static str> {
    match address {
        _ if metadata::is_v6(address) => Some(metadata::KIND),
        _ if address.is_unicast_link_local() => Some("link-local"),
        _ if address.is_unspecified() => Some("unspecified"),
        _ if address.is_multicast() => Some("multicast"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(kind: fn(IpAddr) -> Option<&'static str>, texts: &str) -> Vec<(&str, Option<&'static str>)> {
        texts.split_whitespace().map(|text| (text, kind(text.parse().unwrap()))).collect()
    }

    #[test]
    fn the_metadata_services_of_all_clouds_are_special() {
        let texts = "169.254.169.254 169.254.170.2 169.254.170.23 169.254.0.23 169.254.42.42 100.100.100.200
            168.63.129.16 192.0.0.192 100.96.0.96 100.80.80.80 100.88.222.5 192.80.8.124
            fd00:ec2::254 fd00:ec2::23 fd00:ec2::253 fd20:ce::254 fd00:c1::a9fe:a9fe fd00:42::42
            fd00:a9fe:a9fe::1 fd00:100::100:200 fe80::a9fe:a9fe fe80::1234:5678:9abc";
        for (text, kind) in all(special, texts) {
            assert!(kind.is_some(), "{text}");
        }
        assert_eq!(special("169.254.169.254".parse().unwrap()), Some("the cloud's metadata service"));
        assert_eq!(special("169.254.1.1".parse().unwrap()), Some("link-local"));
    }

    #[test]
    fn what_leads_to_a_special_address_is_special() {
        let texts =
            "::ffff:169.254.169.254 ::169.254.169.254 ::ffff:0:169.254.169.254 ::ffff:0:100.100.100.200
            64:ff9b::a9fe:a9fe 64:ff9b::168.63.129.16 64:ff9b:1::a9fe:a9fe 64:ff9b:1:a9fe:a9:fe00::
            64:ff9b:1:a9:fe:a9fe:: 64:ff9b:1:0:a9:fea9:fe00:0 64:ff9b:1:abcd::a9fe:a9fe
            2002:a9fe:a9fe:: 2002:a9fe:a9fe::1 2002:6464:64c8::1 2001:0:a9fe:a9fe::
            2001:0:102:304::5601:5601 2001:db8::5efe:a9fe:a9fe fd01::200:5efe:169.254.169.254
            ::ffff:0.0.0.0 ::ffff:224.0.0.1 64:ff9b::0.0.0.1 ::0.0.1.1";
        for (text, kind) in all(special, texts) {
            assert!(kind.is_some(), "{text}");
        }
    }

    #[test]
    fn private_upstreams_are_not_special() {
        let texts = "127.0.0.1 10.1.2.3 172.16.0.1 192.168.1.1 100.64.0.1 100.100.100.100 168.63.129.17 192.0.0.1
            198.18.0.1 8.8.8.8 ::1 fd00::1 fd12:3456::1 fd00:42::43 fd20:ce::255 ::ffff:10.0.0.1 64:ff9b::a00:1
            64:ff9b:1::a00:1 2002:a00:1::1 2001:db8::1 2001:4860:4860::8888 2606:4700::1111 ::127.0.0.1";
        for (text, kind) in all(special, texts) {
            assert_eq!(kind, None, "{text}");
        }
    }

    #[test]
    fn what_is_not_public_has_a_purpose() {
        let texts = "0.0.0.0 0.1.2.3 10.1.2.3 100.64.0.1 100.127.255.255 127.0.0.1 169.254.1.1 172.16.0.1 172.31.255.255
            192.0.0.1 192.0.2.1 192.88.99.1 192.168.1.1 198.18.0.1 198.19.255.255 198.51.100.1 203.0.113.1
            224.0.0.1 240.0.0.1 255.255.255.255 :: ::1 ::ffff:10.0.0.1 ::10.0.0.1 ::ffff:0:10.0.0.1
            64:ff9b::10.0.0.1 64:ff9b:1::8.8.8.8 100::1 2001::1 2001:2::1 2001:10::1 2001:20::1 2001:db8::1
            2002:a00:1::1 2002:7f00:1:: 2607:f8b0::5efe:10.0.0.1 3fff::1 4000::1 5f00::1 fc00::1 fd12:3456::1
            fe80::1 fec0::1 ff02::1";
        for (text, kind) in all(private, texts) {
            assert!(kind.is_some(), "{text}");
        }
        let public =
            "8.8.8.8 1.1.1.1 100.63.255.255 100.128.0.1 126.0.0.1 128.0.0.1 172.15.0.1 172.32.0.1 192.0.1.1
            192.169.0.1 198.17.0.1 198.20.0.1 223.255.255.255 ::ffff:8.8.8.8 64:ff9b::8.8.8.8 2002:808:808::1
            2001:200::1 2001:4860:4860::8888 2606:4700::1111 2a00:1450:4001::1 2003::1";
        for (text, kind) in all(private, public) {
            assert_eq!(kind, None, "{text}");
        }
    }
}
