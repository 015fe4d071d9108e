//! HTTP/2 with nginx: how many connections there are, and that none that ends costs a request.

use std::collections::BTreeSet;
use std::path::Path;

use gpx_tests::artifacts;
use gpx_tests::both::{Both, call};
use gpx_tests::collector::Collector;
use gpx_tests::grafana::{DataSource, query};
use gpx_tests::peer::{self, Peer, Tools};
use gpx_tests::plugin::Plugin;
use gpx_tests::servers::nginx::{Nginx, Served, Site};
use gpx_tests::trace::{Trace, assert_alike};
use gpx_tests::upstream::Upstream;
use serde_json::{Value, json};

/// A data source of a site, by HTTP/2 where the site speaks it. The twin must be told.
fn source(nginx: &Nginx, site: usize) -> DataSource {
    let mut source = DataSource::new(&nginx.url(site)).json(json!({ "tlsSkipVerify": true }));
    source.settings.database = "http2".to_owned();
    source
}

fn connections(served: &[Served]) -> usize {
    served.iter().map(|served| served.connection).collect::<BTreeSet<_>>().len()
}

#[gpx_tests::test]
async fn many_requests_share_one_connection() {
    let Some(nginx) = Nginx::start(&[Site::secure(&["self"]).http2().says("ok")]).await else { return };
    let Some(mut both) = Both::start(json!({})).await else { return };
    let source = source(&nginx, 0);
    // At once, without any connection before, and later one after the other.
    for count in [50, 1, 1, 1] {
        let outcome = both.fetch_alike("many", &source, json!({ "url": nginx.url(0), "count": count })).await;
        assert_eq!(outcome.answers.len(), count);
    }
    let served = nginx.served(106).await;
    assert!(served.iter().all(|served| served.protocol == "HTTP/2.0"), "{served:?}");
    assert_eq!(connections(&served), 2, "one for each of the two");
    both.end().await;
}

/// Makes calls, eight at a time, while something else happens, and checks that none of them fails.
async fn loaded(peer: &mut Peer, source: &DataSource, calls: usize, meanwhile: impl Future<Output = ()>) {
    let mut load = call(source, json!({ "url": source.settings.url }));
    (load["callers"], load["calls"]) = (json!(8), json!(calls));
    let (figures, ()) = tokio::join!(peer.get("load", load), meanwhile);
    assert_eq!((&figures["errors"], &figures["failed_queries"]), (&json!(0), &json!(0)), "{figures}");
}

#[gpx_tests::test]
async fn a_goodbye_costs_no_request() {
    // After so many, nginx says GOAWAY and ends the connection.
    let site = Site::secure(&["self"]).http2().with("keepalive_requests 20;").says("ok");
    let Some(nginx) = Nginx::start(&[site]).await else { return };
    let Some(mut both) = Both::start(json!({})).await else { return };
    let source = source(&nginx, 0);
    loaded(&mut both.ours, &source, 1000, async {}).await;
    loaded(&mut both.theirs, &source, 1000, async {}).await;
    let served = nginx.served(2000).await;
    assert!(served.iter().all(|served| served.status == 200 && served.number <= 21), "{served:?}");
    assert_eq!(served.len(), 2000, "each was sent once");
    both.end().await;
}

#[gpx_tests::test]
async fn a_reload_costs_no_request() {
    let Some(nginx) = Nginx::start(&[Site::secure(&["self"]).http2().says("ok")]).await else { return };
    let Some(mut both) = Both::start(json!({})).await else { return };
    let source = source(&nginx, 0);
    let mut before = 0;
    for peer in [&mut both.ours, &mut both.theirs] {
        for _ in 0..5 {
            let seen = before + 100;
            let reload = async {
                nginx.served(seen).await;
                nginx.reload().await;
            };
            loaded(peer, &source, 400, reload).await;
            before += 400;
        }
        loaded(peer, &source, 100, async {}).await;
        before += 100;
    }
    let served = nginx.served(before).await;
    assert!(connections(&served[..2100]) >= 6, "each reload ends the connections of before");
    both.end().await;
}

#[gpx_tests::test]
async fn a_restart_costs_no_request_that_comes_later() {
    let Some(mut nginx) = Nginx::start(&[Site::secure(&["self"]).http2().says("ok")]).await else { return };
    let Some(mut both) = Both::start(json!({})).await else { return };
    let source = source(&nginx, 0);
    for _ in 0..3 {
        for method in ["GET", "POST"] {
            let wanted = json!({ "url": nginx.url(0), "method": method });
            assert_eq!(both.fetch_alike(method, &source, wanted).await.of_first("body"), "ok");
        }
        nginx.restart().await;
    }
    both.end().await;
}

/// Makes two calls in a process, and returns the trace of each.
async fn traces(tools: &Tools, executable: &Path, version: &str, source: &DataSource) -> Vec<Trace> {
    let collector = Collector::start().await;
    let mut peer = tools.run(executable, peer::tracing(&collector.address(), version)).await;
    let id = |number: usize| format!("0af7651916cd43dd8448eb211c8032{number:02x}");
    for number in 0..2 {
        let call = json!({
            "plugin_context": peer::context(source), "format": "json", "queries": [peer::query(&query("A"))],
            "traceparent": format!("00-{}-b7ad6b7169203331-01", id(number)),
        });
        let answer = peer.get("query", call).await;
        assert_eq!(answer["responses"]["A"]["error"], "");
    }
    // Shutdown flushes.
    peer.get("kill", json!({})).await;
    peer.end().await;
    let mut traces = Vec::new();
    for number in 0..2 {
        let whole = |trace: &Trace| trace.has(&["pluginv2.Data/QueryData", "sdk.queryData"]);
        traces.push(collector.wait_for_trace(&id(number), whole).await);
    }
    traces
}

#[gpx_tests::test]
async fn the_trace_is_that_of_go_over_tls_and_http2() {
    let upstream = Upstream::points(3).await;
    let secure = || Site::secure(&["self"]).passes_to(&upstream.url());
    let Some(nginx) = Nginx::start(&[secure(), secure().http2()]).await else { return };
    let Some(tools) = peer::tools() else { return };
    let launch = Plugin::packaged("http-backend");
    let description = std::fs::read(artifacts::packaged("http-backend").join("plugin.json")).unwrap();
    let description: Value = serde_json::from_slice(&description).unwrap();
    let version = description["info"]["version"].as_str().unwrap();
    for (site, what) in ["HTTP/1.1", "HTTP/2"].into_iter().enumerate() {
        let source = source(&nginx, site).plugin("gpx-httpbackend-datasource");
        let ours = traces(&tools, launch.executable(), version, &source).await;
        let theirs = traces(&tools, &tools.twin, version, &source).await;
        for (number, (ours, theirs)) in ours.iter().zip(&theirs).enumerate() {
            assert_alike(&format!("request {number} by {what}"), ours, theirs);
        }
    }
}
