//! What the instances of a data source share: one loads, and all others wait for it.

use gpx_tests::grafana::{Call, DataSource, Query, Reply, query};
use gpx_tests::plugin::Plugin;
use gpx_tests::proto::pluginv2::QueryDataRequest;
use gpx_tests::upstream::{Answer, Gate, Upstream};
use serde_json::{Value, json};

const TOKEN: &str = "tell-nobody-this-token";

/// An upstream that wants a token, and gives one, after the gate if there is one.
async fn protected(gate: Option<Gate>, expires_in: u64) -> Upstream {
    Upstream::start(move |request| {
        let granted = Answer::json(json!({ "access_token": TOKEN, "expires_in": expires_in }));
        match (request.path.as_str(), &gate) {
            ("/token", Some(gate)) => Answer::After(gate.clone(), Box::new(granted)),
            ("/token", None) => granted,
            _ if request.header("authorization") == Some(&format!("Bearer {TOKEN}")) => {
                Answer::text("text/plain", "in")
            }
            _ => Answer::status(401),
        }
    })
    .await
}

fn token(upstream: &Upstream) -> Query {
    let model = json!({ "token_url": format!("{}/token", upstream.url()), "url": format!("{}/data", upstream.url()) });
    query("A").kind("token").json(model)
}

fn fetches(upstream: &Upstream) -> usize {
    upstream.requests().iter().filter(|request| request.path == "/token").count()
}

fn steps(plugin: &Plugin, source: &DataSource, steps: Value) -> Call<QueryDataRequest, Reply> {
    plugin.query(source, [query("A").kind("cache").json(json!({ "steps": steps }))])
}

/// Returns what the steps have come to.
async fn said(plugin: &Plugin, source: &DataSource, all: Value) -> Vec<String> {
    let reply = steps(plugin, source, all).await.unwrap();
    let values = reply.frame("A").field("said").values.clone();
    values.iter().map(|value| value.as_str().unwrap().to_owned()).collect()
}

#[gpx_tests::test]
async fn many_calls_get_one_token_with_one_request() {
    let gate = Gate::closed();
    let upstream = protected(Some(gate.clone()), 3600).await;
    let plugin = Plugin::guest("probe").start().await;
    let source = DataSource::new(&upstream.url());
    let calls: Vec<_> = (0..32)
        .map(|_| {
            let call = plugin.query(&source, [token(&upstream)]);
            tokio::spawn(async move { call.await })
        })
        .collect();
    upstream.wait_for_requests(1).await;
    gate.open();
    for call in calls {
        let reply = call.await.unwrap().unwrap();
        assert_eq!(reply.frame("A").field("text").values, ["in"]);
    }
    assert_eq!((fetches(&upstream), upstream.requests().len()), (1, 33));
    // Another data source has no part in it, and neither has another version of this one.
    for other in [DataSource::new(&upstream.url()), source.clone().updated(), source.clone().org(2)] {
        let before = fetches(&upstream);
        plugin.query(&other, [token(&upstream)]).await.unwrap().frame("A");
        assert_eq!(fetches(&upstream), before + 1);
    }
    let logs = plugin.logs.clone();
    assert!(plugin.stop().await.success());
    assert!(logs.mention("Plugin Request Completed") && !logs.mention(TOKEN), "{logs}");
}

#[gpx_tests::test]
async fn a_token_that_is_not_kept_still_serves_those_who_wait() {
    let gate = Gate::closed();
    let upstream = protected(Some(gate.clone()), 0).await;
    let plugin = Plugin::guest("probe").start().await;
    let source = DataSource::new(&upstream.url());
    // The queries of one request: each has an instance of its own.
    let queries: Vec<_> = (0..8)
        .map(|number| {
            let mut query = token(&upstream);
            query.0.ref_id = format!("Q{number}");
            query
        })
        .collect();
    let call = plugin.query(&source, queries);
    let call = tokio::spawn(async move { call.await });
    upstream.wait_for_requests(1).await;
    gate.open();
    let reply = call.await.unwrap().unwrap();
    assert!(reply.responses.values().all(|answer| answer.error.is_empty()));
    assert!((1..8).contains(&fetches(&upstream)), "{}", fetches(&upstream));
    let before = fetches(&upstream);
    plugin.query(&source, [token(&upstream)]).await.unwrap().frame("A");
    assert_eq!(fetches(&upstream), before + 1, "it was not kept");
}

#[gpx_tests::test]
async fn the_next_call_loads_if_one_fails_traps_loops_or_is_given_up() {
    let gate = Gate::closed();
    let hung = gate.clone();
    let upstream = Upstream::start(move |request| match request.path.as_str() {
        "/hung" => Answer::After(hung.clone(), Box::new(Answer::status(200))),
        "/down" => Answer::Close,
        _ => Answer::text("text/plain", "loaded"),
    })
    .await;
    let plugin = Plugin::guest("probe").setting("gpx_cpu_timeout", "200ms").start().await;
    let source = DataSource::new(&upstream.url());
    let url = |path: &str| format!("{}{path}", upstream.url());
    let load = |path: &str| json!([{ "load": { "key": "k", "url": url(path) } }]);
    for how in ["trap", "panic", "loop"] {
        // It begins to load, and then waits for the upstream until another call waits for it.
        let first = json!([{ "load": { "key": "k", "url": url("/unused"), "within": [
            { "load": { "key": format!("before {how}"), "url": url(&format!("/before-{how}")) } },
            { "break": { "key": "other", "how": how } },
        ] } }]);
        let first = steps(&plugin, &source, first);
        let first = tokio::spawn(async move { first.await });
        upstream.wait_for(|request| request.path == format!("/before-{how}")).await;
        assert_eq!(said(&plugin, &source, load("/")).await, ["loaded"], "{how}");
        let reply = first.await.unwrap().unwrap();
        assert_ne!(reply.answer("A").error, "", "{how}");
        assert_eq!(
            said(&plugin, &source, json!([{ "get": "k" }, { "remove": "k" }])).await,
            ["loaded", "removed"]
        );
    }
    // One that fails in the ordinary way.
    let failed = said(&plugin, &source, load("/down")).await;
    assert!(failed[0] != "loaded", "{failed:?}");
    assert_eq!(said(&plugin, &source, load("/")).await, ["loaded"]);
    said(&plugin, &source, json!([{ "remove": "k" }])).await;

    // One whose caller hangs up.
    let given_up = steps(&plugin, &source, load("/hung"));
    let given_up = tokio::spawn(async move { given_up.await });
    upstream.wait_for(|request| request.path == "/hung").await;
    let next = steps(&plugin, &source, load("/"));
    let next = tokio::spawn(async move { next.await });
    given_up.abort();
    assert_eq!(next.await.unwrap().unwrap().frame("A").field("said").values, ["loaded"]);
}

#[gpx_tests::test]
async fn a_call_waits_no_longer_than_its_own_deadline() {
    let gate = Gate::closed();
    let upstream = protected(Some(gate.clone()), 3600).await;
    let plugin = Plugin::guest("probe").start().await;
    let source = DataSource::new(&upstream.url());
    let loader = plugin.query(&source, [token(&upstream)]);
    let loader = tokio::spawn(async move { loader.await });
    upstream.wait_for_requests(1).await;
    let late =
        plugin.query(&source, [token(&upstream)]).deadline(std::time::Duration::from_millis(300)).await;
    assert_eq!(late.unwrap_err().code(), tonic::Code::DeadlineExceeded);
    plugin.logs.wait_for(|line| line.text("statusSource") == "downstream").await;
    gate.open();
    loader.await.unwrap().unwrap().frame("A");
    assert_eq!(fetches(&upstream), 1);
}

#[gpx_tests::test]
async fn waiting_for_oneself_is_an_error_and_not_a_deadlock() {
    let gate = Gate::closed();
    let opened = gate.clone();
    let upstream = Upstream::start(move |request| match request.path.as_str() {
        "/gate1" | "/gate2" => Answer::After(gate.clone(), Box::new(Answer::text("text/plain", "passed"))),
        _ => Answer::text("text/plain", "loaded"),
    })
    .await;
    let plugin = Plugin::guest("probe").start().await;
    let source = DataSource::new(&upstream.url());
    let load = |key: &str, path: &str, within: Value| json!({ "load": { "key": key, "url": format!("{}{path}", upstream.url()), "within": within } });
    let nested = json!([load("k", "/", json!([load("k", "/", json!([])), load("other", "/", json!([]))]))]);
    let told = said(&plugin, &source, nested).await;
    assert!(told[0].starts_with("`k` would wait for itself"), "{told:?}");
    assert_eq!(told[1..], ["loaded", "loaded"]);

    // Two calls, each of which loads what the other one wants.
    let circle = |number: usize, key: &str, other: &str| {
        let first = load(&format!("gate{number}"), &format!("/gate{number}"), json!([]));
        steps(&plugin, &source, json!([load(key, "/", json!([first, load(other, "/", json!([]))]))]))
    };
    let (one, two) = (circle(1, "a", "b"), circle(2, "b", "a"));
    let calls = [tokio::spawn(async move { one.await }), tokio::spawn(async move { two.await })];
    upstream.wait_for(|request| request.path == "/gate1").await;
    upstream.wait_for(|request| request.path == "/gate2").await;
    opened.open();
    let mut told = Vec::new();
    for call in calls {
        let reply = call.await.unwrap().unwrap();
        told.extend(reply.frame("A").field("said").values.clone());
    }
    let circular =
        told.iter().filter(|text| text.as_str().unwrap().contains("would wait for itself")).count();
    assert_eq!((circular, told.len()), (1, 6), "{told:?}");
}

#[gpx_tests::test]
async fn floods_and_odd_values_are_bounded_and_charged() {
    let upstream = Upstream::always(Answer::text("text/plain", "loaded")).await;
    let plugin = Plugin::guest("probe").start().await;
    let source = DataSource::new(&upstream.url());
    let set =
        |key: &str, value: &str, nanos: u64| json!({ "set": { "key": key, "value": value, "nanos": nanos } });
    let odd = json!([
        set("zero", "v", 0), { "get": "zero" }, set("long", "v", u64::MAX), { "get": "long" },
        set("long", "w", 0), { "get": "long" }, set("", "empty", u64::MAX), { "get": "" },
        set(&"k".repeat(513), "v", 1), set("large", &"v".repeat(1 << 20), 1), { "get": "absent" },
    ]);
    let told = said(&plugin, &source, odd).await;
    assert_eq!(told[..8], ["kept", "nothing", "kept", "v", "kept", "nothing", "kept", "empty"]);
    assert!(
        told[8].contains("too large for the cache") && told[9].contains("too large for the cache"),
        "{told:?}"
    );
    assert_eq!(told[10], "nothing");

    let flood =
        json!([{ "fill": { "keys": 5000, "bytes": 10 } }, { "fill": { "keys": 40, "bytes": 1 << 19 } }]);
    assert_eq!(said(&plugin, &source, flood).await, ["kept", "kept"]);
    let metrics = plugin.metrics().await.unwrap();
    let line = metrics.lines().find(|line| line.starts_with("gpx_memory_bytes{kind=\"cache\"}")).unwrap();
    let bytes: usize = line.rsplit(' ').next().unwrap().parse().unwrap();
    assert!((1 << 19..=4 << 20).contains(&bytes), "{line}");
    // Once the settings have changed, nothing of it is left.
    said(&plugin, &source.clone().updated(), json!([{ "get": "1" }])).await;
    let metrics = plugin.metrics().await.unwrap();
    assert!(metrics.contains("gpx_memory_bytes{kind=\"cache\"} 0\n"), "{metrics}");
}
