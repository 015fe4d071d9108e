//! CallResource: an HTTP-like call whose response is streamed in chunks.

use gpx_tests::grafana::DataSource;
use gpx_tests::logs::Line;
use gpx_tests::plugin::Plugin;
use serde_json::{Value, json};

#[gpx_tests::test]
async fn echo_returns_the_body() {
    let plugin = Plugin::packaged("http-backend").start().await;
    let source = DataSource::new("http://localhost:9");
    let answer = plugin.resource(&source, "POST", "echo?x=1", "hello").await.unwrap();
    assert_eq!((answer.status, answer.text().as_str()), (200, "hello"));
}

#[gpx_tests::test]
async fn the_guest_gets_the_request_as_it_was_sent() {
    let plugin = Plugin::guest("probe").start().await;
    let call = plugin.resource(&DataSource::new(""), "PUT", "echo?x=1&y=%20", "hello");
    let call = call.header("X-Probe", "a").header("Cookie", "proof").header("X-Grafana-Id", "proof");
    let answer = call.await.unwrap();
    assert_eq!(
        (answer.status, answer.text().as_str()),
        (200, "PUT echo\necho?x=1&y=%20\nX-Probe: a\n\nhello")
    );
}

#[gpx_tests::test]
async fn an_old_query_model_is_upgraded() {
    let plugin = Plugin::packaged("http-backend").start().await;
    let source = DataSource::new("http://localhost:9");
    let old = json!({ "refId": "A", "multiply": 3 }).to_string();
    let answer = plugin.resource(&source, "POST", "migrate-query", old).await.unwrap();
    let new: Value = serde_json::from_slice(&answer.body()).unwrap();
    assert_eq!((answer.status, &new), (200, &json!({ "version": 1, "multiplier": 3 })));
    assert!(answer.headers["content-type"][0].starts_with("application/json"));
    let wrong = plugin.resource(&source, "POST", "migrate-query", "{").await.unwrap();
    assert_eq!(
        (wrong.status, wrong.text().as_str()),
        (
            400,
            r#"{"message":"the body of `migrate-query` is not valid: a name in quotes is missing at byte 1"}"#
        )
    );
}

#[gpx_tests::test]
async fn an_unknown_path_is_not_found() {
    let plugin = Plugin::packaged("http-backend").start().await;
    let answer = plugin.resource(&DataSource::new(""), "GET", "no-such", "").await.unwrap();
    let text = r#"{"message":"there is no resource `GET no-such`"}"#;
    assert_eq!((answer.status, answer.text().as_str()), (404, text));
    assert_eq!(answer.headers["content-type"], ["application/json"]);
}

#[gpx_tests::test]
async fn another_method_than_a_route_has_is_not_allowed() {
    let plugin = Plugin::packaged("http-backend").start().await;
    let answer = plugin.resource(&DataSource::new(""), "GET", "migrate-query", "").await.unwrap();
    let text = r#"{"message":"the resource `migrate-query` does not allow GET: it allows POST"}"#;
    assert_eq!((answer.status, answer.text().as_str()), (405, text));
    assert_eq!(answer.headers["allow"], ["POST"]);
    assert_eq!(answer.headers["content-type"], ["application/json"]);
}

#[gpx_tests::test]
async fn parameters_that_are_not_valid_are_the_callers_mistake() {
    let plugin = Plugin::guest("probe").start().await;
    let source = DataSource::new("");
    let answer = plugin.resource(&source, "GET", "page/7?limit=ten", "").await.unwrap();
    let text = r#"{"message":"the query string of `page/7` is not valid: `limit`: a string where a whole number was expected"}"#;
    assert_eq!((answer.status, answer.text().as_str()), (400, text));
    let answer = plugin.resource(&source, "GET", "page/seven?limit=10", "").await.unwrap();
    let text =
        r#"{"message":"`number` in the path `page/seven` is not valid: invalid digit found in string"}"#;
    assert_eq!((answer.status, answer.text().as_str()), (400, text));
    let answer = plugin.resource(&source, "GET", "page/7?limit=10&tag=a+b&tag=%C3%BC", "").await.unwrap();
    assert_eq!((answer.status, answer.text().as_str()), (200, r#"[7,10,["a b","ü"]]"#));
}

#[gpx_tests::test]
async fn a_body_arrives_whole() {
    let plugin = Plugin::guest("probe").setting("gpx_memory_max", "64MiB").start().await;
    let body = "0123456789abcde\n".repeat((15 << 20) / 16);
    let answer = plugin.resource(&DataSource::new(""), "POST", "echo", body.clone()).await.unwrap();
    let text = answer.text();
    assert!(answer.status == 200 && text.ends_with(&format!("\n\n{body}")), "{} bytes", text.len());
}

#[gpx_tests::test]
async fn chunks_arrive_as_they_are_sent() {
    let plugin = Plugin::guest("probe").start().await;
    let answer = plugin.resource(&DataSource::new(""), "GET", "stream", "3").await.unwrap();
    let sent: Vec<_> = answer.pieces.iter().filter(|piece| !piece.is_empty()).collect();
    assert_eq!(sent, ["piece 0\n", "piece 1\n", "piece 2\n"]);
    assert_eq!(
        (answer.status, answer.headers["x-probe"].clone()),
        (206, vec!["a".to_owned(), "b".to_owned()])
    );
}

#[gpx_tests::test]
async fn a_caller_that_hangs_up_ends_an_endless_response() {
    let plugin = Plugin::guest("probe").start().await;
    let mut stream = plugin.resource_stream(&DataSource::new(""), "GET", "stream", "").await.unwrap();
    stream.message().await.unwrap().unwrap();
    drop(stream);
    let line = plugin.logs.wait_for_message("stream ended").await;
    assert_eq!(line.text("error"), "the caller of the resource is gone");
    assert_eq!(line.fields.get("cancelled"), Some(&json!(true)), "{line}");
}

#[gpx_tests::test]
async fn a_caller_that_hangs_up_stops_a_guest_that_computes() {
    let launch = Plugin::guest("probe").setting("gpx_instances_max", "1").setting("gpx_cpu_timeout", "30m");
    let plugin = launch.start().await;
    let source = DataSource::new("");
    for (call, first) in ["", "a piece"].into_iter().enumerate() {
        let mut stream = plugin.resource_stream(&source, "GET", "compute", first).await.unwrap();
        plugin.logs.wait_for_lines(call + 1, |line| line.message == "looping").await;
        if !first.is_empty() {
            assert_eq!(stream.message().await.unwrap().unwrap().body, first);
        }
        drop(stream);
        let is_end =
            |line: &Line| line.message == "Plugin Request Completed" && line.text("status") == "cancelled";
        plugin.logs.wait_for_lines(call + 1, is_end).await;
        // The only instance that there may be was given up.
        let answer = plugin.resource(&source, "GET", "length", "four").await.unwrap();
        assert_eq!((answer.status, answer.text().as_str()), (200, "4"));
    }
}

#[gpx_tests::test]
async fn a_second_start_is_an_error_value_for_the_guest() {
    let plugin = Plugin::guest("probe").start().await;
    let answer = plugin.resource(&DataSource::new(""), "GET", "start-twice", "").await.unwrap();
    assert_eq!(
        (answer.status, answer.text().as_str(), answer.pieces.len()),
        (200, "sent\nthe status must be from 100 to 599, and be set once and before the body\n", 2)
    );
}

#[gpx_tests::test]
async fn sending_nothing_is_an_empty_response() {
    let plugin = Plugin::guest("probe").start().await;
    let answer = plugin.resource(&DataSource::new(""), "GET", "empty", "").await.unwrap();
    assert_eq!((answer.status, answer.text().as_str()), (200, ""));
}

#[gpx_tests::test]
async fn a_fault_is_a_response_before_the_first_chunk_and_an_error_after_it() {
    let plugin = Plugin::guest("probe").start().await;
    let source = DataSource::new("");
    let answer = plugin.resource(&source, "GET", "fault", "").await.unwrap();
    let text = r#"{"message":"the resource failed on purpose"}"#;
    assert_eq!((answer.status, answer.text().as_str()), (418, text));

    let call = plugin.resource_stream(&source, "GET", "late-fault", "");
    let mut stream = call.await.unwrap();
    let first = stream.message().await.unwrap().unwrap();
    assert_eq!((first.code, first.body.as_ref()), (200, b"so far so good\n".as_slice()));
    let error = loop {
        match stream.message().await {
            Ok(Some(_)) => {}
            Ok(None) => panic!("the stream ended without an error"),
            Err(error) => break error,
        }
    };
    assert_eq!((error.code(), error.message()), (tonic::Code::Unknown, "the resource failed late"));
}

#[gpx_tests::test]
async fn a_late_fault_of_any_length_leaves_the_connection_to_others() {
    let plugin = Plugin::guest("probe").start().await;
    let source = DataSource::new("");
    let mut other = plugin.resource_stream(&source, "GET", "large-chunks", "").await.unwrap();
    assert!(other.message().await.unwrap().is_some());
    let mut stream = plugin.resource_stream(&source, "GET", "long-fault", "").await.unwrap();
    assert!(stream.message().await.unwrap().is_some());
    let error = stream.message().await.unwrap_err();
    assert_eq!(error.code(), tonic::Code::Unknown, "{error:?}");
    let text = error.message();
    assert!(text.starts_with("é% é% ") && text.ends_with('…') && text.len() <= 8192, "{}", text.len());
    assert!(other.message().await.unwrap().is_some(), "it is still being answered");
}

#[gpx_tests::test]
async fn a_panic_is_reported_and_the_next_call_works() {
    let plugin = Plugin::guest("probe").start().await;
    let source = DataSource::new("");
    let answer = plugin.resource(&source, "GET", "panic", "").await.unwrap();
    let text = r#"{"message":"the plugin panicked: the resource panicked on purpose ("#;
    assert!(answer.status == 500 && answer.text().starts_with(text), "{} {}", answer.status, answer.text());
    assert_eq!(plugin.resource(&source, "GET", "empty", "").await.unwrap().status, 200);
}
