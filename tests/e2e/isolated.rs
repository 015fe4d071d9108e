//! The plugin in an otherwise empty root directory that it cannot write to, with an upstream known only by name.

use std::net::Ipv4Addr;

use gpx_tests::collector::Collector;
use gpx_tests::grafana::{DataSource, query};
use gpx_tests::plugin::{Plugin, root};
use gpx_tests::trace::{OnlySpan as _, TRACE, TRACEPARENT};
use gpx_tests::upstream::Upstream;
use gpx_tests_dns::NameServer;

#[gpx_tests::test]
async fn a_query_from_an_empty_root_directory() {
    if !root::possible() {
        return;
    }
    let (upstream, collector) = (Upstream::points(3).await, Collector::start().await);
    let names = NameServer::start_on_port_53("upstream.test", Ipv4Addr::LOCALHOST).await.unwrap();
    let launch = Plugin::packaged("http-backend").tracing(&collector.address());
    let plugin = root::start(launch, names.address().ip()).await.unwrap();

    let url = format!("http://upstream.test:{}", upstream.address().port());
    let call = plugin.query(&DataSource::new(&url), [query("A")]);
    let reply = call.traceparent(TRACEPARENT).await.unwrap();
    assert_eq!(reply.frame("A").rows(), 3);
    assert_eq!(upstream.requests()[0].header("host"), Some(url.trim_start_matches("http://")));
    assert!(plugin.stop().await.success());
    let trace = collector.wait_for_trace(TRACE, |trace| trace.has(&["HTTP Outgoing Request"])).await;
    let events = trace.span("HTTP Outgoing Request").event_names().join(" ");
    assert!(events.contains("http.dns.start") && events.contains("http.dns.done"), "{events}");
}

#[gpx_tests::test]
async fn a_name_that_does_not_exist() {
    if !root::possible() {
        return;
    }
    let names = NameServer::start_on_port_53("upstream.test", Ipv4Addr::LOCALHOST).await.unwrap();
    let plugin = root::start(Plugin::packaged("http-backend"), names.address().ip()).await.unwrap();
    let reply = plugin.query(&DataSource::new("http://elsewhere.test"), [query("A")]).await.unwrap();
    assert_eq!(reply.answer("A").failure(), (502, "plugin", "bad gateway request"));
    let line = plugin.logs.wait_for_message("upstream failed").await;
    assert_eq!(line.text("error"), "GET http://elsewhere.test/: the name cannot be resolved");
}
