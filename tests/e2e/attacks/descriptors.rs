//! Descriptors: a flood of connections takes none from other data sources and from Grafana.

use gpx_tests::grafana::{DataSource, query};
use gpx_tests::plugin::Plugin;
use gpx_tests::upstream::{Answer, Gate, Upstream, points};
use serde_json::json;
use tokio::task::JoinSet;

#[gpx_tests::test]
async fn a_flood_of_connections_leaves_descriptors_for_others() {
    let gate = Gate::closed();
    let hanging = Upstream::always(Answer::json(points(1)).after(&gate)).await;
    let upstream = Upstream::points(1).await;
    let start = |_: &std::path::Path, executable: &std::path::Path| {
        let script = "ulimit -n 256; exec \"$0\"";
        vec!["/bin/sh".into(), "-c".into(), script.into(), executable.to_string_lossy().into_owned()]
    };
    let mut plugin = Plugin::guest("probe").start_by(start).await.unwrap();
    // Each time another data source, which has no connection yet.
    let other = || DataSource::new(&upstream.url());
    let fetch = |plugin: &Plugin| {
        plugin
            .query(&other(), [query("A").kind("fetch").json(json!({ "url": upstream.url() }))])
            .into_future()
    };
    assert_eq!(fetch(&plugin).await.unwrap().answer("A").error, "");

    let mut floods = JoinSet::new();
    for _ in 0..11 {
        let model = json!({ "url": hanging.url(), "count": 100 });
        let flood = query("A").kind("fetch-many").json(model);
        floods.spawn(plugin.query(&DataSource::new(&hanging.url()), [flood]).into_future());
    }
    // Until the flood gets no further.
    let (mut arrived, mut unchanged) = (0, 0);
    while unchanged < 20 {
        let reply = fetch(&plugin).await.unwrap();
        assert_eq!(reply.answer("A").error, "", "beside {arrived} connections");
        let now = hanging.requests().len();
        unchanged = if now == arrived && now > 0 { unchanged + 1 } else { 0 };
        arrived = now;
    }
    // Another connection of Grafana's; the old one is closed once the flood is over.
    plugin.reconnect().await;
    plugin.health(&other()).await.unwrap();
    assert_eq!(fetch(&plugin).await.unwrap().answer("A").error, "");
    gate.open();
    for reply in floods.join_all().await {
        let reply = reply.unwrap();
        let error = &reply.answer("A").error;
        // What waited for a connection longer than a request may take says so.
        let in_words = ["in time", "became free within"].iter().any(|words| error.contains(words));
        assert!(error.is_empty() || in_words, "{error}");
    }
    let descriptors = plugin.process().descriptors();
    assert!(descriptors <= 256, "{descriptors}");
}
