//! Faults of upstreams and callers, and origins that must not be reached: the message is clear, and nothing leaks.

use std::time::Duration;

use bytes::Bytes;
use gpx_tests::collector::Collector;
use gpx_tests::grafana::{DataSource, query};
use gpx_tests::plugin::Plugin;
use gpx_tests::trace::{OnlySpan as _, TRACE, TRACEPARENT};
use gpx_tests::upstream::{Answer, Gate, Upstream, points};
use serde_json::json;
use tokio::net::TcpListener;

/// Returns the status, source and text of the example's error for an upstream.
async fn failure(plugin: &Plugin, url: &str) -> (i32, String, String) {
    let reply = plugin.query(&DataSource::new(url), [query("A")]).await.unwrap();
    let (status, source, text) = reply.answer("A").failure();
    (status, source.to_owned(), text.to_owned())
}

fn error(status: i32, source: &str, text: &str) -> (i32, String, String) {
    (status, source.to_owned(), text.to_owned())
}

#[gpx_tests::test]
async fn upstreams_that_answer_wrongly() {
    let plugin = Plugin::packaged("http-backend").start().await;
    let half = Bytes::from(points(100).to_string());
    for (answer, status, text, cause) in [
        (Answer::status(500), 400, "bad gateway response", None),
        (Answer::status(404), 400, "bad gateway response", None),
        (Answer::Close, 502, "bad gateway request", Some("the connection ended before the response began")),
        (Answer::Reset, 502, "bad gateway request", Some("the connection ended before the response began")),
        (Answer::CloseMidBody(half), 502, "bad gateway request", None),
        (
            Answer::text("application/json", "{\"datapoints\":"),
            502,
            "bad gateway request",
            Some("unexpected JSON: "),
        ),
    ] {
        let shown = format!("{answer:?}");
        let upstream = Upstream::always(answer).await;
        assert_eq!(failure(&plugin, &upstream.url()).await, error(status, "plugin", text), "{shown}");
        // The example chooses the text in the panel; the cause is in the log.
        if let Some(cause) = cause {
            let ours = format!("GET {}/: {cause}", upstream.url());
            plugin.logs.wait_for(|line| line.text("error").starts_with(&ours)).await;
        }
    }
}

#[gpx_tests::test]
async fn an_upstream_that_refuses_connections() {
    let plugin = Plugin::packaged("http-backend").start().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    assert_eq!(failure(&plugin, &url).await, error(502, "plugin", "bad gateway request"));
    let line = plugin.logs.wait_for_message("upstream failed").await;
    assert_eq!(line.text("error"), format!("GET {url}/: connection refused"));
}

#[gpx_tests::test]
async fn a_response_that_stalls_ends_at_the_data_sources_own_timeout() {
    let half = Bytes::from(points(100).to_string());
    let upstream = Upstream::always(Answer::StallMidBody(half)).await;
    let plugin = Plugin::packaged("http-backend").start().await;
    let source = DataSource::new(&upstream.url()).json(json!({ "timeout": 1 }));
    let reply = plugin.query(&source, [query("A")]).await.unwrap();
    assert!(reply.answer("A").frames.is_empty() && reply.answer("A").error.contains("gateway"), "{reply:?}");
    plugin.logs.wait_for_message("upstream failed").await;
    upstream.wait_for(|request| request.aborted).await;
}

#[gpx_tests::test]
async fn a_call_ends_at_gpx_call_timeout_and_its_request_is_aborted() {
    let gate = Gate::closed();
    let upstream = Upstream::always(Answer::json(points(1)).after(&gate)).await;
    let plugin = Plugin::packaged("http-backend").setting("gpx_call_timeout", "300ms").start().await;
    let source = DataSource::new(&upstream.url());
    let reply = plugin.query(&source, [query("A")]).await.unwrap();
    let text = "the plugin did not answer within 300ms; raise gpx_call_timeout if it needs more";
    assert_eq!(reply.answer("A").failure(), (504, "plugin", text));
    upstream.wait_for(|request| request.aborted).await;
    gate.open();
    let reply = plugin.query(&source, [query("A")]).await.unwrap();
    assert_eq!(reply.frame("A").rows(), 1, "the next call works");
}

#[gpx_tests::test]
async fn a_call_ends_at_its_callers_deadline_and_its_request_is_aborted() {
    let gate = Gate::closed();
    let upstream = Upstream::always(Answer::json(points(1)).after(&gate)).await;
    let collector = Collector::start().await;
    let plugin = Plugin::packaged("http-backend").tracing(&collector.address()).start().await;
    let source = DataSource::new(&upstream.url());
    // Waits until the component is loaded, so that loading does not count towards the deadline.
    plugin.resource(&source, "POST", "echo", "").await.unwrap();
    let call = plugin.query(&source, [query("A")]).traceparent(TRACEPARENT);
    let status = call.deadline(Duration::from_millis(300)).await.unwrap_err();
    assert_eq!(status.code(), tonic::Code::DeadlineExceeded);
    assert_eq!(
        status.message(),
        "the plugin did not answer before the caller's deadline, waiting for an upstream"
    );
    upstream.wait_for(|request| request.aborted).await;
    let names = ["pluginv2.Data/QueryData", "sdk.queryData", "HTTP Outgoing Request"];
    let trace = collector.wait_for_trace(TRACE, |trace| trace.has(&names)).await;
    assert_eq!(trace.span("pluginv2.Data/QueryData").text("rpc.response.status_code"), "DEADLINE_EXCEEDED");
    let handler = trace.span("sdk.queryData");
    assert_eq!(
        (handler.text("request_status"), handler.text("status_source")),
        ("error".into(), "downstream".into())
    );
    gate.open();
    let reply = plugin.query(&source, [query("A")]).await.unwrap();
    assert_eq!(reply.frame("A").rows(), 1, "the next call works");
}

#[gpx_tests::test]
async fn a_caller_that_hangs_up_stops_the_guest_and_its_request() {
    let gate = Gate::closed();
    let upstream = Upstream::always(Answer::json(points(1)).after(&gate)).await;
    let plugin = Plugin::packaged("http-backend").start().await;
    let source = DataSource::new(&upstream.url());
    let call = tokio::spawn(plugin.query(&source, [query("A")]).into_future());
    upstream.wait_for_requests(1).await;
    call.abort();
    upstream.wait_for(|request| request.aborted).await;
    let line = plugin.logs.wait_for_message("Plugin Request Completed").await;
    assert_eq!((line.text("status"), line.text("statusSource")), ("cancelled", "downstream"), "{line}");
    gate.open();
    let reply = plugin.query(&source, [query("A")]).await.unwrap();
    assert_eq!(reply.frame("A").rows(), 1);
}

#[gpx_tests::test]
async fn a_caller_that_hangs_up_stops_a_guest_that_loops_and_the_request_of_another_query() {
    let gate = Gate::closed();
    let upstream = Upstream::always(Answer::json(points(1)).after(&gate)).await;
    let launch = Plugin::guest("probe").setting("gpx_instances_max", "2").setting("gpx_cpu_timeout", "30m");
    let plugin = launch.start().await;
    // Seconds: no request ends by itself.
    let source = DataSource::new(&upstream.url()).json(json!({ "timeout": 300 }));
    let waiting = |name: &str| query(name).kind("sleep-on-upstream").json(json!({ "url": upstream.url() }));
    let queries = [query("A").kind("loop"), waiting("B")];
    let call = tokio::spawn(plugin.query(&source, queries).into_future());
    upstream.wait_for_requests(1).await;
    plugin.logs.wait_for_message("looping").await;
    call.abort();
    upstream.wait_for(|request| request.aborted).await;
    // Both may have an instance only when both guests have stopped.
    let next = tokio::spawn(plugin.query(&source, [waiting("A"), waiting("B")]).into_future());
    upstream.wait_for_requests(3).await;
    gate.open();
    assert_eq!(next.await.unwrap().unwrap().responses.len(), 2);
}

#[gpx_tests::test]
async fn an_empty_or_malformed_url_is_reported() {
    let plugin = Plugin::packaged("http-backend").start().await;
    for (url, text) in [
        ("", "request: the URL is empty: set it in the data source's settings"),
        (
            "not a url",
            "request: the URL is not valid (invalid uri character): write it like http://host/path",
        ),
        ("http://", "request: the URL is not valid (empty string): write it like http://host/path"),
        (
            "ftp://example.com/",
            "request: the URL is not valid: it starts with http:// or https:// and a host",
        ),
        ("http://host:99999/", "request: the URL is not valid: its port is not a number up to 65535"),
    ] {
        assert_eq!(failure(&plugin, url).await, error(500, "plugin", text), "{url:?}");
    }
    assert_eq!(failure(&plugin, "http://1.2.3.999/").await, error(502, "plugin", "bad gateway request"));
    let text =
        "the data source's URL cannot be parsed (invalid IPv4 address): correct it, or add gpx_allow_hosts";
    plugin.logs.wait_for(|line| line.message == "upstream failed" && line.text("error").contains(text)).await;
}

#[gpx_tests::test]
async fn origins_that_are_not_granted_are_not_reached() {
    let (granted, other) = (Upstream::points(1).await, Upstream::points(1).await);
    let source = DataSource::new(&granted.url());
    let fetch = |url: &str| [query("A").kind("fetch").json(json!({ "url": url }))];
    let plugin = Plugin::guest("probe").start().await;
    let reply = plugin.query(&source, fetch(&granted.url())).await.unwrap();
    assert_eq!(reply.answer("A").error, "");

    let refused = async |source: &DataSource, url: &str| {
        let reply = plugin.query(source, fetch(url)).await.unwrap();
        assert_eq!(reply.answer("A").status, 500, "{url}");
        reply.answer("A").error.clone()
    };
    let remedy = |host: &str| format!("add gpx_allow_hosts = {host} under [plugin.gpx-test-datasource]");
    let (url, host) = (other.url(), other.address().to_string());
    let text = format!("GET {url}/: no grant for {host}; {}", remedy(&host));
    assert_eq!(refused(&source, &url).await, text);
    assert_eq!(other.requests().len(), 0);
    // What the manifest asks for is told when it is loaded and when it is refused.
    let (wish, remedy_of_wish) = ("https://wanted.example", "gpx_allow_hosts = https://wanted.example");
    let line = plugin.logs.wait_for_message("manifest asks for origins").await;
    assert!(line.level == "warn" && line.message.contains(remedy_of_wish), "{line}");
    let text = format!(
        "GET {wish}/: no grant for wanted.example:443; the plugin's manifest asks for it: {}",
        remedy("wanted.example")
    );
    assert_eq!(refused(&source, wish).await, text);
    // A cloud metadata service is not reached even if it is the data source's own origin.
    let metadata = "http://169.254.169.254/";
    let text = format!("GET {metadata}: no grant for 169.254.169.254:80; {}", remedy("169.254.169.254"));
    assert_eq!(refused(&source, metadata).await, text);
    let text = refused(&DataSource::new(metadata), metadata).await;
    let prohibited = format!("GET {metadata}: 169.254.169.254 of 169.254.169.254:80 is prohibited (");
    assert!(text.starts_with(&prohibited) && text.ends_with(&remedy("169.254.169.254")), "{text}");
    drop(plugin);

    let allowed = Plugin::guest("probe").setting("gpx_allow_hosts", &host).start().await;
    let reply = allowed.query(&source, fetch(&url)).await.unwrap();
    assert_eq!(reply.answer("A").error, "");
    assert_eq!(other.requests().len(), 1);
}

#[gpx_tests::test]
async fn redirects_are_followed_and_checked_and_lose_their_credentials() {
    let (other, forbidden) = (Upstream::points(1).await, Upstream::points(1).await);
    let (to, not_to) = (other.url(), forbidden.url());
    let upstream = Upstream::start(move |request| match request.path.as_str() {
        "/here" => Answer::redirect("/there"),
        "/there" => Answer::json(points(1)),
        "/away" => Answer::redirect(&to),
        "/forbidden" => Answer::redirect(&not_to),
        _ => Answer::redirect("/again"),
    })
    .await;
    let source = DataSource::new(&upstream.url()).basic_auth("ada", "secret");
    let follow = |path: &str| [query("A").kind("redirect").json(json!({ "url": upstream.url() + path }))];
    let plugin =
        Plugin::guest("probe").setting("gpx_allow_hosts", &other.address().to_string()).start().await;

    assert_eq!(plugin.query(&source, follow("/here")).await.unwrap().answer("A").error, "");
    assert_eq!(plugin.query(&source, follow("/away")).await.unwrap().answer("A").error, "");
    let with_credentials = upstream.requests();
    let with_credentials =
        with_credentials.iter().filter(|request| request.header("authorization").is_some());
    assert_eq!(with_credentials.count(), 3, "here, there and away");
    assert_eq!(other.requests()[0].header("authorization"), None);
    let reply = plugin.query(&source, follow("/forbidden")).await.unwrap();
    let text = format!("GET {}/: no grant for {}; ", forbidden.url(), forbidden.address());
    assert!(reply.answer("A").error.starts_with(&text), "{}", reply.answer("A").error);
    assert_eq!(forbidden.requests().len(), 0);
    let endless = plugin.query(&source, follow("/endless")).await.unwrap();
    let text = format!("GET {}/again: stopped after 10 redirects", upstream.url());
    assert_eq!(endless.answer("A").failure(), (500, "plugin", text.as_str()));
    let again = upstream.requests().iter().filter(|request| request.path == "/again").count();
    assert_eq!(again, 9, "ten requests with the first one, like Go's client");
}
