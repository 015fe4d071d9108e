//! Resolves names to addresses, by one rule for the whole host: /etc/hosts, then localhost, then DNS.
//!
//! Written in pure Rust, since a static executable cannot load the system's resolver. Both of the system's files are
//! read again once they have changed, as Go's resolver does: the process may outlive a network.

use std::error::Error as StdError;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, UdpSocket};

use hickory_resolver::config::ResolveHosts;
use hickory_resolver::net::NetError;
use hickory_resolver::proto::op::Query;
use hickory_resolver::proto::rr::{Name, RecordType};
use hickory_resolver::{Hosts, TokioResolver};
use tokio::sync::{Semaphore, SemaphorePermit};

use super::files;
use super::system_file::SystemFile;
use crate::budget::Priority;

const HOSTS: &str = "/etc/hosts";
const RESOLV_CONF: &str = "/etc/resolv.conf";

/// How many names are looked up at once. Each lookup asks for both families and up to two servers, with a socket for each
/// question.
const MAX_LOOKUPS: usize = 16;

/// How many more of health checks, which do not wait for others' lookups.
const KEPT_LOOKUPS: usize = 4;

/// How many addresses of a name are tried. Each costs a system call here, and a connection if those before it fail.
const MAX_ADDRESSES: usize = 32;

/// Reads nothing until the first name is resolved.
pub(crate) struct Resolver {
    hosts: SystemFile<Hosts>,
    dns: SystemFile<TokioResolver>,
    lookups: Semaphore,
    kept_lookups: Semaphore,
}

/// Why a name has no addresses. Each message is one level; `source` has the next.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ResolveError {
    /// It is not known which DNS servers to ask.
    #[error("cannot read /etc/resolv.conf, which names the DNS servers that know {host}")]
    Configuration { host: String, source: Cause },
    /// No DNS server answered in time.
    #[error("cannot resolve {host}")]
    Timeout { host: String, source: Cause },
    /// The name does not exist, or DNS failed in another way.
    #[error("cannot resolve {host}")]
    Failed { host: String, source: Cause },
    /// Asking would need one more file than the process may open.
    #[error("cannot resolve {host}: {}", files::too_many())]
    TooManyFiles { host: String, source: Cause },
    /// The name exists, but has no address.
    #[error("{host} has no address")]
    NoAddress { host: String },
}

type Cause = Box<dyn StdError + Send + Sync>;

// === impl ResolveError ===

impl ResolveError {
    /// Whether DNS has answered that there is no such name, or that it has no address.
    pub(crate) fn is_unknown_name(&self) -> bool {
        match self {
            Self::NoAddress { .. } => true,
            Self::Failed { source, .. } => {
                source.downcast_ref::<NetError>().is_some_and(NetError::is_no_records_found)
            }
            Self::Configuration { .. } | Self::Timeout { .. } | Self::TooManyFiles { .. } => false,
        }
    }
}

// === impl Resolver ===

impl Default for Resolver {
    fn default() -> Self {
        Self::new(SystemFile::new(HOSTS), SystemFile::new(RESOLV_CONF))
    }
}

impl Resolver {
    fn new(hosts: SystemFile<Hosts>, dns: SystemFile<TokioResolver>) -> Self {
        let (lookups, kept_lookups) = (Semaphore::new(MAX_LOOKUPS), Semaphore::new(KEPT_LOOKUPS));
        Self { hosts, dns, lookups, kept_lookups }
    }

    /// Returns the addresses of a name, at least one, in the order in which to try them.
    pub(crate) async fn resolve(&self, host: &str, priority: Priority) -> Result<Vec<IpAddr>, ResolveError> {
        let mut addresses = self.listed(host).await?;
        if addresses.is_empty() && is_localhost(host) {
            addresses = vec![Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()];
        }
        if addresses.is_empty() {
            addresses = self.looked_up(host, priority).await?;
        }
        addresses.truncate(MAX_ADDRESSES);
        if addresses.len() > 1 {
            addresses.sort_by_key(|address| !has_route(*address));
        }
        if addresses.is_empty() {
            Err(ResolveError::NoAddress { host: host.to_owned() })
        } else {
            Ok(addresses)
        }
    }

    /// Returns the addresses in /etc/hosts. A name listed there is not looked up in DNS, not even for the other address
    /// family.
    async fn listed(&self, host: &str) -> Result<Vec<IpAddr>, ResolveError> {
        let Ok(name) = Name::from_utf8(host) else { return Ok(Vec::new()) };
        let hosts = match self.hosts.get(system_hosts).await {
            Ok(hosts) => hosts,
            Err(error) if files_are_too_many(&error) => return Err(too_many_files(host, error)),
            Err(_) => return Ok(Vec::new()),
        };
        let lookup = |kind| hosts.lookup_static_host(&Query::query(name.clone(), kind));
        let found = [lookup(RecordType::A), lookup(RecordType::AAAA)];
        let records = found.iter().flatten().flat_map(|found| found.answers());
        Ok(records.filter_map(|record| record.data.ip_addr()).collect())
    }

    async fn looked_up(&self, host: &str, priority: Priority) -> Result<Vec<IpAddr>, ResolveError> {
        let dns = self.dns.get(system_dns).await.map_err(|error| match error {
            error if files_are_too_many(&error) => too_many_files(host, error),
            error => ResolveError::Configuration { host: host.to_owned(), source: error.into() },
        })?;
        let _permit = self.permit(priority).await;
        let lookup = dns.lookup_ip(host).await.map_err(|error| match error {
            error if files_are_too_many(&error) => too_many_files(host, error),
            NetError::Timeout => ResolveError::Timeout { host: host.to_owned(), source: error.into() },
            _ => ResolveError::Failed { host: host.to_owned(), source: error.into() },
        })?;
        Ok(lookup.iter().collect())
    }

    /// Waits until one more name may be looked up. The semaphores are never closed.
    async fn permit(&self, priority: Priority) -> Option<SemaphorePermit<'_>> {
        let usual = self.lookups.acquire();
        match priority {
            Priority::Usual | Priority::Lasting => usual.await.ok(),
            Priority::Ahead => tokio::select! {
                biased;
                permit = usual => permit.ok(),
                permit = self.kept_lookups.acquire() => permit.ok(),
            },
        }
    }
}

/// A missing file lists nothing. One that could not be opened now is read again.
fn system_hosts() -> Result<Hosts, NetError> {
    match Hosts::from_system() {
        Err(error) if files::are_too_many(&error) => Err(error.into()),
        hosts => Ok(hosts.unwrap_or_default()),
    }
}

fn files_are_too_many(error: &NetError) -> bool {
    matches!(error, NetError::Io(io) if files::are_too_many(io))
}

fn too_many_files(host: &str, error: NetError) -> ResolveError {
    ResolveError::TooManyFiles { host: host.to_owned(), source: error.into() }
}

fn system_dns() -> Result<TokioResolver, NetError> {
    let mut builder = TokioResolver::builder_tokio()?;
    builder.options_mut().use_hosts_file = ResolveHosts::Never;
    builder.build()
}

/// RFC 6761, section 6.3: these names mean the loopback addresses and are never looked up in DNS.
fn is_localhost(host: &str) -> bool {
    let host = host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase();
    host == "localhost" || host.ends_with(".localhost")
}

/// Returns whether this machine has a route to the address. Connecting a UDP socket looks one up and sends nothing. As
/// in RFC 6724, section 5, rule 1, addresses without a route come last; in a container, these are mostly IPv6
/// addresses.
fn has_route(address: IpAddr) -> bool {
    const DISCARD: u16 = 9;
    let any =
        if address.is_ipv4() { IpAddr::from(Ipv4Addr::UNSPECIFIED) } else { Ipv6Addr::UNSPECIFIED.into() };
    UdpSocket::bind((any, 0)).and_then(|socket| socket.connect((address, DISCARD))).is_ok()
}

#[cfg(test)]
impl Resolver {
    /// Makes a resolver that knows what `hosts` lists, in the format of /etc/hosts, and has no DNS server.
    pub(crate) fn listing(hosts: &str) -> Self {
        let mut listed = Hosts::default();
        listed.read_hosts_conf(hosts.as_bytes()).unwrap();
        Self::new(SystemFile::fixed(listed), SystemFile::fixed(dns(Vec::new())))
    }

    /// Makes a resolver that asks the DNS server at `address`.
    pub(crate) fn asking(address: std::net::SocketAddr) -> Self {
        let mut server = hickory_resolver::config::NameServerConfig::udp(address.ip());
        server.connections[0].port = address.port();
        Self::new(SystemFile::fixed(Hosts::default()), SystemFile::fixed(dns(vec![server])))
    }
}

#[cfg(test)]
fn dns(servers: Vec<hickory_resolver::config::NameServerConfig>) -> TokioResolver {
    use hickory_resolver::config::ResolverConfig;
    use hickory_resolver::net::runtime::TokioRuntimeProvider;

    let config = ResolverConfig::from_parts(None, Vec::new(), servers);
    TokioResolver::builder_with_config(config, TokioRuntimeProvider::default()).build().unwrap()
}

#[cfg(test)]
mod tests {
    use gpx_tests_dns::NameServer;

    use super::*;

    #[tokio::test]
    async fn localhost_needs_neither_file_nor_server() {
        let resolver = Resolver::listing("");
        for name in ["localhost", "api.localhost", "API.LocalHost."] {
            let addresses = resolver.resolve(name, Priority::Usual).await.unwrap();
            assert!(addresses.iter().all(IpAddr::is_loopback) && addresses.len() == 2, "{name}");
        }
        let error = resolver.resolve("notlocalhost", Priority::Usual).await.unwrap_err();
        assert!(matches!(error, ResolveError::Failed { .. }), "{error:?}");
    }

    #[tokio::test]
    async fn a_health_check_does_not_wait_for_lookups_of_others() {
        // It never answers.
        let server = tokio::net::UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let resolver = std::sync::Arc::new(Resolver::asking(server.local_addr().unwrap()));
        let mut lookups = tokio::task::JoinSet::new();
        let mut look_up = |name: String, priority| {
            let resolver = resolver.clone();
            lookups.spawn(async move { resolver.resolve(&name, priority).await });
        };
        // Returns the names that have been asked for once there are so many, in any order. A query is repeated.
        let asked = async |names: usize| {
            let (mut packet, mut asked) = ([0; 512], std::collections::HashSet::new());
            while asked.len() < names {
                let length = server.recv(&mut packet).await.unwrap();
                // The question begins with the first label: its length, and its letters (RFC 1035, 4.1.2).
                let label = &packet[13..13 + usize::from(packet[12])];
                assert!(length > 12 + label.len());
                asked.insert(label.to_vec());
            }
            asked
        };
        (0..=MAX_LOOKUPS).for_each(|number| look_up(format!("query{number}.example.test"), Priority::Usual));
        asked(MAX_LOOKUPS).await;
        assert_eq!(resolver.lookups.available_permits(), 0);
        look_up("health.example.test".to_owned(), Priority::Ahead);
        while !asked(1).await.contains(b"health".as_slice()) {}
        assert!(lookups.try_join_next().is_none(), "none of the others had ended");
    }

    #[tokio::test]
    async fn a_listed_name_is_not_looked_up_in_dns() {
        let resolver = Resolver::listing("192.0.2.1 db db.example.com\n2001:db8::1 six\n192.0.2.2 localhost");
        for (name, address) in [
            ("db", "192.0.2.1"),
            ("DB.example.com", "192.0.2.1"),
            ("six", "2001:db8::1"),
            ("localhost", "192.0.2.2"),
        ] {
            assert_eq!(
                resolver.resolve(name, Priority::Usual).await.unwrap(),
                [address.parse::<IpAddr>().unwrap()],
                "{name}"
            );
        }
    }

    #[tokio::test]
    async fn only_so_many_addresses_of_a_name_are_used() {
        let list: String = (0..200).map(|number| format!("127.0.1.{number} many\n")).collect();
        let addresses = Resolver::listing(&list).resolve("many", Priority::Usual).await.unwrap();
        assert_eq!(addresses.len(), MAX_ADDRESSES);
        let names = NameServer::start("many.test", Ipv4Addr::LOCALHOST).await.unwrap();
        names.answer((0..60).map(|number| Ipv4Addr::new(127, 0, 1, number)));
        let addresses =
            Resolver::asking(names.address()).resolve("many.test", Priority::Usual).await.unwrap();
        assert_eq!(addresses.len(), MAX_ADDRESSES);
    }

    #[tokio::test]
    async fn other_names_are_looked_up_in_dns() {
        let names = NameServer::start("data.example.test", Ipv4Addr::new(192, 0, 2, 3)).await.unwrap();
        let resolver = Resolver::asking(names.address());
        assert_eq!(
            resolver.resolve("data.example.test", Priority::Usual).await.unwrap(),
            [Ipv4Addr::new(192, 0, 2, 3)]
        );
        let error = resolver.resolve("other.example.test", Priority::Usual).await.unwrap_err();
        assert!(matches!(error, ResolveError::Failed { .. }), "{error:?}");
        assert_eq!(error.to_string(), "cannot resolve other.example.test");
    }
}
