//! What Grafana gets for each refId: frames, an error or both, with a status; of a component that sees queries one at a time,
//! or together.

use gpx_tests::grafana::{DataSource, Reply, query};
use gpx_tests::peer;
use gpx_tests::plugin::Plugin;
use serde_json::json;

/// Returns what a refId was answered with: the number of frames, status, source and error.
fn told<'r>(reply: &'r Reply, ref_id: &str) -> (usize, i32, &'r str, &'r str) {
    let answer = reply.answer(ref_id);
    (answer.raw.frames.len(), answer.status, &answer.source, &answer.error)
}

fn ref_ids(reply: &Reply) -> Vec<&str> {
    let mut ref_ids: Vec<_> = reply.responses.keys().map(String::as_str).collect();
    ref_ids.sort_unstable();
    ref_ids
}

#[gpx_tests::test]
async fn an_answer_has_frames_and_an_error_a_status_and_others_beside_it() {
    let plugin = Plugin::guest("probe").start().await;
    let queries = [
        query("A").kind("answer").json(json!({ "status": 206, "further": ["A-further", "B"] })),
        query("B").kind("answer").json(json!({ "error": "half of it is missing" })),
    ];
    let reply = plugin.query(&DataSource::new(""), queries).await.unwrap();
    assert_eq!(ref_ids(&reply), ["A", "A-further", "B"]);
    assert_eq!(told(&reply, "A"), (1, 206, "", ""));
    assert_eq!(told(&reply, "A-further"), (1, 200, "", ""));
    assert_eq!(told(&reply, "B"), (1, 503, "downstream", "half of it is missing"));
    assert_eq!(reply.answer("A-further").frames[0].ref_id, "A-further");
    let line = plugin.logs.wait_for_message("Partial data response error").await;
    assert_eq!((line.text("refID"), line.text("statusSource")), ("B", "downstream"));
}

#[gpx_tests::test]
async fn the_sdk_reads_frames_and_an_error() {
    let Some(tools) = peer::tools() else { return };
    let mut peer = tools.launch(Plugin::guest("probe")).await;
    let answer =
        query("A").kind("answer").json(json!({ "error": "half of it is missing", "further": ["X"] }));
    for format in ["arrow", "json"] {
        let context = peer::context(&DataSource::new(""));
        let asked = json!({ "plugin_context": context, "queries": [peer::query(&answer)], "format": format });
        let responses = peer.get("query", asked).await["responses"].take();
        let a = &responses["A"];
        let told = [&a["status"], &a["error_source"], &a["error"], &a["frames"][0]["name"]];
        assert_eq!(
            told,
            [&json!(503), &json!("downstream"), &json!("half of it is missing"), &json!("answer")]
        );
        assert_eq!(
            (&responses["X"]["status"], &responses["X"]["frames"][0]["ref_id"]),
            (&json!(200), &json!("X"))
        );
    }
    peer.end().await;
}

#[gpx_tests::test]
async fn a_component_sees_all_queries_of_a_request() {
    let plugin = Plugin::guest("together").start().await;
    let number =
        |ref_id: &str, kind: &str, number: f64| query(ref_id).kind(kind).json(json!({ "number": number }));
    let queries = [
        number("A", "", 1.0),
        number("B", "left-out", 2.0),
        number("C", "fault", 4.0),
        number("D", "partial", 8.0),
        number("E", "bad-frame", 16.0),
        number("F", "further", 32.0),
        query("G").json(json!({ "number": "many" })),
    ];
    let reply = plugin.query(&DataSource::new(""), queries).await.unwrap();
    assert_eq!(ref_ids(&reply), ["A", "C", "D", "E", "F", "F-further", "G"]);
    assert_eq!(reply.frame("A").field("sum").numbers(), [63.0]);
    assert_eq!(reply.frame("F").ref_id, "F");
    assert_eq!(told(&reply, "C"), (0, 503, "downstream", "only this query failed"));
    assert_eq!(told(&reply, "D"), (1, 400, "plugin", "half of it is missing"));
    let (frames, status, source, error) = told(&reply, "E");
    assert_eq!((frames, status, source), (0, 500, "plugin"));
    assert!(error.starts_with("frame \"sum\" of query \"E\", fields[1]"), "{error}");
    assert_eq!(told(&reply, "F-further"), (1, 206, "", ""));
    let (_, status, _, error) = told(&reply, "G");
    assert!(status == 400 && error.starts_with("query G is not valid: `number`: "), "{error}");
}

#[gpx_tests::test]
async fn a_fault_about_all_queries_ends_the_call_as_in_go() {
    let Some(tools) = peer::tools() else { return };
    let mut peer = tools.launch(Plugin::guest("together")).await;
    let queries = [query("A"), query("B").kind("fail-all")].each_ref().map(peer::query);
    let asked = json!({ "plugin_context": peer::context(&DataSource::new("")), "queries": queries });
    let error = peer.ask("query", asked).await.unwrap_err();
    let told = [&error["code"], &error["message"], &error["error_source"]];
    assert_eq!(told, [&json!("Unknown"), &json!("no query was answered"), &json!("downstream")]);
    peer.end().await;
}

#[gpx_tests::test]
async fn what_stops_the_component_is_the_answer_to_each_query() {
    let plugin = Plugin::guest("together").start().await;
    let mut closed = DataSource::new("");
    closed.settings.database = "fault".to_owned();
    let open = DataSource::new("");
    for (source, kind, status, text) in [
        (&open, "panic", 500, "the plugin panicked: panicked on purpose"),
        (&open, "nameless", 500, "an answer of the plugin has no refId; give it that of a query"),
        (
            &open,
            "many",
            500,
            "the plugin answered 20001 refIds at once, and at most 10000 are passed on; answer fewer",
        ),
        (&closed, "", 418, "open failed on purpose"),
    ] {
        let reply = plugin.query(source, [query("A"), query("B").kind(kind)]).await.unwrap();
        for ref_id in ["A", "B"] {
            let (frames, code, source, error) = told(&reply, ref_id);
            assert_eq!((frames, code, source), (0, status, "plugin"), "{kind}");
            assert!(error.starts_with(text), "{kind}: {error}");
        }
    }
}
