//! Bad input and faults, of the upstream, the guest, the collector and the caller: a clear message, and nothing lost.

use std::time::Duration;

use bytes::Bytes;
use gpx_tests::collector::Collector;
use gpx_tests::grafana::{DataSource, query};
use gpx_tests::plugin::Plugin;
use gpx_tests::upstream::{Answer, Gate, Upstream, points};
use serde_json::json;
use tokio::net::TcpListener;

/// What the example says of an upstream: status, source and text of the query's error.
async fn failure(plugin: &Plugin, url: &str) -> (i32, String, String) {
    let reply = plugin.query(&DataSource::new(url), [query("A")]).await.unwrap();
    let answer = reply.answer("A");
    (answer.status, answer.source.clone(), answer.error.clone())
}

#[gpx_tests::test]
async fn upstreams_that_do_not_answer_as_they_should() {
    let plugin = Plugin::packaged("http-backend").start().await;
    let half = Bytes::from(points(100).to_string());
    for (answer, status, text) in [
        (Answer::status(500), 400, "bad gateway response"),
        (Answer::status(404), 400, "bad gateway response"),
        (Answer::Close, 502, "bad gateway request"),
        (Answer::Reset, 502, "bad gateway request"),
    ] {
        let shown = format!("{answer:?}");
        let upstream = Upstream::always(answer).await;
        let (got, _, error) = failure(&plugin, &upstream.url()).await;
        assert_eq!((got, error.as_str()), (status, text), "{shown}");
    }
    // Unreadable: cut off, or no JSON.
    for answer in [Answer::CloseMidBody(half), Answer::text("application/json", "{\"datapoints\":")] {
        let shown = format!("{answer:?}");
        let upstream = Upstream::always(answer).await;
        let (status, _, error) = failure(&plugin, &upstream.url()).await;
        assert!([500, 502].contains(&status) && !error.is_empty(), "{shown}: {status} {error}");
    }
}

#[gpx_tests::test]
async fn an_upstream_that_refuses() {
    let plugin = Plugin::packaged("http-backend").start().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let (status, _, error) = failure(&plugin, &url).await;
    assert_eq!((status, error.as_str()), (502, "bad gateway request"));
    // The panel's text is the example's; the log has the cause.
    plugin.logs.wait_for(|line| line.to_string().to_lowercase().contains("refused")).await;
}

#[gpx_tests::test]
async fn a_slow_upstream_meets_the_callers_deadline_and_is_let_go() {
    let gate = Gate::closed();
    let upstream = Upstream::always(Answer::json(points(1)).after(&gate)).await;
    let plugin = Plugin::packaged("http-backend").setting("gpx_call_timeout", "300ms").start().await;
    let source = DataSource::new(&upstream.url());
    let result = plugin.query(&source, [query("A")]).await;
    let told = match result {
        Ok(reply) => reply.answer("A").error.clone(),
        Err(status) => status.message().to_owned(),
    };
    assert!(!told.is_empty());
    upstream.wait_for(|request| request.aborted).await;
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
    assert_eq!(line.text("status"), "cancelled", "{line}");
    gate.open();
    let reply = plugin.query(&source, [query("A")]).await.unwrap();
    assert_eq!(reply.frame("A").rows(), 1);
}

#[gpx_tests::test]
async fn a_url_that_is_empty_or_malformed_is_named() {
    let plugin = Plugin::packaged("http-backend").start().await;
    for url in ["", "not a url", "http://", "ftp://example.com/", "http://host:99999/"] {
        let (status, _, error) = failure(&plugin, url).await;
        assert!(status >= 400 && !error.is_empty(), "{url:?}: {status} {error}");
    }
}

#[gpx_tests::test]
async fn what_is_not_granted_is_not_reached() {
    let (granted, other) = (Upstream::points(1).await, Upstream::points(1).await);
    let source = DataSource::new(&granted.url());
    let fetch = |url: String| [query("A").kind("fetch").json(json!({ "url": url }))];
    let plugin = Plugin::guest("probe").start().await;
    let reply = plugin.query(&source, fetch(granted.url())).await.unwrap();
    assert_eq!(reply.answer("A").error, "");
    for url in [other.url(), "http://169.254.169.254/latest/meta-data/".to_owned()] {
        let reply = plugin.query(&source, fetch(url.clone())).await.unwrap();
        let answer = reply.answer("A");
        assert_ne!(answer.error, "", "{url} was reached");
    }
    assert_eq!(other.requests().len(), 0);
    drop(plugin);

    let allowed =
        Plugin::guest("probe").setting("gpx_allow_hosts", &other.address().to_string()).start().await;
    let reply = allowed.query(&source, fetch(other.url())).await.unwrap();
    assert_eq!(reply.answer("A").error, "");
    assert_eq!(other.requests().len(), 1);
}

#[gpx_tests::test]
async fn redirects_are_followed_checked_and_lose_their_credentials() {
    let other = Upstream::points(1).await;
    let to = other.url();
    let upstream = Upstream::start(move |request| match request.path.as_str() {
        "/here" => Answer::redirect("/there"),
        "/there" => Answer::json(points(1)),
        "/away" => Answer::redirect(&to),
        _ => Answer::redirect("/again"),
    })
    .await;
    let source = DataSource::new(&upstream.url()).basic_auth("ada", "secret");
    let follow = |path: &str| [query("A").kind("redirect").json(json!({ "url": upstream.url() + path }))];
    let plugin =
        Plugin::guest("probe").setting("gpx_allow_hosts", &other.address().to_string()).start().await;

    assert_eq!(plugin.query(&source, follow("/here")).await.unwrap().answer("A").error, "");
    assert_eq!(plugin.query(&source, follow("/away")).await.unwrap().answer("A").error, "");
    assert!(upstream.requests().iter().all(|request| request.header("authorization").is_some()));
    assert_eq!(other.requests()[0].header("authorization"), None);
    let endless = plugin.query(&source, follow("/endless")).await.unwrap();
    assert_ne!(endless.answer("A").error, "");
    let again = upstream.requests().iter().filter(|request| request.path == "/again").count();
    assert_eq!(again, 10, "ten redirects, as Go's client");
}

#[gpx_tests::test]
async fn a_panic_reaches_panel_and_log_and_no_other_call() {
    let plugin = Plugin::guest("probe").start().await;
    let source = DataSource::new("");
    let queries = [query("A").kind("panic"), query("B").kind("count")];
    let reply = plugin.query(&source, queries).await.unwrap();
    let answer = reply.answer("A");
    assert_eq!((answer.status, answer.source.as_str()), (500, "plugin"));
    assert!(answer.error.contains("the probe panicked on purpose"), "{}", answer.error);
    assert_eq!(reply.frame("B").rows(), 1);
    plugin
        .logs
        .wait_for(|line| line.level == "error" && line.to_string().contains("panicked on purpose"))
        .await;
    let reply = plugin.query(&source, [query("A").kind("count")]).await.unwrap();
    assert_eq!(reply.answer("A").error, "", "the next call works");
}

#[gpx_tests::test]
async fn settings_that_a_guest_refuses_are_the_answer_to_each_call_until_they_change() {
    let plugin = Plugin::guest("probe").start().await;
    let source = DataSource::new("").json(json!({ "open": "fault" }));
    for _ in 0..2 {
        let reply = plugin.query(&source, [query("A"), query("B")]).await.unwrap();
        assert_eq!(reply.answer("A").failure(), (418, "plugin", "open failed on purpose"));
        assert_eq!(reply.answer("B").failure(), (418, "plugin", "open failed on purpose"));
    }
    let health = plugin.health(&source).await.unwrap();
    assert!(health.message.contains("open failed on purpose"), "{}", health.message);
    let mended = source.json(json!({})).updated();
    let reply = plugin.query(&mended, [query("A").kind("count")]).await.unwrap();
    assert_eq!(reply.answer("A").error, "");
}

#[gpx_tests::test]
async fn a_trap_costs_its_own_call() {
    let plugin = Plugin::guest("probe").start().await;
    let source = DataSource::new("");
    let reply = plugin.query(&source, [query("A").kind("trap")]).await.unwrap();
    assert_eq!(reply.answer("A").status, 500);
    assert!(!reply.answer("A").error.is_empty());
    let reply = plugin.query(&source, [query("A").kind("count")]).await.unwrap();
    assert_eq!(reply.frame("A").fields[0].numbers(), [1.0], "the instance was discarded");
}

#[gpx_tests::test]
async fn a_frame_that_cannot_be_encoded_is_the_guests_mistake() {
    let plugin = Plugin::guest("probe").start().await;
    let source = DataSource::new("");
    let queries = [query("A").kind("bad-frame"), query("B").kind("count")];
    let reply = plugin.query(&source, queries).await.unwrap();
    let answer = reply.answer("A");
    assert_eq!((answer.status, answer.source.as_str()), (500, "plugin"));
    assert!(!answer.error.is_empty());
    assert_eq!(reply.answer("B").error, "");
}

#[gpx_tests::test]
async fn no_collector_or_a_silent_one_holds_up_nothing() {
    let upstream = Upstream::points(1).await;
    for collector in [Collector::refusing().await, Collector::hanging().await] {
        let plugin = Plugin::packaged("http-backend").tracing(&collector.address()).start().await;
        let source = DataSource::new(&upstream.url());
        let parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
        let reply = plugin.query(&source, [query("A")]).traceparent(parent).await.unwrap();
        assert_eq!(reply.frame("A").rows(), 1);
        // go-plugin kills what is not gone two seconds after Shutdown; here the flush can only be given up.
        let stopped = tokio::time::timeout(Duration::from_secs(2), plugin.stop()).await;
        assert!(stopped.expect("gone before go-plugin's patience ends").success());
    }
}

#[gpx_tests::test]
async fn a_tracing_setting_that_is_not_understood_does_not_stop_the_plugin() {
    let upstream = Upstream::points(1).await;
    let launch = Plugin::packaged("http-backend").tracing("not an address");
    let plugin = launch.env("GF_INSTANCE_OTLP_PROPAGATION", "b3").start().await;
    let reply = plugin.query(&DataSource::new(&upstream.url()), [query("A")]).await.unwrap();
    assert_eq!(reply.frame("A").rows(), 1);
    plugin.logs.wait_for(|line| line.level == "error" || line.level == "warn").await;
}
