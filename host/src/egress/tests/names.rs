//! Names that a DNS server of the test's own resolves.

use std::net::Ipv4Addr;

use hickory_resolver::TokioResolver;
use hickory_resolver::config::{NameServerConfig, ResolverConfig};
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::proto::op::{Message, MessageType};
use hickory_resolver::proto::rr::{RData, Record, RecordType};
use tokio::net::UdpSocket;

use super::*;

const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

/// Answers `address` to each question for an IPv4 address.
async fn dns(address: Ipv4Addr) -> TokioResolver {
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let mut server = NameServerConfig::udp(Ipv4Addr::LOCALHOST.into());
    server.connections[0].port = socket.local_addr().unwrap().port();
    tokio::spawn(async move {
        let mut question = [0; 512];
        loop {
            let (length, peer) = socket.recv_from(&mut question).await.unwrap();
            let mut message = Message::from_vec(&question[..length]).unwrap();
            message.metadata.message_type = MessageType::Response;
            let query = message.queries[0].clone();
            if query.query_type() == RecordType::A {
                message.add_answer(Record::from_rdata(query.name().clone(), 60, RData::A(address.into())));
            }
            socket.send_to(&message.to_vec().unwrap(), peer).await.unwrap();
        }
    });
    let config = ResolverConfig::from_parts(None, Vec::new(), vec![server]);
    TokioResolver::builder_with_config(config, TokioRuntimeProvider::default()).build().unwrap()
}

async fn fixture(address: Ipv4Addr) -> Fixture {
    let fixture = Fixture::new("");
    fixture.egress.resolver.dns.set(dns(address).await).ok().unwrap();
    fixture
}

#[tokio::test]
async fn dns_is_asked() {
    let mut server = Server::always(OK).await;
    let url = format!("http://data.example.test:{}", server.address.port());
    let client = fixture(Ipv4Addr::LOCALHOST).await.client(&url);
    assert_eq!(text(send(&client, get(&url)).await.unwrap()).await.unwrap(), "ok");
    let host = format!("host: data.example.test:{}\r\n", server.address.port());
    assert!(server.request().await.1.contains(&host));
}

#[tokio::test]
async fn a_granted_name_leads_to_no_prohibited_address() {
    let url = "http://data.example.test";
    let client = fixture(Ipv4Addr::new(169, 254, 169, 254)).await.client(url);
    let error = send(&client, get(url)).await.unwrap_err().to_string();
    assert_eq!(
        error,
        "169.254.169.254 of data.example.test:80 is prohibited (the cloud's metadata service); \
         add gpx_allow_hosts = data.example.test under [plugin.my-plugin]"
    );
}
