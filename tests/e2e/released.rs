//! Components that use each interface of the contract: those that were built at earlier releases, which are kept in
//! tests/released, and today's. They do the same with this host. wit/README.md says how one is added.

use std::collections::BTreeMap;
use std::process::Stdio;

use gpx_tests::artifacts;
use gpx_tests::collector::Collector;
use gpx_tests::grafana::{DataSource, query};
use gpx_tests::plugin::Plugin;
use gpx_tests::proto::pluginv2::{
    DataSourceInstanceSettings, PluginContext, publish_stream_response, subscribe_stream_response,
};
use gpx_tests::trace::{OnlySpan as _, TRACE, TRACEPARENT};
use gpx_tests::upstream::{Answer, Upstream};
use prost::Message as _;
use serde_json::{Value, json};
use tokio::process::Command;

/// How large a component is that is kept, at most, in bytes.
const MAX_SIZE: usize = 400 << 10;

/// Returns the components with the version that each was built for.
fn components() -> BTreeMap<String, Vec<u8>> {
    let kept = std::fs::read_dir(artifacts::repository().join("tests/released")).unwrap();
    let mut components = BTreeMap::new();
    for path in kept.map(|entry| entry.unwrap().path()) {
        let component = std::fs::read(&path).unwrap();
        assert!(component.len() <= MAX_SIZE, "{} has {} bytes", path.display(), component.len());
        components.insert(path.file_stem().unwrap().to_str().unwrap().to_owned(), component);
    }
    components.insert("today".to_owned(), std::fs::read(artifacts::component("released")).unwrap());
    components
}

#[gpx_tests::test]
async fn a_component_of_each_release_does_what_it_did() {
    let components = components();
    assert!(components.len() > 1, "there are components of earlier releases");
    for (version, component) in components {
        println!("the component of {version}, {} bytes", component.len());
        let (upstream, collector) =
            (Upstream::always(Answer::text("text/plain", "hello")).await, Collector::start().await);
        let launch = Plugin::of(&component).setting("team", "observability").tracing(&collector.address());
        // Its machine code is its own, though it gets today's names before it is compiled.
        let mut compile = Command::new(artifacts::host());
        compile.arg("compile").arg(launch.directory().join("gpx_test.wasm")).stdout(Stdio::null());
        assert!(compile.status().await.unwrap().success());
        let plugin = launch.start().await;
        let source = DataSource::new(&upstream.url())
            .secret("token", "hunter2")
            .namespace("stacks-7")
            .grafana("GF_INSTANCE_FEATURE_TOGGLES_ENABLE", "one,two");

        context(&plugin, &source).await;
        queries(&plugin, &source).await;
        services(&plugin, &source).await;
        stream(&plugin, &source).await;
        // They came with 0.2.
        if version != "0.1" {
            objects(&plugin, &source).await;
        }

        let metrics = plugin.metrics().await.unwrap();
        for line in
            ["released_queries_total{kind=\"types\"} 1\n", "released_open 1\n", "released_seconds_count 1\n"]
        {
            assert!(metrics.contains(line), "{line:?} in {metrics}");
        }
        let line = plugin.logs.wait_for(|line| line.message == "read").await;
        assert_eq!((&line.fields["bytes"], line.text("dsUid")), (&json!(5), source.settings.uid.as_str()));
        let asked = upstream.requests();
        assert_eq!((asked.len(), asked[0].header("x-released")), (1, Some("sent")));
        plugin.logs.assert_valid();
        assert!(!plugin.logs.mention("Compiling the component"), "{}", plugin.logs);
        assert!(plugin.stop().await.success());

        let trace =
            collector.wait_for_trace(TRACE, |trace| trace.has(&["renamed", "pluginv2.Data/QueryData"])).await;
        let out = trace.span("HTTP Outgoing Request");
        assert_eq!(
            trace.path(out),
            ["pluginv2.Data/QueryData", "sdk.queryData", "renamed", "inner", "HTTP Outgoing Request"]
        );
        assert_eq!(trace.span("renamed").event_names(), ["happened"]);
        assert_eq!(trace.span("renamed").attributes["texts"], json!(["a", "b"]));
    }
}

/// What the component is told of a call, and what it is told if Grafana sends less.
async fn context(plugin: &Plugin, source: &DataSource) {
    let ask = |context: PluginContext| {
        plugin.query(context, [query("A").kind("context")]).header("http_X-Released", "seen")
    };
    let reply = ask(source.into()).await.unwrap();
    for (name, value) in [
        ("org", "1"),
        ("plugin", "gpx-test-datasource"),
        ("version", "1.2.3"),
        ("namespace", "stacks-7"),
        ("api", ""),
        ("grafana", "13.1.0"),
        ("toggles", "one two"),
        ("user", "ada Editor"),
        ("header", "seen"),
        ("has time", "true"),
        ("cancelled", "false"),
        ("kind", "SettingsKind::DataSource"),
        ("uid", source.settings.uid.as_str()),
        ("token", "hunter2"),
        ("team", "observability"),
    ] {
        assert_eq!(reply.frame("A").pairs()[name], value, "{name}");
    }
    let mut less = PluginContext::from(source);
    less.user = None;
    for text in [&mut less.plugin_version, &mut less.namespace, &mut less.user_agent] {
        text.clear();
    }
    let reply = ask(less).await.unwrap();
    for name in ["version", "namespace", "grafana", "user"] {
        assert_eq!(reply.frame("A").pairs()[name], "", "{name}");
    }
}

/// A column of each type, values that are shared, a request to the upstream, and a fault.
async fn queries(plugin: &Plugin, source: &DataSource) {
    let asked = ["types", "shared", "upstream"].map(|kind| query(kind).kind(kind));
    let reply = plugin.query(source, asked).traceparent(TRACEPARENT).await.unwrap();
    assert_eq!((reply.answer("types").status, reply.answer("B").status), (206, 200));
    let types = reply.frame("types");
    let items: Vec<_> = types.fields.iter().map(|field| field.item.as_str()).collect();
    assert_eq!(
        items.join(" "),
        "time.Time string bool int8 int16 int32 int64 uint8 uint16 uint32 uint64 float32 float64 json.RawMessage enum"
    );
    assert_eq!(types.field("text").values, [Value::Null]);
    assert_eq!((types.field("i64").numbers(), types.field("f64").numbers()), (vec![-4.0], vec![0.25]));
    assert_eq!(reply.frame("shared").field("value").values, ["loaded None"]);
    assert_eq!(reply.frame("upstream").field("text").values, ["hello"]);
    assert_eq!(reply.frame("upstream").field("trace").values, [TRACE]);

    let reply = plugin.query(source, [query("A").kind("fail")]).await.unwrap();
    assert_eq!(reply.answer("A").failure(), (503, "downstream", "failed on purpose"));
}

/// Chunks, a health check and a resource.
async fn services(plugin: &Plugin, source: &DataSource) {
    let mut chunks = plugin.chunks(source, [query("A")]).await.unwrap();
    let mut sent = Vec::new();
    while let Some(chunk) = chunks.message().await.unwrap() {
        sent.push((chunk.ref_id, chunk.frame_id, chunk.error));
    }
    let chunk = |frame_id: &str, error: &str| ("A".to_owned(), frame_id.to_owned(), error.to_owned());
    assert_eq!(sent, [chunk("f", ""), chunk("f", ""), chunk("", "failed on purpose")]);

    let health = plugin.health(source).await.unwrap();
    assert_eq!(health.message, "well");
    let details: Value = serde_json::from_slice(&health.json_details).unwrap();
    assert_eq!(details["a"], 1);

    let answer = plugin.resource(source, "POST", "greet/hello", r#"{"name":"ada"}"#).await.unwrap();
    assert_eq!((answer.status, answer.text().as_str(), answer.pieces.len()), (201, "hello ada", 2));
    assert_eq!(answer.headers["x-released"], ["answered"]);
}

/// Subscriptions, a publication, and the first packets of a stream.
async fn stream(plugin: &Plugin, source: &DataSource) {
    use subscribe_stream_response::Status;
    for (path, status) in
        [("ticks", Status::Ok), ("secret", Status::PermissionDenied), ("else", Status::NotFound)]
    {
        let reply = plugin.subscribe(source, path, "").await.unwrap();
        assert_eq!(reply.status(), status, "{path}");
        assert_eq!(!reply.data.is_empty(), path == "ticks");
    }
    let reply = plugin.publish(source, "ticks", "[1, 2]").await.unwrap();
    assert_eq!(reply.status(), publish_stream_response::Status::Ok);
    let published: Value = serde_json::from_slice(&reply.data).unwrap();
    assert_eq!(published, json!([1, 2]));

    let mut packets = plugin.run_stream(source, "ticks", "").await.unwrap();
    assert_eq!(packets.next().await, json!(["first"]));
    let whole = packets.next().await;
    assert_eq!((&whole["schema"]["name"], &whole["data"]["values"][1]), (&json!("tick"), &json!([1])));
    let data = packets.next().await;
    assert_eq!((data.get("schema"), &data["data"]["values"][1]), (None, &json!([2])));
}

/// Admission of objects and settings, and conversion of objects and queries.
async fn objects(plugin: &Plugin, source: &DataSource) {
    let allowed = plugin.validate(source, "Thing", "{}").await.unwrap();
    assert_eq!((allowed.allowed, allowed.warnings), (true, vec!["beware".to_owned()]));
    let denied = plugin.validate(source, "Denied", "{}").await.unwrap().result.unwrap();
    assert_eq!(
        (denied.message.as_str(), denied.reason.as_str(), denied.code),
        ("denied on purpose", "Invalid", 422)
    );
    let stored = plugin.mutate(source, "Thing", "[]").await.unwrap();
    assert_eq!(stored.object_bytes.as_ref(), b"{}");
    let settings = source.settings.encode_to_vec();
    let stored = plugin.mutate(source, "DataSourceInstanceSettings", settings).await.unwrap();
    let stored = DataSourceInstanceSettings::decode(stored.object_bytes).unwrap();
    assert_eq!(stored, DataSourceInstanceSettings { name: "renamed".to_owned(), ..source.settings.clone() });

    let converted = plugin.convert(source, "v2", [json!({ "name": "ada", "more": 1 })]).await.unwrap();
    assert_eq!(converted.objects[0].raw.as_ref(), br#"{"name":"ada"}"#);
    let unknown = plugin.convert(source, "unknown", [json!({})]).await.unwrap();
    assert_eq!(unknown.result.unwrap().code, 404);
    let request = json!({ "queries": [{ "name": "ada" }] });
    let converted = plugin.convert(source, "", [request]).await.unwrap();
    assert_eq!(converted.objects[0].raw.as_ref(), br#"{"name":"ada converted"}"#);
}
