//! Names to addresses in pure Rust: the executable is static, so the system's resolver cannot be loaded.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, UdpSocket};
use std::sync::Arc;

use hickory_resolver::config::ResolveHosts;
use hickory_resolver::net::NetError;
use hickory_resolver::proto::op::Query;
use hickory_resolver::proto::rr::{Name, RecordType};
use hickory_resolver::{Hosts, TokioResolver};
use tokio::sync::OnceCell;
use tokio::task::spawn_blocking;

use super::Error;

/// Reads /etc/hosts and /etc/resolv.conf when they are first needed. What goes wrong is that request's error, and the
/// next one tries again.
#[derive(Default)]
pub(super) struct Resolver {
    hosts: OnceCell<Hosts>,
    pub(super) dns: OnceCell<TokioResolver>,
}

// === impl Resolver ===

impl Resolver {
    /// The addresses of a name, in the order in which to try them.
    pub(super) async fn resolve(&self, host: &Arc<str>) -> Result<Vec<IpAddr>, Error> {
        let mut addresses = self.listed(host).await;
        if addresses.is_empty() && is_localhost(host) {
            addresses = vec![Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()];
        }
        if addresses.is_empty() {
            addresses = self.asked(host).await?;
        }
        if addresses.len() > 1 {
            addresses.sort_by_key(|address| !has_route(*address));
        }
        if addresses.is_empty() { Err(Error::NoAddress { host: host.clone() }) } else { Ok(addresses) }
    }

    /// From /etc/hosts, which comes first and is the last word on a name: no question for its other address family.
    async fn listed(&self, host: &str) -> Vec<IpAddr> {
        let Ok(name) = Name::from_utf8(host) else { return Vec::new() };
        let hosts = self.hosts.get_or_init(|| async {
            // Where the file is missing it lists nothing.
            spawn_blocking(|| Hosts::from_system().unwrap_or_default()).await.unwrap_or_default()
        });
        let hosts = hosts.await;
        let lookup = |kind| hosts.lookup_static_host(&Query::query(name.clone(), kind));
        let found = [lookup(RecordType::A), lookup(RecordType::AAAA)];
        found
            .iter()
            .flatten()
            .flat_map(|found| found.answers())
            .filter_map(|record| record.data.ip_addr())
            .collect()
    }

    async fn asked(&self, host: &Arc<str>) -> Result<Vec<IpAddr>, Error> {
        let dns = self
            .dns
            .get_or_try_init(|| async {
                spawn_blocking(system_dns)
                    .await
                    .unwrap_or(Err(NetError::Message("reading it was interrupted")))
            })
            .await
            .map_err(|source| Error::ResolverConfig { host: host.clone(), source })?;
        let lookup =
            dns.lookup_ip(&**host).await.map_err(|source| Error::Dns { host: host.clone(), source })?;
        Ok(lookup.iter().collect())
    }
}

fn system_dns() -> Result<TokioResolver, NetError> {
    let mut builder = TokioResolver::builder_tokio()?;
    builder.options_mut().use_hosts_file = ResolveHosts::Never;
    builder.build()
}

/// RFC 6761, section 6.3: these names are the loopback addresses, and never a question to DNS.
fn is_localhost(host: &str) -> bool {
    host == "localhost" || host.ends_with(".localhost")
}

/// Whether this machine could reach the address: connecting a UDP socket asks for a route and sends nothing. As RFC
/// 6724, section 5, rule 1 has it, addresses without one come last: mostly those of IPv6 in a container.
fn has_route(address: IpAddr) -> bool {
    const DISCARD: u16 = 9;
    let any =
        if address.is_ipv4() { IpAddr::from(Ipv4Addr::UNSPECIFIED) } else { Ipv6Addr::UNSPECIFIED.into() };
    UdpSocket::bind((any, 0)).and_then(|socket| socket.connect((address, DISCARD))).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn localhost_needs_no_file() {
        let resolver = Resolver { hosts: OnceCell::new_with(Some(Hosts::default())), dns: OnceCell::new() };
        let addresses = resolver.resolve(&"api.localhost".into()).await.unwrap();
        assert!(addresses.iter().all(IpAddr::is_loopback) && addresses.len() == 2);
        assert!(resolver.dns.get().is_none());
    }

    #[tokio::test]
    async fn a_listed_name_is_no_question_to_dns() {
        let mut hosts = Hosts::default();
        hosts.read_hosts_conf(&b"192.0.2.1 db db.example.com\n2001:db8::1 six\n"[..]).unwrap();
        let resolver = Resolver { hosts: OnceCell::new_with(Some(hosts)), dns: OnceCell::new() };
        for (name, address) in [("db", "192.0.2.1"), ("db.example.com", "192.0.2.1"), ("six", "2001:db8::1")]
        {
            assert_eq!(resolver.resolve(&name.into()).await.unwrap(), [address.parse::<IpAddr>().unwrap()]);
        }
        assert!(resolver.dns.get().is_none());
    }
}
