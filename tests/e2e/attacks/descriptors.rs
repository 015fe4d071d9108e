//! Descriptors: a flood of connections takes none from other data sources and from Grafana.

use gpx_tests::grafana::{DataSource, query};
use gpx_tests::plugin::Plugin;
use gpx_tests::upstream::{Answer, Gate, Upstream, points};
use serde_json::json;
use tokio::task::JoinSet;

use crate::data_source::count;

/// Starts the probe with a limit on its open files, as a shell's `ulimit` sets it.
async fn start_with(limit: &str) -> Plugin {
    let script = format!("ulimit {limit}; exec \"$0\"");
    let started = Plugin::guest("probe").start_by(|_, executable| {
        vec!["/bin/sh".into(), "-c".into(), script, executable.to_string_lossy().into_owned()]
    });
    started.await.expect("the plugin starts")
}

#[gpx_tests::test]
async fn the_limit_of_open_files_is_raised_as_far_as_the_system_allows() {
    let plugin = start_with("-Sn 256").await;
    count(&plugin, &DataSource::new("")).await;
    let (limit, highest) = plugin.process().files_limit();
    assert_eq!(limit, highest);
    assert_ne!(highest, "256", "the test needs a higher one");
}

#[gpx_tests::test]
async fn what_waits_for_a_connection_is_told_once_and_measured() {
    let gate = Gate::closed();
    let upstream = Upstream::always(Answer::json(points(1)).after(&gate)).await;
    let plugin = Plugin::guest("probe").setting("gpx_connections_max", "2").start().await;
    let source = DataSource::new(&upstream.url());
    let mut calls = JoinSet::new();
    for _ in 0..5 {
        let model = json!({ "url": upstream.url() });
        let fetch = query("A").kind("fetch").json(model);
        calls.spawn(plugin.query(&source, [fetch]).into_future());
    }
    upstream.wait_for_requests(2).await;
    let line = plugin.logs.wait_for_message("Requests wait for a connection").await;
    let words = "Requests wait for a connection: the data source has 2, which is what gpx_connections_max = 2 under \
                 [plugin.gpx-test-datasource] allows; raise it";
    assert_eq!((line.level.as_str(), line.message.as_str()), ("warn", words));
    assert_eq!(line.text("dsUid"), source.settings.uid);
    while !plugin.metrics().await.unwrap().contains("\ngpx_connections_waiting 3\n") {}
    assert_eq!(upstream.requests().len(), 2);
    gate.open();
    for reply in calls.join_all().await {
        assert_eq!(reply.unwrap().answer("A").error, "");
    }
    assert!(plugin.metrics().await.unwrap().contains("\ngpx_connections_waiting 0\n"));
    let told = plugin.logs.all().into_iter().filter(|line| line.message == words).count();
    assert_eq!(told, 1);
}

#[gpx_tests::test]
async fn a_flood_of_connections_leaves_descriptors_for_others() {
    let gate = Gate::closed();
    let hanging = Upstream::always(Answer::json(points(1)).after(&gate)).await;
    let upstream = Upstream::points(1).await;
    let mut plugin = start_with("-n 256").await;
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
