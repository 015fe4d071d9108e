//! What an author of a plugin is told about a mistake, and about an upstream that answers with something else.

use gpx_tests::grafana::{DataSource, query};
use gpx_tests::plugin::Plugin;
use gpx_tests::upstream::{Answer, Upstream};
use serde_json::json;

fn answer(status: u16, content_type: &str, body: &str) -> Answer {
    let headers = vec![("content-type".to_owned(), content_type.to_owned())];
    Answer::Full { status, headers, body: body.to_owned().into() }
}

#[gpx_tests::test]
async fn json_of_an_upstream_that_refuses_is_an_error_with_its_beginning() {
    let plugin = Plugin::guest("probe").start().await;
    let long = format!("<p>{}</p>", "a long way down ".repeat(100));
    for (answer, status, source, text) in [
        (
            answer(401, "application/json", r#"{"message":"no such token"}"#),
            401,
            "downstream",
            r#"answered 401 Unauthorized (application/json: {"message":"no such token"})"#.to_owned(),
        ),
        (
            Answer::status(503),
            503,
            "downstream",
            "answered 503 Service Unavailable (no content type, empty)".to_owned(),
        ),
        (
            answer(405, "text/plain", "[1]"),
            405,
            "plugin",
            "answered 405 Method Not Allowed (text/plain: [1])".to_owned(),
        ),
        (
            answer(200, "text/html", "<h1>Log\n in</h1>"),
            500,
            "plugin",
            "unexpected JSON: a value is missing at byte 0 (200 OK, text/html: <h1>Log\\n in</h1>)"
                .to_owned(),
        ),
        (
            answer(404, "text/html", &long),
            404,
            "downstream",
            format!("answered 404 Not Found (text/html: <p>{}a long way …)", "a long way down ".repeat(31)),
        ),
    ] {
        let shown = format!("{answer:?}");
        let upstream = Upstream::always(answer).await;
        let fetch = query("A").kind("fetch-json").json(json!({ "url": upstream.url() }));
        let reply = plugin.query(&DataSource::new(&upstream.url()), [fetch]).await.unwrap();
        let text = format!("GET {}/: {text}", upstream.url());
        assert_eq!(reply.answer("A").failure(), (status, source, text.as_str()), "{shown}");
    }
}

#[gpx_tests::test]
async fn json_of_an_error_can_still_be_read() {
    let plugin = Plugin::guest("probe").start().await;
    let upstream = Upstream::always(answer(429, "application/json", r#"{"wait":7}"#)).await;
    let fetch = query("A").kind("fetch-json-of-any-status").json(json!({ "url": upstream.url() }));
    let reply = plugin.query(&DataSource::new(&upstream.url()), [fetch]).await.unwrap();
    assert_eq!(reply.frame("A").field("json").values, [json!(r#"{"wait":7}"#)]);
}

#[gpx_tests::test]
async fn what_is_wrong_with_plugin_json_is_in_the_log() {
    for (text, message) in [
        (Some("{\"id\": \"a-b-app\""), "plugin.json is not JSON (EOF while parsing an object"),
        (
            Some("{\"name\": \"Prices\"}"),
            "plugin.json is not complete or has a value of another type (missing field `id`",
        ),
        (None, "There is no plugin.json beside the executable; put it there"),
    ] {
        let launch = Plugin::guest("probe").without("plugin.json");
        let launch = match text {
            Some(text) => launch.file("plugin.json", text.as_bytes()),
            None => launch,
        };
        let plugin = launch.start().await;
        plugin.logs.wait_for(|line| line.message.starts_with(message)).await;
    }
}
