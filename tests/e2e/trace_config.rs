//! How tracing is configured: Grafana's variables of each version, the operator's settings, and what a call's metadata say.

mod docs;

use gpx_tests::collector::Collector;
use gpx_tests::grafana::{DataSource, query};
use gpx_tests::logs::Line;
use gpx_tests::plugin::{Launch, Plugin};
use gpx_tests::trace::{OnlySpan as _, PARENT, TRACE, TRACEPARENT, Trace};
use gpx_tests::upstream::{Answer, Upstream};
use serde_json::json;

/// Whether the span that ends last has arrived.
fn whole(trace: &Trace) -> bool {
    trace.has(&["pluginv2.Data/QueryData"])
}

/// Calls the plugin once, within Grafana's trace, and returns that trace.
async fn traced(plugin: Plugin, upstream: &Upstream, collector: &Collector) -> Trace {
    let source = DataSource::new(&upstream.url());
    plugin.query(&source, [query("A")]).traceparent(TRACEPARENT).await.unwrap();
    assert!(plugin.stop().await.success());
    collector.wait_for_trace(TRACE, whole).await
}

async fn announced(launch: Launch) -> Line {
    let plugin = launch.start().await;
    plugin.logs.wait_for(|line| line.message.starts_with("Tracing is ")).await
}

#[gpx_tests::test]
async fn the_variables_of_each_version_of_grafana_turn_tracing_on() {
    let upstream = Upstream::points(1).await;
    let old = |launch: Launch| {
        // To Grafana 10, which needs `tracing = true`, without a sampler.
        launch.setting("tracing", "true").env("GF_INSTANCE_OTLP_PROPAGATION", "")
    };
    let with_sampler = |launch: Launch| {
        // 11 and 12.
        launch
            .env("GF_INSTANCE_OTLP_PROPAGATION", "w3c")
            .env("GF_INSTANCE_OTLP_SAMPLER_TYPE", "")
            .env("GF_INSTANCE_OTLP_SAMPLER_PARAM", "1.000000")
            .env("GF_INSTANCE_OTLP_SAMPLER_REMOTE_URL", "")
    };
    let today = |launch: Launch| {
        launch
            .env("GF_INSTANCE_OTLP_PROPAGATION", "jaeger,w3c")
            .env("GF_INSTANCE_OTLP_SAMPLER_TYPE", "rateLimiting")
            .env("GF_INSTANCE_OTLP_SAMPLER_PARAM", "5.000000")
            .env("GF_INSTANCE_OTLP_SAMPLER_REMOTE_URL", "http://localhost:5778/sampling")
    };
    let versions: [&dyn Fn(Launch) -> Launch; 3] = [&old, &with_sampler, &today];
    for version in versions {
        let collector = Collector::start().await;
        let launch = Plugin::packaged("http-backend").env("GF_INSTANCE_OTLP_ADDRESS", &collector.address());
        let plugin = version(launch).env("GF_PLUGIN_VERSION", "1.2.3").start().await;
        let logs = plugin.logs.clone();
        traced(plugin, &upstream, &collector).await;
        let complaints: Vec<_> = logs.all().into_iter().filter(|line| line.level == "error").collect();
        assert!(complaints.is_empty(), "{complaints:?}");
    }
}

#[gpx_tests::test]
async fn one_line_says_whether_and_how_spans_are_recorded_and_why() {
    let on = announced(Plugin::guest("probe").tracing("localhost:4317")).await;
    assert_eq!((on.message.as_str(), on.level.as_str()), ("Tracing is on", "info"));
    for (key, value, from) in [
        ("endpoint", "http://localhost:4317/", "address under [tracing.opentelemetry.otlp]"),
        ("protocol", "grpc", "default"),
        ("tls", "off", "address under [tracing.opentelemetry.otlp]"),
        ("propagation", "w3c,baggage", "propagation under [tracing.opentelemetry.otlp]"),
        ("sampler", "const", "default"),
        ("samplerParam", "1", "sampler_param under [tracing.opentelemetry]"),
    ] {
        assert_eq!((on.text(key), on.text(&format!("{key}From"))), (value, from), "{key} of {on:?}");
    }
    let off = announced(Plugin::guest("probe")).await;
    assert_eq!((off.message.as_str(), off.level.as_str()), ("Tracing is off", "info"));
    assert!(off.text("reason").starts_with("no OTLP address was passed"), "{off:?}");
    let off = announced(Plugin::guest("probe").tracing("localhost:4317").setting("tracing", "false")).await;
    assert_eq!(off.message, "Tracing is off");
    assert!(off.text("reason").contains("tracing = false"), "{off:?}");
}

#[gpx_tests::test]
async fn tracing_that_is_turned_off_sends_nothing_and_hands_the_trace_on() {
    let (upstream, collector) = (Upstream::points(1).await, Collector::start().await);
    let launch = Plugin::packaged("http-backend").tracing(&collector.address());
    let launch = launch.setting("tracing", "false").env("GF_INSTANCE_OTLP_PROPAGATION", "jaeger");
    let plugin = launch.start().await;
    let uber = format!("{TRACE}:{PARENT}:0:1");
    let call = plugin.query(&DataSource::new(&upstream.url()), [query("A")]);
    call.metadata("uber-trace-id", &uber).await.unwrap();
    assert!(plugin.stop().await.success());
    assert_eq!(upstream.requests()[0].header("uber-trace-id"), Some(uber.as_str()));
    assert!(collector.spans().is_empty());
}

#[gpx_tests::test]
async fn the_operators_settings_count_before_grafanas_and_those_before_opentelemetrys() {
    let upstream = Upstream::points(1).await;
    let (plugins, grafanas, otels) =
        (Collector::start().await, Collector::start().await, Collector::start().await);
    let otel = |launch: Launch| {
        launch
            .env("OTEL_EXPORTER_OTLP_ENDPOINT", &format!("http://{}", otels.address()))
            .env("OTEL_RESOURCE_ATTRIBUTES", "service.name=other,host.name=from%20OTEL")
    };
    let grafana = |launch: Launch| otel(launch.env("GF_INSTANCE_OTLP_ADDRESS", &grafanas.address()));
    let plugin = |launch: Launch| {
        grafana(launch)
            .setting("gpx_otlp_endpoint", &format!("http://{}", plugins.address()))
            .setting("gpx_resource_attributes", "my_plugin.my_attribute=operator%2C1,team=a")
    };
    let trace = traced(otel(Plugin::packaged("http-backend")).start().await, &upstream, &otels).await;
    let resource = &trace.span("sdk.queryData").resource;
    assert_eq!(resource["host.name"], json!("from OTEL"));
    assert_eq!(resource["service.name"], json!("gpx-httpbackend-datasource"));
    otels.forget();
    traced(grafana(Plugin::packaged("http-backend")).start().await, &upstream, &grafanas).await;
    grafanas.forget();
    let trace = traced(plugin(Plugin::packaged("http-backend")).start().await, &upstream, &plugins).await;
    let resource = &trace.span("sdk.queryData").resource;
    // The operator's come after the author's.
    assert_eq!(resource["my_plugin.my_attribute"], json!("operator,1"));
    assert_eq!(resource["team"], json!("a"));
    assert!(resource.get("host.name").is_none(), "{resource:?}");
    assert!(otels.spans().is_empty() && grafanas.spans().is_empty());
}

#[gpx_tests::test]
async fn jaegers_header_travels_in_and_out_beside_w3cs() {
    let traceparent = format!("00-{TRACE}-{PARENT}-01");
    let (short, padded) = (TRACE.trim_start_matches('0'), TRACE);
    let uber = format!("{short}:{PARENT}:0:3");
    for (list, incoming, w3c, jaeger) in [
        ("jaeger", ("uber-trace-id", &uber), false, true),
        ("jaeger,w3c", ("uber-trace-id", &uber), true, true),
        (" w3c , jaeger", ("traceparent", &traceparent), true, true),
        ("w3c", ("traceparent", &traceparent), true, false),
    ] {
        let (upstream, collector) = (Upstream::points(1).await, Collector::start().await);
        let launch = Plugin::packaged("http-backend").tracing(&collector.address());
        let plugin = launch.env("GF_INSTANCE_OTLP_PROPAGATION", list).start().await;
        let source = DataSource::new(&upstream.url());
        plugin.query(&source, [query("A")]).metadata(incoming.0, incoming.1).await.unwrap();
        assert!(plugin.stop().await.success());
        let trace = collector.wait_for_trace(padded, whole).await;
        assert_eq!(trace.span("pluginv2.Data/QueryData").parent_id, PARENT, "{list}");
        let span = &trace.span("HTTP Outgoing Request").span_id;
        let request = &upstream.requests()[0];
        let flags = if incoming.0 == "traceparent" { 1 } else { 3 };
        let expected = jaeger.then(|| format!("{padded}:{span}:0:{flags}"));
        assert_eq!(request.header("uber-trace-id"), expected.as_deref(), "{list}");
        let expected = w3c.then(|| format!("00-{padded}-{span}-01"));
        assert_eq!(request.header("traceparent"), expected.as_deref(), "{list}");
    }
}

#[gpx_tests::test]
async fn baggage_says_the_same_when_it_is_handed_on() {
    let (upstream, collector) = (Upstream::points(1).await, Collector::start().await);
    let plugin = Plugin::packaged("http-backend").tracing(&collector.address()).start().await;
    let source = DataSource::new(&upstream.url());
    for (incoming, outgoing) in
        [("a=%2541,b=x%2cy;p=%20", "a=%2541,b=x%2Cy;p=%20"), ("bad member,c=1", "c=1"), ("bad", "")]
    {
        upstream.forget();
        let call = plugin.query(&source, [query("A")]).traceparent(TRACEPARENT);
        call.metadata("baggage", incoming).await.unwrap();
        assert_eq!(upstream.requests()[0].header("baggage").unwrap_or_default(), outgoing);
    }
}

#[gpx_tests::test]
async fn a_tenant_stands_on_every_span_of_the_plugin() {
    let (upstream, collector) = (Upstream::points(1).await, Collector::start().await);
    let plugin = Plugin::packaged("http-backend").tracing(&collector.address()).start().await;
    let source = DataSource::new(&upstream.url());
    let call = plugin.query(&source, [query("A")]).traceparent(TRACEPARENT);
    call.metadata("tenantid", "stack-7").await.unwrap();
    assert!(plugin.stop().await.success());
    let trace = collector.wait_for_trace(TRACE, whole).await;
    for name in ["sdk.queryData", "query processing", "HTTP Outgoing Request"] {
        assert_eq!(trace.span(name).attributes.get("tenant_id"), Some(&json!("stack-7")), "{name}");
    }
    // The server span belongs to the host, which answers all tenants.
    assert_eq!(trace.span("pluginv2.Data/QueryData").attributes.get("tenant_id"), None);
}

#[gpx_tests::test]
async fn the_callers_fields_are_on_every_line_of_a_call_and_take_no_name_of_the_hosts() {
    let plugin = Plugin::guest("probe").start().await;
    let mut call = plugin.query(&DataSource::new(""), [query("A").kind("log")]);
    for text in ["scope:::alerting", "dsUid:::forged", "status:::forged", "malformed", "count:::caller"] {
        call = call.metadata("loggerparamsctxmetadata", text);
    }
    call.await.unwrap();
    let completed = plugin.logs.wait_for_message("Plugin Request Completed").await;
    assert_eq!((completed.text("status"), completed.text("_status")), ("ok", "forged"));
    let started = plugin.logs.wait_for_message("Plugin Request Started").await;
    let component = plugin.logs.wait_for_message("a debug line").await;
    for line in [&started, &completed, &component] {
        assert_eq!((line.text("scope"), line.text("_dsUid")), ("alerting", "forged"), "{line}");
        assert_ne!(line.text("dsUid"), "forged", "{line}");
    }
    // The component writes a field of that name, too.
    assert_eq!((component.text("count"), &component.fields["_count"]), ("caller", &json!(3)));
}

#[gpx_tests::test]
async fn only_so_many_traces_begin_as_the_sampler_says() {
    let upstream = Upstream::points(1).await;
    for (kind, param, server, expected) in [
        ("const", "0", "", 0),
        ("probabilistic", "0", "", 0),
        ("probabilistic", "1", "", 4),
        ("rateLimiting", "0.000001", "", 1),
        ("remote", "1", "http://127.0.0.1:1/", 4),
    ] {
        let collector = Collector::start().await;
        let launch = Plugin::packaged("http-backend").tracing(&collector.address());
        // The operator's word counts, not Grafana's.
        let launch = launch.setting("gpx_sampler_type", kind).setting("gpx_sampler_param", param);
        let plugin = launch.setting("gpx_sampler_url", server).start().await;
        let source = DataSource::new(&upstream.url());
        for _ in 0..4 {
            plugin.query(&source, [query("A")]).await.unwrap();
        }
        // What Grafana has begun is recorded whatever the sampler says.
        let trace = traced(plugin, &upstream, &collector).await;
        assert!(trace.has(&["HTTP Outgoing Request"]));
        let begun: Vec<_> = collector.spans().into_iter().filter(|span| span.parent_id.is_empty()).collect();
        assert_eq!(begun.len(), expected, "{kind} {param}: {begun:?}");
    }
}

#[gpx_tests::test]
async fn a_sampling_server_is_asked_and_followed() {
    let strategies = json!({ "strategyType": "PROBABILISTIC", "operationSampling": {
        "defaultSamplingProbability": 0, "defaultLowerBoundTracesPerSecond": 0, "perOperationStrategies": [
            { "operation": "pluginv2.Data/QueryData", "probabilisticSampling": { "samplingRate": 1 } },
        ],
    } });
    let (server, upstream) = (Upstream::always(Answer::json(strategies)).await, Upstream::points(1).await);
    let collector = Collector::start().await;
    let launch = Plugin::packaged("http-backend").tracing(&collector.address());
    let launch = launch.env("GF_INSTANCE_OTLP_SAMPLER_TYPE", "remote");
    let launch = launch.env("GF_INSTANCE_OTLP_SAMPLER_PARAM", "0.000000");
    let plugin = launch.env("GF_INSTANCE_OTLP_SAMPLER_REMOTE_URL", &format!("{}/sampling", server.url()));
    let plugin = plugin.start().await;
    let asked = server.wait_for(|_| true).await;
    assert_eq!(
        (asked.path.as_str(), asked.query.as_str()),
        ("/sampling", "service=gpx-httpbackend-datasource")
    );
    let source = DataSource::new(&upstream.url());
    // Until the answer has been read, no trace begins.
    let is_recorded = |upstream: &Upstream| {
        let requests = upstream.requests();
        requests
            .last()
            .and_then(|request| request.header("traceparent"))
            .is_some_and(|value| value.ends_with("-01"))
    };
    while !is_recorded(&upstream) {
        plugin.query(&source, [query("A")]).await.unwrap();
    }
    plugin.health(&source).await.unwrap();
    assert!(plugin.stop().await.success());
    let spans = collector.spans();
    let begun: Vec<_> = spans.iter().filter(|span| span.parent_id.is_empty()).collect();
    assert!(begun.iter().all(|span| span.name == "pluginv2.Data/QueryData"), "{begun:?}");
    assert_eq!(begun[0].attributes.get("jaeger.sampler.type"), Some(&json!("probabilistic")));
    assert_eq!(begun[0].attributes.get("jaeger.sampler.param"), Some(&json!(1.0)));
}

#[gpx_tests::test]
async fn an_invalid_setting_is_told_by_the_health_check_and_a_secret_by_nobody() {
    let collector = Collector::start().await;
    let launch = Plugin::guest("probe").tracing(&collector.address());
    let launch = launch.setting("gpx_otlp_headers", "authorization: Bearer geheim");
    let launch = launch.env("OTEL_EXPORTER_OTLP_HEADERS", "x-token=verborgen");
    let plugin = launch.setting("gpx_sampler_param", "half").start().await;
    let health = plugin.health(&DataSource::new("")).await.unwrap();
    for part in ["gpx_otlp_headers must be name=value pairs", "gpx_sampler_param must be a number"] {
        assert!(health.message.contains(part), "{}", health.message);
    }
    let logs = plugin.logs.clone();
    assert!(plugin.stop().await.success());
    let everything = format!("{logs}{}", health.message);
    assert!(!everything.contains("geheim") && !everything.contains("verborgen"), "{everything}");
}
