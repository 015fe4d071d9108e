//! Names whose addresses change between one look and the next.

use std::net::Ipv4Addr;

use gpx_tests::grafana::{DataSource, query};
use gpx_tests::plugin::{Plugin, root};
use gpx_tests::wire::Wire;
use gpx_tests_dns::NameServer;
use serde_json::json;

const METADATA: Ipv4Addr = Ipv4Addr::new(169, 254, 169, 254);

async fn fetch(plugin: &Plugin, source: &DataSource, url: &str) -> String {
    let fetch = query("A").kind("fetch").json(json!({ "url": url }));
    plugin.query(source, [fetch]).await.unwrap().answer("A").error.clone()
}

#[gpx_tests::test]
async fn an_address_is_checked_whenever_it_is_connected_to() {
    if !root::possible() {
        return;
    }
    let upstream = Wire::start().await;
    let names = NameServer::start_on_port_53("rebinding.test", Ipv4Addr::LOCALHOST).await.unwrap();
    let plugin = root::start(Plugin::guest("probe"), names.address().ip()).await.unwrap();
    let url = format!("http://rebinding.test:{}", upstream.address().port());
    let source = DataSource::new(&url);
    let prohibited = format!("169.254.169.254 of rebinding.test:{} is prohibited", upstream.address().port());

    assert_eq!(fetch(&plugin, &source, &url).await, "");
    names.answer([METADATA]);
    assert_eq!(fetch(&plugin, &source, &url).await, "", "an open connection leads where it led before");
    let error = fetch(&plugin, &source.clone().updated(), &url).await;
    assert!(error.contains(&prohibited), "{error}");
    // The first one refuses the connection, so the next is tried, and checked.
    names.answer([Ipv4Addr::new(127, 0, 0, 2), METADATA]);
    let error = fetch(&plugin, &source.clone().updated().updated(), &url).await;
    assert!(!error.is_empty(), "neither address may answer");
    names.answer([METADATA, Ipv4Addr::LOCALHOST]);
    assert_eq!(
        fetch(&plugin, &source.updated().updated().updated(), &url).await,
        "",
        "the one that may be reached"
    );
    assert_eq!(upstream.received().requests.len(), 3);
}
