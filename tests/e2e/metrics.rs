//! CollectMetrics next to that of the example's twin on the Go SDK, and with metrics of the component's own. What differs on
//! purpose is in docs/differences.md.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use gpx_tests::collector::Collector;
use gpx_tests::grafana::{DataSource, query};
use gpx_tests::peer::{self, Tools};
use gpx_tests::plugin::Plugin;
use gpx_tests::upstream::Upstream;
use serde_json::{Value, json};

/// Makes the same calls of all services, and returns the families of metrics.
async fn families(tools: &Tools, executable: &Path, url: &str) -> BTreeMap<String, Value> {
    let mut peer = tools.run(executable, json!({})).await;
    let source = DataSource::new(url).plugin("gpx-httpbackend-datasource");
    let context = peer::context(&source);
    peer.get("ping", json!({})).await;
    let queries = [query("A"), query("B")].each_ref().map(peer::query);
    peer.get("query", json!({ "plugin_context": context, "queries": queries })).await;
    peer.get("health", json!({ "plugin_context": context })).await;
    let echo =
        json!({ "plugin_context": context, "method": "POST", "path": "echo", "url": "echo", "body": "hi" });
    peer.get("resource", echo).await;
    // The same one: Go makes an instance of another, although nobody serves these calls.
    let (uid, updated) = (&source.settings.uid, source.settings.last_updated_ms.to_string());
    let id = source.settings.id;
    let settings = json!({ "id": id, "uid": uid, "lastUpdatedMS": updated, "url": url, "jsonData": "e30=" });
    let same = json!({
        "orgId": 1, "pluginId": source.plugin, "namespace": source.namespace, "dataSourceInstanceSettings": settings,
    });
    for method in [
        "Stream/SubscribeStream",
        "Stream/RunStream",
        "Data/QueryChunkedData",
        "AdmissionControl/ValidateAdmission",
    ] {
        let call = json!({ "method": format!("pluginv2.{method}"), "request": { "pluginContext": same } });
        peer.get("invoke", call).await;
    }
    peer.get("reflect", json!({})).await;
    peer.get("metrics", json!({})).await;
    let mut metrics = peer.get("metrics", json!({})).await;
    peer.end().await;
    let families = metrics["families"].take();
    let named = |family: &Value| (family["name"].as_str().unwrap().to_owned(), family.clone());
    families.as_array().unwrap().iter().map(named).collect()
}

/// Returns a family's type, text, labels and buckets.
fn outline(family: &Value) -> Value {
    let series = family["series"].as_array().unwrap();
    let labels: BTreeSet<_> =
        series.iter().flat_map(|series| series["labels"].as_object().unwrap().keys()).collect();
    json!([family["type"], family["help"], labels, series[0]["bounds"]])
}

/// Checks that a scrape has these lines.
pub(crate) fn assert_has(metrics: &str, lines: &[&str]) {
    for line in lines {
        assert!(metrics.lines().any(|found| found == *line), "{line} is not in\n{metrics}");
    }
}

#[gpx_tests::test]
async fn names_types_texts_and_labels_are_those_of_go() {
    let Some(tools) = peer::tools() else { return };
    let upstream = Upstream::points(3).await;
    let ours = families(&tools, Plugin::packaged("http-backend").executable(), &upstream.url()).await;
    let theirs = families(&tools, &tools.twin, &upstream.url()).await;

    let outlines = |families: &BTreeMap<String, Value>, apart: &str| -> BTreeMap<String, Value> {
        let of_both = families.iter().filter(|(name, _)| !name.starts_with(apart));
        of_both.map(|(name, family)| (name.clone(), outline(family))).collect()
    };
    assert_eq!(outlines(&ours, "gpx_"), outlines(&theirs, "go_"));
    for name in ["process_open_fds", "plugins_datasource_response_size_bytes", "grpc_server_msg_sent_total"] {
        assert!(theirs.contains_key(name), "{name} in {:?}", theirs.keys());
    }

    // What the calls alone decide is equal to the last value.
    let counts = |families: &BTreeMap<String, Value>| {
        let mut counts = BTreeSet::new();
        for (name, family) in families {
            if !["grafana_", "grpc_", "plugins_"].iter().any(|prefix| name.starts_with(prefix)) {
                continue;
            }
            for series in family["series"].as_array().unwrap() {
                // How many messages a client of reflection sends depends on how the schema is split into files.
                let is_reflection = series["labels"]["grpc_method"] == "ServerReflectionInfo";
                let value = if is_reflection { &Value::Null } else { &series["value"] };
                counts.insert(format!("{name} {} {value}", series["labels"]));
            }
        }
        counts
    };
    let (ours, theirs) = (counts(&ours), counts(&theirs));
    let only =
        |one: &BTreeSet<String>, other: &BTreeSet<String>| one.difference(other).cloned().collect::<Vec<_>>();
    assert_eq!(only(&ours, &theirs), only(&theirs, &ours));
    assert!(ours.len() > 30, "{ours:#?}");
}

#[gpx_tests::test]
async fn traps_ends_of_requests_and_spans_are_counted() {
    let (collector, upstream) = (Collector::start().await, Upstream::points(1).await);
    let plugin = Plugin::guest("probe").tracing(&collector.address()).start().await;
    let source = DataSource::new(&upstream.url());
    let fetch = |id: &str, url: &str| query(id).kind("fetch").json(json!({ "url": url }));
    let queries = [
        query("A").kind("panic"),
        query("B").kind("trap"),
        fetch("C", &upstream.url()),
        fetch("D", "http://elsewhere.example/"),
    ];
    plugin.query(&source, queries).await.unwrap();
    let metrics = plugin.metrics().await.unwrap();
    assert_has(
        &metrics,
        &[
            r#"gpx_traps_total{kind="panic"} 1"#,
            r#"gpx_traps_total{kind="trap"} 1"#,
            r#"gpx_http_requests_total{outcome="response"} 1"#,
            r#"gpx_http_requests_total{outcome="denied"} 1"#,
        ],
    );
    // A batch fills up: to ask for metrics is a span, too.
    let exported = async || {
        let metrics = plugin.metrics().await.unwrap();
        let line = metrics.lines().find_map(|line| line.strip_prefix("gpx_spans_exported_total "));
        line.unwrap().parse::<u32>().unwrap()
    };
    while exported().await == 0 {}
}

#[gpx_tests::test]
async fn a_components_metrics_add_up_over_instances_and_data_sources() {
    let Some(tools) = peer::tools() else { return };
    let launch = Plugin::guest("probe");
    let mut peer = tools.run(launch.executable(), json!({})).await;
    for _ in 0..2 {
        let context = peer::context(&DataSource::new(""));
        let measure = |id: &str, value: f64| {
            peer::query(&query(id).kind("measure").json(json!({ "symbol": "A é", "value": value })))
        };
        let queries = [measure("A", 50.0), measure("B", 50.0), measure("C", 50.0)];
        let answer = peer.get("query", json!({ "plugin_context": context, "queries": queries })).await;
        let errors = ["A", "B", "C"].map(|id| answer["responses"][id]["error"].clone());
        assert_eq!(errors, ["", "", ""]);
    }
    let metrics = peer.get("metrics", json!({})).await;
    let family = |name: &str| {
        let families = metrics["families"].as_array().unwrap();
        let family = families.iter().find(|family| family["name"] == name);
        let family = family.unwrap_or_else(|| panic!("no {name} in {}", metrics["prometheus"]));
        let values = family["series"]
            .as_array()
            .unwrap()
            .iter()
            .map(|series| json!([series["labels"], series["value"]]));
        json!([family["type"], family["help"], values.collect::<Vec<_>>()])
    };
    let symbol = || json!({ "symbol": "A é" });
    for (name, expected) in [
        (
            "probe_reads_total",
            json!(["counter", "Reads, \"quoted\"\nand on two lines",
                [[{ "symbol": "A é", "from": "cache" }, "300"], [{ "symbol": "A é", "from": "upstream" }, "6"]]]),
        ),
        ("probe_calls_total", json!(["counter", "Calls", [[{}, "6"]]])),
        ("probe_level", json!(["gauge", "The last value", [[{}, "50"]]])),
        ("probe_open", json!(["gauge", "What is open", [[symbol(), "294"]]])),
        ("probe_sizes_bytes", json!(["histogram", "Sizes", [[symbol(), "6"]]])),
        ("probe_work_seconds", json!(["histogram", "How long it worked", [[{}, "6"]]])),
        ("probe_unused_total", json!(["counter", "Is there from the start", [[{}, "0"]]])),
        (
            "gpx_metrics_dropped_total",
            json!(["counter", "Values of the component's metrics that were dropped", [[{}, "0"]]]),
        ),
    ] {
        assert_eq!(family(name), expected, "{name}");
    }
    let families = metrics["families"].as_array().unwrap();
    let sizes = families.iter().find(|family| family["name"] == "probe_sizes_bytes").unwrap();
    let sizes = &sizes["series"][0];
    assert_eq!(
        (&sizes["bounds"], &sizes["counts"], &sizes["sum"]),
        (&json!(["10", "100", "+Inf"]), &json!([0, 6, 6]), &json!("300"))
    );
    peer.end().await;
}

#[gpx_tests::test]
async fn what_a_components_metrics_cannot_be_is_said_once() {
    let plugin = Plugin::guest("probe").start().await;
    let source = DataSource::new("");
    let secret = source.clone().secret("apiToken", "s3cr3t-token");
    let measure = query("A").kind("measure").json(json!({ "symbol": "it is s3cr3t-token", "value": 1 }));
    plugin.query(&secret, [measure]).await.unwrap();
    for _ in 0..2 {
        let reply = plugin.query(&source, [query("A").kind("mismeasure")]).await.unwrap();
        let frame = reply.frame("A");
        let said = |number: usize| frame.fields[0].values[number].as_str().unwrap().to_owned();
        assert!(said(0).starts_with("names that begin with process_ are for the host's own"), "{}", said(0));
        assert!(said(1).starts_with("it is registered already with another type"), "{}", said(1));
    }
    let metrics = plugin.metrics().await.unwrap();
    assert_has(&metrics, &["probe_calls_total 1", "probe_level NaN", "gpx_metrics_dropped_total 2"]);
    assert!(metrics.contains("symbol=\"it is [secret]\"") && !metrics.contains("s3cr3t"), "{metrics}");
    assert_eq!(metrics.matches("# TYPE process_cpu_seconds_total counter").count(), 1);

    let logs = plugin.logs.clone();
    assert!(plugin.stop().await.success());
    let lines = logs.all();
    let about = |name: &str| {
        let about = lines.iter().filter(|line| line.text("metric") == name);
        about
            .map(|line| (line.level.clone(), line.message.clone(), line.text("reason").to_owned()))
            .collect::<Vec<_>>()
    };
    assert_eq!(about("process_cpu_seconds_total").len(), 1);
    let calls = about("probe_calls_total");
    let messages: Vec<_> =
        calls.iter().map(|(level, message, _)| (level.as_str(), message.as_str())).collect();
    let dropped = ("warn", "A value of the plugin's metric is dropped");
    assert_eq!(messages, [dropped, ("warn", "The plugin's metric is not registered")]);
    assert_eq!(calls[0].2, "a counter only increases, by finite numbers, and not by -1");
}
