//! Upstreams that answer with more than a component may have.

use gpx_tests::grafana::query;
use gpx_tests::upstream::{Answer, Upstream};
use serde_json::json;

use super::siege::{Siege, assert_ended};

async fn assert_survived(answer: Answer) {
    let upstream = Upstream::always(answer).await;
    let siege = Siege::of_probe().await;
    let fetch = query("A").kind("fetch").json(json!({ "url": upstream.url() }));
    let answers = siege.attack(&upstream.url(), &fetch).await;
    assert_ended(&answers);
    assert!(answers.iter().all(|answer| !answer.error.is_empty()), "none of it fits");
    siege.over().await;
}

#[gpx_tests::test]
async fn a_gzip_bomb() {
    assert_survived(Answer::gzip(&vec![b'x'; 64 << 20])).await;
}

#[gpx_tests::test]
async fn a_body_without_end() {
    assert_survived(Answer::Endless(vec![b'x'; 64 << 10].into())).await;
}

#[gpx_tests::test]
async fn a_head_of_many_fields() {
    let field = |number: usize| (format!("x-{number}"), "x".to_owned());
    let headers = (0..20_000).map(field).collect();
    assert_survived(Answer::Full { status: 200, headers, body: "few".into() }).await;
}

#[gpx_tests::test]
async fn a_head_of_large_fields() {
    let field = |number: usize| (format!("x-{number}"), "x".repeat(1 << 20));
    let headers = (0..50).map(field).collect();
    assert_survived(Answer::Full { status: 200, headers, body: "few".into() }).await;
}
