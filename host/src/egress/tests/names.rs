//! Names that are resolved by a DNS server of the test.

use std::net::Ipv4Addr;

use gpx_tests_dns::NameServer;

use super::*;

const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

/// A fixture that asks the name server, which it keeps running.
async fn fixture(address: Ipv4Addr) -> (Fixture, NameServer) {
    let names = NameServer::start("data.example.test", address).await.unwrap();
    let mut fixture = Fixture::new("");
    fixture.egress.resolver = Arc::new(Resolver::asking(names.address()));
    (fixture, names)
}

#[tokio::test]
async fn dns_is_asked() {
    let mut server = Server::always(OK).await;
    let url = format!("http://data.example.test:{}", server.address.port());
    let (fixture, _names) = fixture(Ipv4Addr::LOCALHOST).await;
    let client = fixture.client(&url);
    assert_eq!(text(send(&client, get(&url)).await.unwrap()).await.unwrap(), "ok");
    let host = format!("host: data.example.test:{}\r\n", server.address.port());
    assert!(server.request().await.1.contains(&host));
}

#[tokio::test]
async fn an_answer_that_changes_is_checked_again() {
    let close = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok";
    let server = Server::start(move |_| Scripted::Last(close.to_owned())).await;
    let url = format!("http://data.example.test:{}", server.address.port());
    let (fixture, names) = fixture(Ipv4Addr::LOCALHOST).await;
    let client = fixture.client(&url);
    assert_eq!(text(send(&client, get(&url)).await.unwrap()).await.unwrap(), "ok");
    names.answer([Ipv4Addr::new(169, 254, 169, 254)]);
    let error = send(&client, get(&url)).await.unwrap_err();
    assert!(matches!(error, RequestError::AddressProhibited { .. }), "{error:?}");
    names.answer([Ipv4Addr::new(169, 254, 169, 254), Ipv4Addr::LOCALHOST]);
    assert_eq!(text(send(&client, get(&url)).await.unwrap()).await.unwrap(), "ok");
}

#[tokio::test]
async fn a_granted_name_does_not_grant_a_prohibited_address() {
    let url = "http://data.example.test";
    let (fixture, _names) = fixture(Ipv4Addr::new(169, 254, 169, 254)).await;
    let client = fixture.client(url);
    let error = send(&client, get(url)).await.unwrap_err().to_string();
    assert_eq!(
        error,
        "169.254.169.254 of data.example.test:80 is prohibited (the cloud's metadata service); \
         add gpx_allow_hosts = data.example.test under [plugin.my-plugin]"
    );
}
