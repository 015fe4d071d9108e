//! Connections and grants belong to one version of one data source.

use gpx_tests::grafana::{DataSource, query};
use gpx_tests::plugin::Plugin;
use serde_json::json;

use super::{Upstreams, source};

/// Requests `url`, and returns the error.
async fn fetch(plugin: &Plugin, source: &DataSource, url: &str) -> String {
    let fetch = query("A").kind("fetch").json(json!({ "url": url }));
    plugin.query(source, [fetch]).await.unwrap().answer("A").error.clone()
}

/// The connection of the last request, and whether it had the key.
fn last(upstreams: &Upstreams, key: &str) -> (usize, bool) {
    let received = upstreams.own.received();
    let (connection, bytes) = received.requests.last().expect("a request").clone();
    (connection, String::from_utf8(bytes).unwrap().contains(&format!("\r\nx-key: {key}\r\n")))
}

#[gpx_tests::test]
async fn another_version_has_other_connections_credentials_and_grants() {
    let upstreams = Upstreams::start().await;
    let plugin = upstreams.probe().start().await;
    let own = format!("http://{}", upstreams.own.address());
    let first = source(&format!("{own}/api"));
    let below = format!("{own}/api/x");
    for _ in 0..2 {
        assert_eq!(fetch(&plugin, &first, &below).await, "");
        assert_eq!(last(&upstreams, "key"), (0, true), "a connection is reused");
    }
    let mut second = first.clone().updated().secret("httpHeaderValue1", "new");
    assert_eq!(fetch(&plugin, &second, &below).await, "");
    assert_eq!(last(&upstreams, "new"), (1, true));
    let seen = upstreams.own.received();
    second.settings.url = format!("{own}/other");
    let error = fetch(&plugin, &second.clone().updated(), &below).await;
    assert!(
        error.contains("is not below /other") && error.contains("gpx_allow_paths = /api/x under"),
        "{error}"
    );
    second.settings.url = format!("http://{}", upstreams.other.address());
    let error = fetch(&plugin, &second.updated().updated(), &below).await;
    assert!(error.contains("no grant for"), "an idle connection grants nothing: {error}");
    assert_eq!(upstreams.own.received().requests.len(), seen.requests.len());
}

#[gpx_tests::test]
async fn another_data_source_of_the_same_url_has_its_own() {
    let upstreams = Upstreams::start().await;
    let plugin = upstreams.probe().start().await;
    let own = format!("http://{}", upstreams.own.address());
    let (one, other) = (source(&own), source(&own).secret("httpHeaderValue1", "new"));
    let organisation = one.clone().org(2);
    for (source, key, connection) in [
        (&one, "key", 0),
        (&other, "new", 1),
        (&organisation, "key", 2),
        (&one, "key", 0),
        (&other, "new", 1),
    ] {
        assert_eq!(fetch(&plugin, source, &own).await, "");
        assert_eq!(last(&upstreams, key), (connection, true));
    }
}

/// What a component is granted for the one origin does not serve another that it reached before.
#[gpx_tests::test]
async fn an_idle_connection_of_a_granted_origin_is_not_the_data_sources() {
    let upstreams = Upstreams::start().await;
    let address = upstreams.own.address();
    let launch = upstreams.probe().setting("gpx_allow_hosts", &format!("localhost:{}", address.port()));
    let plugin = launch.start().await;
    let source = source(&format!("http://{address}"));
    let other_name = format!("http://localhost:{}", address.port());
    assert_eq!(fetch(&plugin, &source, &other_name).await, "");
    assert_eq!(last(&upstreams, "key"), (0, false), "another origin gets no credentials");
    assert_eq!(fetch(&plugin, &source, &format!("http://{address}")).await, "");
    assert_eq!(last(&upstreams, "key"), (1, true));
}
