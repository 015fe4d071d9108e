//! A data source's HTTP settings and Grafana's, as the upstream and the person who reads the panel see them.

use gpx_tests::grafana::{DataSource, query};
use gpx_tests::plugin::Plugin;
use gpx_tests::upstream::{Answer, Upstream};
use serde_json::json;

/// Requests `url`, and returns the error.
async fn fetch(plugin: &Plugin, source: &DataSource, url: &str) -> String {
    let fetch = query("A").kind("fetch").json(json!({ "url": url }));
    plugin.query(source, [fetch]).await.unwrap().answer("A").error.clone()
}

fn answer(body: &'static str) -> Answer {
    Answer::Full { status: 200, headers: Vec::new(), body: body.into() }
}

#[gpx_tests::test]
async fn grafanas_response_limit_counts_before_the_environments() {
    let upstream = Upstream::always(answer("0123456789")).await;
    let plugin = Plugin::guest("probe").env("GF_DATAPROXY_RESPONSE_LIMIT", "9").start().await;
    let source = DataSource::new(&upstream.url());
    let limited = |limit| format!("http: response body too large, response limit is set to: {limit}");
    for (config, limit) in [
        (None, Some(9)),
        (Some("4"), Some(4)),
        (Some("10"), None),
        (Some("0"), Some(9)),
        (Some("x"), Some(9)),
    ] {
        let source = match config {
            Some(config) => source.clone().grafana("GF_RESPONSE_LIMIT", config),
            None => source.clone(),
        };
        let error = fetch(&plugin, &source, &upstream.url()).await;
        match limit {
            Some(limit) => assert!(error.contains(&limited(limit)), "{config:?}: {error}"),
            None => assert_eq!(error, "", "{config:?}"),
        }
    }
}
