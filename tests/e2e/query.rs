//! QueryData: from a request to frames, or to an error for each query that fails.

use gpx_tests::grafana::{DataSource, FROM, query};
use gpx_tests::plugin::Plugin;
use gpx_tests::proto::pluginv2::DataFrameFormat;
use gpx_tests::upstream::{Answer, Gate, Upstream, points};
use serde_json::json;

#[gpx_tests::test]
async fn points_become_a_frame() {
    let upstream = Upstream::points(3).await;
    let plugin = Plugin::packaged("http-backend").start().await;
    let reply = plugin.query(&DataSource::new(&upstream.url()), [query("A")]).await.unwrap();

    let frame = reply.frame("A");
    assert_eq!((frame.name.as_str(), frame.ref_id.as_str()), ("response", "A"));
    let (time, values) = (frame.field("time"), frame.field("values"));
    assert_eq!((time.item.as_str(), time.nullable), ("time.Time", false));
    assert_eq!((values.item.as_str(), values.nullable), ("float64", false));
    assert_eq!(time.values, [json!(FROM), json!(FROM + 1000), json!(FROM + 2000)]);
    assert_eq!(values.numbers(), [0.0, 1.0, 2.0]);
    let answer = reply.answer("A");
    assert_eq!((answer.status, answer.raw.format()), (200, DataFrameFormat::Json));
}

#[gpx_tests::test]
async fn arrow_when_asked_for() {
    let upstream = Upstream::points(3).await;
    let plugin = Plugin::packaged("http-backend").start().await;
    let source = DataSource::new(&upstream.url());
    let reply = plugin.query(&source, [query("A")]).format(DataFrameFormat::Arrow).await.unwrap();
    let answer = reply.answer("A");
    assert_eq!(answer.raw.format(), DataFrameFormat::Arrow);
    // An Arrow file begins and ends with its magic; the peer decodes what is between.
    let [file] = answer.raw.frames.as_slice() else { panic!("{} frames", answer.raw.frames.len()) };
    assert!(file.starts_with(b"ARROW1\0\0") && file.ends_with(b"ARROW1"));
}

#[gpx_tests::test]
async fn a_query_that_fails_leaves_the_others_alone() {
    let upstream = Upstream::points(3).await;
    let plugin = Plugin::packaged("http-backend").start().await;
    let queries = [query("A"), query("B"), query("C")];
    let reply = plugin.query(&DataSource::new(&upstream.url()), queries).await.unwrap();
    assert_eq!(reply.frame("A").rows(), 3);
    assert_eq!(reply.frame("C").ref_id, "C");
    let refused = "query 2 is refused on purpose, to show a status per query";
    assert_eq!(reply.answer("B").failure(), (400, "plugin", refused));
    assert!(reply.answer("B").frames.is_empty());
}

#[gpx_tests::test]
async fn the_model_becomes_the_upstreams_query_string() {
    let upstream = Upstream::points(1).await;
    let plugin = Plugin::packaged("http-backend").start().await;
    let source = DataSource::new(&upstream.url());
    for (model, asked) in [("", ""), ("{}", "multiplier=0"), (r#"{"multiplier":3}"#, "multiplier=3")] {
        let reply = plugin.query(&source, [query("A").raw(model)]).await.unwrap();
        assert_eq!(reply.frame("A").rows(), 1);
        let requests = upstream.requests();
        assert_eq!(requests.last().unwrap().query, asked, "model {model:?}");
    }
    let asked = upstream.requests().len();
    for broken in ["{", "[]", r#"{"multiplier":"many"}"#] {
        let reply = plugin.query(&source, [query("A").raw(broken)]).await.unwrap();
        let (status, blamed, text) = reply.answer("A").failure();
        assert_eq!((status, blamed), (500, "plugin"), "model {broken:?}");
        assert!(text.starts_with("query A is not valid: "), "model {broken:?}: {text}");
    }
    assert_eq!(upstream.requests().len(), asked);
}

#[gpx_tests::test]
async fn queries_of_a_request_run_concurrently() {
    // The upstream answers only once it has four requests. Queries that ran one after the other would wait forever.
    let gate = Gate::closed();
    let upstream = Upstream::always(Answer::json(points(1)).after(&gate)).await;
    let plugin = Plugin::packaged("http-backend").start().await;
    let queries = ["A", "B", "C", "D", "E", "F", "G", "H"].map(query);
    let source = DataSource::new(&upstream.url());
    let call = plugin.query(&source, queries).into_future();
    let (reply, ()) = tokio::join!(call, async {
        upstream.wait_for_requests(4).await;
        gate.open();
    });
    let reply = reply.unwrap();
    assert_eq!(reply.responses.len(), 8);
    assert_eq!(["A", "C", "E", "G"].map(|name| reply.frame(name).rows()), [1; 4]);
}

#[gpx_tests::test]
async fn connections_are_reused() {
    let upstream = Upstream::points(1).await;
    let plugin = Plugin::packaged("http-backend").start().await;
    let source = DataSource::new(&upstream.url());
    for _ in 0..3 {
        plugin.query(&source, [query("A")]).await.unwrap();
    }
    let connections: Vec<_> = upstream.requests().iter().map(|request| request.connection).collect();
    assert_eq!(connections, [0, 0, 0]);
}

#[gpx_tests::test]
async fn a_compressed_response_is_decoded() {
    let upstream = Upstream::always(Answer::gzip(points(5).to_string().as_bytes())).await;
    let plugin = Plugin::packaged("http-backend").start().await;
    let reply = plugin.query(&DataSource::new(&upstream.url()), [query("A")]).await.unwrap();
    assert_eq!(reply.frame("A").rows(), 5);
    assert_eq!(upstream.requests()[0].header("accept-encoding"), Some("gzip"));
}

#[gpx_tests::test]
async fn credentials_are_applied_by_the_host_and_hidden_from_the_guest() {
    let upstream = Upstream::points(1).await;
    let plugin = Plugin::packaged("http-backend").start().await;
    let source = DataSource::new(&upstream.url())
        .basic_auth("ada", "correct horse")
        .json(json!({ "httpHeaderName1": "X-Api-Key" }))
        .secret("httpHeaderValue1", "battery staple");
    plugin.query(&source, [query("A")]).await.unwrap();
    let request = &upstream.requests()[0];
    // RFC 7617: base64 of `ada:correct horse`.
    assert_eq!(request.header("authorization"), Some("Basic YWRhOmNvcnJlY3QgaG9yc2U="));
    assert_eq!(request.header("x-api-key"), Some("battery staple"));

    let probe = Plugin::guest("probe").start().await;
    let reply = probe.query(&source, [query("A").kind("settings")]).await.unwrap();
    let seen = reply.frame("A").json.to_string();
    assert!(seen.contains(&source.settings.uid), "{seen}");
    assert!(!seen.contains("correct horse") && !seen.contains("battery staple"), "{seen}");
    // Once the process has ended, the log is complete.
    for plugin in [plugin, probe] {
        let logs = plugin.logs.clone();
        assert!(plugin.stop().await.success());
        assert!(logs.mention("Plugin Request Completed"), "{logs}");
        assert!(!logs.mention("battery staple") && !logs.mention("correct horse"), "{logs}");
    }
}

#[gpx_tests::test]
async fn new_settings_take_effect_with_the_next_call() {
    let (old, new) = (Upstream::points(1).await, Upstream::points(2).await);
    let plugin = Plugin::packaged("http-backend").start().await;
    let source = DataSource::new(&old.url());
    assert_eq!(plugin.query(&source, [query("A")]).await.unwrap().frame("A").rows(), 1);
    let mut changed = source.updated();
    changed.settings.url = new.url();
    assert_eq!(plugin.query(&changed, [query("A")]).await.unwrap().frame("A").rows(), 2);
}

#[gpx_tests::test]
async fn every_field_type_in_both_formats() {
    let plugin = Plugin::guest("probe").start().await;
    let source = DataSource::new("");
    let reply = plugin.query(&source, [query("A").kind("all-types")]).await.unwrap();
    let [frame, empty] = reply.answer("A").frames.as_slice() else { panic!("{:?}", reply.answer("A")) };
    let items: Vec<_> = frame.fields.iter().map(|field| (field.item.as_str(), field.nullable)).collect();
    let wanted = [
        "time.Time",
        "string",
        "bool",
        "int8",
        "int16",
        "int32",
        "int64",
        "uint8",
        "uint16",
        "uint32",
        "uint64",
        "float32",
        "float64",
        "json.RawMessage",
        "enum",
    ];
    assert_eq!(items, wanted.map(|item| [(item, false), (item, true)]).as_flattened());
    assert_eq!(
        frame.meta,
        Some(
            json!({ "typeVersion": [0, 0], "preferredVisualisationType": "table", "custom": { "probe": 1 } })
        )
    );
    let text = frame.field("text?");
    assert_eq!((text.kind.as_str(), &text.values[1]), ("string", &json!(null)));
    assert_eq!(text.labels, json!({ "type": "text" }).as_object().cloned());
    assert_eq!(text.config, Some(json!({ "displayName": "TEXT", "unit": "short" })));
    assert_eq!((frame.rows(), empty.rows(), empty.fields.len()), (3, 0, 30));
    assert_eq!((frame.ref_id.as_str(), empty.ref_id.as_str()), ("A", "other"));

    // The peer's tests compare the contents of the two formats.
    let call = plugin.query(&source, [query("A").kind("all-types")]).format(DataFrameFormat::Arrow);
    let reply = call.await.unwrap();
    let files = &reply.answer("A").raw.frames;
    assert!(files.len() == 2 && files.iter().all(|file| file.starts_with(b"ARROW1\0\0")));
}

#[gpx_tests::test]
async fn an_answer_may_have_no_frames() {
    let plugin = Plugin::guest("probe").start().await;
    let reply = plugin.query(&DataSource::new(""), [query("A").kind("none")]).await.unwrap();
    assert_eq!(reply.answer("A").failure(), (200, "", ""));
    assert!(reply.answer("A").raw.frames.is_empty());
}

#[gpx_tests::test]
async fn a_large_frame_is_complete() {
    let plugin = Plugin::guest("probe").start().await;
    let model = json!({ "rows": 1_000_000 });
    let reply = plugin.query(&DataSource::new(""), [query("A").kind("big").json(model)]).await.unwrap();
    assert_eq!(reply.frame("A").rows(), 1_000_000);
}

#[gpx_tests::test]
async fn several_requests_of_a_query_are_in_flight_at_once() {
    // The upstream answers only once it has both requests. Requests sent one after the other would wait forever.
    let gate = Gate::closed();
    let upstream = Upstream::always(Answer::text("text/plain", "hi").after(&gate)).await;
    let plugin = Plugin::guest("probe").start().await;
    let model = json!({ "url": upstream.url(), "count": 2 });
    let source = DataSource::new(&upstream.url());
    let call = plugin.query(&source, [query("A").kind("fetch-many").json(model)]).into_future();
    let (reply, ()) = tokio::join!(call, async {
        upstream.wait_for_requests(2).await;
        gate.open();
    });
    let reply = reply.unwrap();
    let bodies: Vec<_> = reply.answer("A").frames.iter().map(|frame| frame.pairs()["body"]).collect();
    assert_eq!(bodies, ["hi", "hi"], "{}", reply.answer("A").error);
}

#[gpx_tests::test]
async fn a_guests_own_timeout_is_a_downstream_fault() {
    let upstream = Upstream::always(Answer::status(200).after(&Gate::closed())).await;
    let plugin = Plugin::guest("probe").start().await;
    let model = json!({ "url": upstream.url(), "timeout_ms": 200 });
    let source = DataSource::new(&upstream.url());
    let reply = plugin.query(&source, [query("A").kind("fetch").json(model)]).await.unwrap();
    let text = format!("GET {}/: no response in time", upstream.url());
    assert_eq!(reply.answer("A").failure(), (504, "downstream", text.as_str()));
}
