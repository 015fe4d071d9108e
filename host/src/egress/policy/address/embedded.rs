//! IPv4 addresses within IPv6 addresses: a router or tunnel sends what is sent to the one to the other.

use std::net::{Ipv4Addr, Ipv6Addr};

/// Returns each IPv4 address that the address may lead to. Networks may use translation prefixes of their own, which no
/// address shows; only the registered ones are known here.
pub(super) fn all(address: Ipv6Addr) -> Vec<Ipv4Addr> {
    let [a, b, c, d, e, f, g, h] = address.segments();
    let mut found = Vec::new();
    match [a, b, c, d, e, f] {
        // Compatible (RFC 4291, 2.5.5.1), which `::` and `::1` are not; mapped (2.5.5.2); translated (RFC 2765, 2.1).
        [0, 0, 0, 0, 0, 0] if g != 0 || h > 1 => found.push(v4(g, h)),
        [0, 0, 0, 0, 0, 0xffff] | [0, 0, 0, 0, 0xffff, 0] => found.push(v4(g, h)),
        // NAT64 (RFC 6052, 2.1).
        [0x64, 0xff9b, 0, 0, 0, 0] => found.push(v4(g, h)),
        // NAT64 within one network (RFC 8215). Its prefix has 48 bits or more, and the address begins after it, without the
        // byte that is always zero (RFC 6052, 2.2).
        [0x64, 0xff9b, 1, ..] => {
            let places =
                [v4(d, e << 8 | f >> 8), v4(d << 8 | e & 0xff, f), v4(e << 8 | f >> 8, f << 8 | g >> 8)];
            // Where nothing is, there are zeros.
            found.extend(places.into_iter().filter(|address| !address.octets().starts_with(&[0])));
            if found.is_empty() || g >> 8 != 0 {
                found.push(v4(g, h));
            }
        }
        // 6to4 (RFC 3056, 2).
        [0x2002, high, low, ..] => found.push(v4(high, low)),
        // Teredo (RFC 4380, 4): the server, and the client with all bits inverted.
        [0x2001, 0, high, low, ..] => found.extend([v4(high, low), v4(!g, !h)]),
        _ => {}
    }
    // ISATAP (RFC 5214, 6.1): below any prefix.
    if matches!([e, f], [0 | 0x200, 0x5efe]) {
        found.push(v4(g, h));
    }
    found
}

fn v4(high: u16, low: u16) -> Ipv4Addr {
    Ipv4Addr::from_bits(u32::from(high) << 16 | u32::from(low))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_form_leads_to_its_address() {
        let address = Ipv4Addr::new(192, 0, 2, 33);
        // The examples of RFC 6052, 2.4, with RFC 8215's prefix in place of the documentation's.
        for text in [
            "::192.0.2.33",
            "::ffff:192.0.2.33",
            "::ffff:0:192.0.2.33",
            "64:ff9b::192.0.2.33",
            "64:ff9b:1:c000:2:2100::",
            "64:ff9b:1:c0:0:221::",
            "64:ff9b:1:0:c0:2:2100::",
            "64:ff9b:1::192.0.2.33",
            "2002:c000:221::",
            "2001:0:c000:221::",
            "2001::3fff:fdde",
            "2001:db8::5efe:192.0.2.33",
            "2001:db8::200:5efe:192.0.2.33",
        ] {
            assert!(all(text.parse().unwrap()).contains(&address), "{text}");
        }
        for text in ["::", "::1", "2001:db8::c000:221", "fd00::1"] {
            assert!(all(text.parse().unwrap()).is_empty(), "{text}");
        }
    }
}
