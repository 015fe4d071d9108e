//! Answers that cost the guest little and the host much.

use gpx_tests::grafana::query;
use gpx_tests::plugin::Plugin;
use serde_json::json;

use super::siege::{Siege, assert_ended};
use gpx_tests::component::{Answer, Column};

async fn assert_survived(hostile: Answer, words: &[&str]) {
    let siege = Siege::of(Plugin::of(&hostile.component())).await;
    siege.refused("", &query("A"), words).await;
    siege.over().await;
}

#[gpx_tests::test]
async fn many_booleans_as_json() {
    let hostile = Answer { frames: 12, fields: 1, column: Column::Booleans { rows: 40_000_000 } };
    assert_survived(hostile, &["MiB"]).await;
}

#[gpx_tests::test]
async fn many_rows_without_bytes() {
    let hostile = Answer { frames: 20, fields: 1, column: Column::Texts { rows: 1_000_000, bytes: 8 } };
    assert_survived(hostile, &["MiB"]).await;
}

#[gpx_tests::test]
async fn the_same_bytes_many_times() {
    // 100 MiB are lifted from 2 MiB of memory.
    let hostile = Answer { frames: 100, fields: 1, column: Column::Texts { rows: 1, bytes: 1 << 20 } };
    assert_survived(hostile, &["MiB"]).await;
}

#[gpx_tests::test]
async fn more_than_can_be_lifted() {
    let hostile = Answer { frames: 1000, fields: 1, column: Column::Texts { rows: 1, bytes: 1 << 20 } };
    assert_survived(hostile, &["MiB"]).await;
}

#[gpx_tests::test]
async fn many_fields_in_many_frames() {
    let hostile = Answer { frames: 20_000, fields: 200, column: Column::Texts { rows: 1, bytes: 1 } };
    assert_survived(hostile, &["MiB"]).await;
}

#[gpx_tests::test]
async fn offsets_that_lie() {
    for (from, to) in [(0, 100), (1, 8), (8, 0), (0, 1 << 31)] {
        let hostile = Answer { frames: 1, fields: 1, column: Column::Text { from, to, bytes: 8 } };
        assert_survived(hostile, &["offset"]).await;
    }
}

#[gpx_tests::test]
async fn answers_of_a_compiled_component() {
    let siege = Siege::of_probe().await;
    for (kind, model) in [
        ("bools", json!({ "count": 8_000_000 })),
        ("texts", json!({ "count": 80, "bytes": 64 << 10 })),
        ("frames", json!({ "count": 20_000 })),
    ] {
        let query = query("A").kind(kind).json(model);
        assert_ended(&siege.attack("", &query).await);
    }
    siege.over().await;
}
