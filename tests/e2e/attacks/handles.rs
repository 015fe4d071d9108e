//! Handles that are kept, each as large as it can be.

use gpx_tests::collector::Collector;
use gpx_tests::grafana::query;
use gpx_tests::plugin::Plugin;
use gpx_tests::upstream::{Answer, Gate, Upstream, points};
use serde_json::{Value, json};

use super::siege::{Siege, assert_ended};

/// Several data sources keep handles and hold their instances, so that all of it is there at once.
async fn assert_held(kind: &str, mut model: Value) {
    let gate = Gate::closed();
    let upstream = Upstream::always(Answer::json(points(1)).after(&gate)).await;
    let siege = Siege::of_probe().await;
    model["hold"] = upstream.url().into();
    assert_ended(&siege.held(&upstream, &gate, &query("A").kind(kind).json(model)).await);
    siege.over().await;
}

/// The same with what is left of another upstream's answers.
async fn assert_held_of(answer: Answer, kind: &str, mut model: Value) {
    let other = Upstream::always(answer).await;
    let gate = Gate::closed();
    let upstream = Upstream::always(Answer::json(points(1)).after(&gate)).await;
    let launch = Plugin::guest("probe").setting("gpx_allow_hosts", &other.address().to_string());
    let siege = Siege::of(launch).await;
    (model["url"], model["hold"]) = (other.url().into(), upstream.url().into());
    assert_ended(&siege.held(&upstream, &gate, &query("A").kind(kind).json(model)).await);
    siege.over().await;
}

/// An answer without a body, so that nothing but its head is there.
fn head(fields: usize, bytes: usize) -> Answer {
    let field = |number: usize| (format!("x-{number}"), "x".repeat(bytes));
    let headers = (0..fields).map(field).chain([("x-last".to_owned(), "x".to_owned())]).collect();
    Answer::Full { status: 200, headers, body: "".into() }
}

/// More than the component may have, which it is told in these words.
async fn assert_refused(kind: &str, model: Value, words: &[&str]) {
    let upstream = Upstream::points(1).await;
    let siege = Siege::of_probe().await;
    siege.refused(&upstream.url(), &query("A").kind(kind).json(model), words).await;
    siege.over().await;
}

#[gpx_tests::test]
async fn bodies_of_requests_that_are_never_sent() {
    assert_held("bodies", json!({ "count": 100 })).await;
}

#[gpx_tests::test]
async fn fields_of_the_largest_size() {
    assert_held("fields", json!({ "count": 1000, "bytes": 8000 })).await;
}

#[gpx_tests::test]
async fn fields_with_many_small_values() {
    assert_held("fields", json!({ "count": 1000, "bytes": 1 })).await;
}

#[gpx_tests::test]
async fn requests_with_huge_texts() {
    assert_held("requests", json!({ "count": 400, "bytes": 1 << 20 })).await;
}

#[gpx_tests::test]
async fn bodies_without_end() {
    assert_refused("bodies", json!({}), &["gpx_memory_", "MiB"]).await;
}

#[gpx_tests::test]
async fn timers_without_end() {
    assert_refused("timers", json!({}), &["4000 handles"]).await;
}

#[gpx_tests::test]
async fn streams_without_end() {
    assert_refused("streams", json!({}), &["4000 handles"]).await;
}

#[gpx_tests::test]
async fn open_spans_without_end() {
    let collector = Collector::start().await;
    let siege = Siege::of(Plugin::guest("probe").tracing(&collector.address())).await;
    siege.refused("", &query("A").kind("spans-kept").json(json!({ "bytes": 4096 })), &["handles"]).await;
    siege.over().await;
}

#[gpx_tests::test]
async fn a_huge_list_to_poll() {
    assert_refused("poll-many", json!({ "count": 100_000 }), &["4000 handles"]).await;
    // Each item of a list is a handle that is lent.
    assert_refused("poll-one", json!({ "count": 100_000 }), &["4000 handles"]).await;
    assert_refused("poll-one", json!({ "count": 1001 }), &["1000 things at once"]).await;
}

#[gpx_tests::test]
async fn responses_with_long_heads() {
    assert_held_of(head(2000, 240), "responses", json!({ "count": 80 })).await;
}

#[gpx_tests::test]
async fn responses_with_long_heads_that_nobody_takes() {
    assert_held_of(head(2000, 240), "ready", json!({ "count": 150 })).await;
}

#[gpx_tests::test]
async fn a_field_of_each_of_many_responses() {
    assert_held_of(head(9, 4000), "slivers", json!({ "count": 3000 })).await;
}

#[gpx_tests::test]
async fn long_redirects_that_nobody_follows() {
    let location = format!("http://a.example/{}", "<".repeat(500 << 10));
    assert_held_of(Answer::redirect(&location), "responses-dropped", json!({ "count": 100 })).await;
}
