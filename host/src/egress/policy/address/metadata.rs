//! Where clouds serve an instance's metadata, and with it its credentials. Most use 169.254.169.254 and other link-local
//! addresses; all link-local addresses are special anyway.

use std::net::{Ipv4Addr, Ipv6Addr};

pub(super) const KIND: &str = "the cloud's metadata service";

const V4: [Ipv4Addr; 11] = [
    // AWS, Azure, Google, Oracle, DigitalOcean, Hetzner, IBM, OpenStack and most others.
    Ipv4Addr::new(169, 254, 169, 254),
    // AWS: tasks of ECS, and pods of EKS.
    Ipv4Addr::new(169, 254, 170, 2),
    Ipv4Addr::new(169, 254, 170, 23),
    // Tencent.
    Ipv4Addr::new(169, 254, 0, 23),
    Ipv4Addr::new(100, 88, 222, 5),
    // Alibaba.
    Ipv4Addr::new(100, 100, 100, 200),
    // Azure's WireServer, which is a public address.
    Ipv4Addr::new(168, 63, 129, 16),
    // Oracle, classic.
    Ipv4Addr::new(192, 0, 0, 192),
    // Volcengine.
    Ipv4Addr::new(100, 96, 0, 96),
    // UCloud.
    Ipv4Addr::new(100, 80, 80, 80),
    // Equinix Metal, which is a public address.
    Ipv4Addr::new(192, 80, 8, 124),
];

const V6: [Ipv6Addr; 6] = [
    // Google.
    Ipv6Addr::new(0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254),
    // Oracle.
    Ipv6Addr::new(0xfd00, 0xc1, 0, 0, 0, 0, 0xa9fe, 0xa9fe),
    // Scaleway.
    Ipv6Addr::new(0xfd00, 0x42, 0, 0, 0, 0, 0, 0x42),
    // Akamai.
    Ipv6Addr::new(0xfd00, 0xa9fe, 0xa9fe, 0, 0, 0, 0, 1),
    // Alibaba.
    Ipv6Addr::new(0xfd00, 0x100, 0, 0, 0, 0, 0x100, 0x200),
    // OpenStack, Huawei and Akamai.
    Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0xa9fe, 0xa9fe),
];

pub(super) fn is_v4(address: Ipv4Addr) -> bool {
    V4.contains(&address)
}

/// All services that AWS gives an instance are in one block: metadata, credentials of pods, DNS, time.
pub(super) fn is_v6(address: Ipv6Addr) -> bool {
    V6.contains(&address) || matches!(address.segments(), [0xfd00, 0xec2, ..])
}
