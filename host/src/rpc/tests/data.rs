use std::time::Duration;

use tonic::Code;

use crate::budget::Limits;
use crate::plugin::test::{Guest, LIMITS};
use crate::proto::pluginv2::{DataFrameFormat, QueryDataRequest};
use crate::rpc::test::{Grafana, a_while, answer, queries};

const MINUTE: &str = "wait 60000";

fn one() -> QueryDataRequest {
    queries(&[("A", "")])
}

#[tokio::test]
async fn a_component_without_queries_says_so() {
    let grafana = Grafana::of(Guest::without("data")).await;
    let status = grafana.query(one()).await.unwrap_err();
    assert_eq!(status.code(), Code::Unimplemented);
    assert_eq!(status.message(), "the plugin does not export gpx:plugin/data or gpx:plugin/data-batch");
    assert_eq!(grafana.counted("queryData", "error", "plugin"), "1");
    assert_eq!(grafana.loaded.logged("Plugin Request Completed")[0]["error"], status.message());
}

#[tokio::test]
async fn a_component_that_cannot_be_loaded_answers_each_query() {
    let grafana = Grafana::broken().await;
    let response = grafana.query(queries(&[("A", ""), ("B", "")])).await.unwrap();
    assert_eq!(response.responses.len(), 2);
    for answer in response.responses.values() {
        assert!(answer.error.contains("it is not WebAssembly"), "{}", answer.error);
        assert_eq!((answer.status, answer.error_source.as_str()), (500, "plugin"));
    }
    assert_eq!(grafana.counted("queryData", "error", "plugin"), "1");
}

#[tokio::test(start_paused = true)]
async fn a_call_waits_until_the_component_is_loaded() {
    let grafana = Grafana::loading().await;
    let call = tokio::spawn({
        let grafana = grafana.clone();
        async move { grafana.query(one()).await }
    });
    a_while().await;
    assert!(!call.is_finished());
    grafana.loads();
    assert_eq!(answer(&call.await.unwrap().unwrap(), "A"), "1");
}

#[tokio::test]
async fn a_request_without_queries_has_no_answers() {
    let grafana = Grafana::new().await;
    assert!(grafana.query(queries(&[])).await.unwrap().responses.is_empty());
    assert_eq!(grafana.counted("queryData", "ok", "plugin"), "1");
    assert_eq!(answer(&grafana.query(one()).await.unwrap(), "A"), "1", "the component had not been called");
}

#[tokio::test]
async fn each_query_knows_its_place() {
    let grafana = Grafana::new().await;
    let script = "ref-id\nsay  \nplace";
    let response = grafana.query(queries(&[("B", script), ("A", script), ("", script)])).await.unwrap();
    assert_eq!(
        [answer(&response, "B"), answer(&response, "A"), answer(&response, "")],
        ["B 0/3", "A 1/3", " 2/3"]
    );
}

#[tokio::test]
async fn each_query_has_its_own_status_and_source() {
    let grafana = Grafana::new().await;
    let request = queries(&[
        ("downstream", "fail 429 1 too often"),
        ("plugin", "fail 400 0 no such table"),
        ("no status", "fail 0 0 no status"),
        ("trap", "trap"),
        ("frame", "say my frame\nmeta []"),
        ("well", "say it is"),
    ]);
    let response = grafana.query(request).await.unwrap();
    let told = |ref_id: &str| {
        let answer = &response.responses[ref_id];
        assert!(answer.frames.is_empty());
        assert_eq!(answer.format(), DataFrameFormat::Json);
        (answer.status, answer.error.as_str(), answer.error_source.as_str())
    };
    assert_eq!(told("downstream"), (429, "too often", "downstream"));
    assert_eq!(told("plugin"), (400, "no such table", "plugin"));
    assert_eq!(told("no status"), (500, "no status", "plugin"));
    let (status, error, source) = told("trap");
    assert!((status, source) == (500, "plugin") && error.starts_with("the plugin failed: "), "{error}");
    let (status, error, source) = told("frame");
    assert_eq!((status, source), (500, "plugin"));
    assert_eq!(error, r#"frame "my frame" of query "frame": meta is a list; it must be an object"#);
    assert_eq!(answer(&response, "well"), "it is");
    let lines = grafana.loaded.logged("Partial data response error");
    let line = lines.iter().find(|line| line["refID"] == "downstream").unwrap();
    assert_eq!((line["status"].as_i64(), line["statusSource"].as_str()), (Some(429), Some("downstream")));
    assert_eq!(line["error"], "too often");
    assert_eq!(lines.len(), 5);
}

#[tokio::test]
async fn downstream_is_to_blame_for_a_request_only_if_nothing_else_is() {
    let grafana = Grafana::new().await;
    let (downstream, plugin) = ("fail 500 1 x", "fail 500 0 x");
    grafana.query(queries(&[("A", downstream), ("B", "")])).await.unwrap();
    assert_eq!(grafana.counted("queryData", "error", "downstream"), "1");
    grafana.query(queries(&[("A", downstream), ("B", plugin)])).await.unwrap();
    assert_eq!(grafana.counted("queryData", "error", "plugin"), "1");
    grafana.query(queries(&[("A", ""), ("B", "")])).await.unwrap();
    assert_eq!(grafana.counted("queryData", "ok", "plugin"), "1");
}

#[tokio::test]
async fn answers_have_the_requested_format() {
    let grafana = Grafana::new().await;
    let mut request = one();
    request.format = DataFrameFormat::Arrow.into();
    let response = grafana.query(request).await.unwrap();
    assert_eq!(response.responses["A"].format(), DataFrameFormat::Arrow);
    assert!(response.responses["A"].frames[0].starts_with(b"ARROW1"));
}

#[tokio::test(start_paused = true)]
async fn as_many_queries_run_at_once_as_grafana_allows() {
    let names = ["A", "B", "C", "D", "E", "F", "G", "H", "I", "J", "K", "L"];
    for (says, at_once) in [("1", 1), ("5", 5), ("100", 12), ("0", 10), ("-1", 10), ("many", 10)] {
        let grafana = Grafana::new().await;
        let mut request = queries(&names.map(|name| (name, "wait 1000\ncount")));
        let config = &mut request.plugin_context.as_mut().unwrap().grafana_config;
        config.insert("GF_CONCURRENT_QUERY_COUNT".to_owned(), says.to_owned());
        let response = grafana.query(request).await.unwrap();
        // Each query that runs concurrently with others has a new instance.
        let new = names.iter().filter(|name| answer(&response, name) == "1");
        assert_eq!(new.count(), at_once, "{says}");
    }
}

#[tokio::test]
async fn tenants_do_not_share_instances() {
    let grafana = Grafana::new().await;
    for calls in ["1", "2"] {
        for tenant in ["", "one", "two"] {
            let response = grafana.query_as(tenant, one()).await.unwrap();
            assert_eq!(answer(&response, "A"), calls, "{tenant:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn the_end_of_the_process_ends_a_call() {
    let grafana = Grafana::new().await;
    let call = tokio::spawn({
        let grafana = grafana.clone();
        async move { grafana.query(queries(&[("A", MINUTE), ("B", MINUTE)])).await }
    });
    a_while().await;
    grafana.shutdown.trigger();
    let status = call.await.unwrap().unwrap_err();
    assert_eq!((status.code(), status.message()), (Code::Cancelled, "the plugin is being stopped"));
    assert_eq!(grafana.counted("queryData", "cancelled", "downstream"), "1");
}

#[tokio::test(start_paused = true)]
async fn a_caller_that_is_gone_stops_all_queries() {
    let grafana = Grafana::new().await;
    let call = tokio::spawn({
        let grafana = grafana.clone();
        let script = "span query\nwait 60000";
        async move { grafana.query(queries(&[("A", script), ("B", script), ("C", script)])).await }
    });
    a_while().await;
    call.abort();
    assert!(call.await.unwrap_err().is_cancelled());
    a_while().await;
    assert_eq!(grafana.counted("queryData", "cancelled", "downstream"), "1");
    let spans = grafana.loaded.ended.spans();
    assert_eq!(spans.iter().filter(|span| span.name == "query").count(), 3);
}

#[tokio::test(start_paused = true)]
async fn the_callers_deadline_ends_the_call_and_not_just_a_query() {
    let grafana = Grafana::new().await;
    for request in [
        queries(&[("A", "wait 60000")]),
        queries(&[("A", "count"), ("B", "span left open\nwait 60000"), ("C", "wait 60000")]),
    ] {
        let status = grafana.query_within(Duration::from_millis(300), request).await.unwrap_err();
        assert_eq!(status.code(), Code::DeadlineExceeded);
        assert_eq!(status.message(), "the plugin did not answer before the caller's deadline");
        let blamed = String::from_utf8_lossy(status.details());
        assert!(
            blamed.contains("google.rpc.ErrorInfo") && blamed.contains("errorSource\u{12}\u{6}plugin"),
            "{blamed:?}"
        );
    }
    assert_eq!(grafana.counted("queryData", "error", "plugin"), "2");
    assert_eq!(grafana.counted("queryData", "cancelled", "downstream"), "none");
    let lines = grafana.loaded.logged("Plugin Request Completed");
    let told: Vec<_> = lines.iter().map(|line| line["error"].as_str().unwrap()).collect();
    assert_eq!(told, ["the plugin did not answer before the caller's deadline"; 2]);
    assert!(grafana.query(queries(&[("A", "count")])).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_call_aborted_at_its_deadline_does_not_count_as_cancelled() {
    let grafana = Grafana::new().await;
    let patience = Duration::from_millis(300);
    let call = grafana.query_within(patience, queries(&[("A", "wait 60000")]));
    // Drops the call as the layer does if a call does not end in time on its own.
    let mut call = Box::pin(call);
    assert!(futures_util::poll!(&mut call).is_pending());
    tokio::time::advance(patience).await;
    drop(call);
    assert_eq!(grafana.counted("queryData", "error", "plugin"), "1");
    assert_eq!(
        grafana.loaded.logged("Plugin Request Completed")[0]["error"],
        "the caller's deadline has passed"
    );
}

#[tokio::test(start_paused = true)]
async fn of_two_deadlines_at_the_same_time_neither_is_a_cancel() {
    // The operator's is a little earlier, but the layer that minds the caller's may come first.
    for later in [1, 500_000, 2_000_000] {
        let grafana = Grafana::new().await;
        let patience = LIMITS.call_timeout + Duration::from_nanos(later);
        let mut call = Box::pin(grafana.query_within(patience, queries(&[("A", MINUTE), ("B", MINUTE)])));
        assert!(futures_util::poll!(&mut call).is_pending());
        tokio::time::advance(patience).await;
        drop(call);
        assert_eq!(grafana.counted("queryData", "cancelled", "downstream"), "none", "{later} ns");
        assert_eq!(grafana.counted("queryData", "error", "plugin"), "1", "{later} ns");
    }
}

#[tokio::test(start_paused = true)]
async fn at_the_end_of_the_process_a_call_that_waits_begins_no_work() {
    let grafana = Grafana::of_limits(&Limits { instances_max: Some(1), ..LIMITS }).await;
    let start = |script: &'static str| {
        let grafana = grafana.clone();
        tokio::spawn(async move { grafana.query(queries(&[("A", script)])).await })
    };
    let mut calls = vec![start(MINUTE)];
    tokio::task::yield_now().await;
    // They wait for the instance of the first.
    calls.extend((0..20).map(|_| start("out began\nwait 60000")));
    a_while().await;
    grafana.shutdown.trigger();
    for call in calls {
        assert_eq!(call.await.unwrap().unwrap_err().code(), Code::Cancelled);
    }
    assert_eq!(grafana.loaded.logged("began").len(), 0);
}

#[tokio::test]
async fn a_flood_of_one_data_source_loses_no_line_of_another() {
    let grafana = Grafana::new().await;
    let of = |uid: &str, script: &str| {
        let mut request = queries(&[("A", script)]);
        let context = request.plugin_context.get_or_insert_default();
        context.data_source_instance_settings.get_or_insert_default().uid = uid.to_owned();
        request
    };
    let held = grafana.loaded.lines.hold();
    grafana.query(of("flooding", "flood 2000")).await.unwrap();
    for _ in 0..20 {
        grafana.query(of("other", "out hello")).await.unwrap();
    }
    drop(held);
    let lines = grafana.loaded.lines.json();
    for message in ["Plugin Request Started", "hello", "Plugin Request Completed"] {
        let of_other = lines.iter().filter(|line| line["@message"] == message && line["dsUid"] == "other");
        assert_eq!(of_other.count(), 20, "{message}");
    }
    let lost: Vec<_> = lines.iter().filter(|line| line.get("lines").is_some()).collect();
    assert!(!lost.is_empty() && lost.iter().all(|line| line["dsUid"] == "flooding"), "{lost:?}");
}
