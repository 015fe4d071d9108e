//! Answers that cost the guest little and the host much.

use gpx_tests::grafana::query;
use gpx_tests::plugin::Plugin;
use gpx_tests::proto::pluginv2::DataFrameFormat;
use serde_json::json;

use super::siege::{Siege, assert_ended};
use gpx_tests::component::{Answer, Column};

/// Each attacker succeeds, or is told why not.
async fn assert_survived(hostile: Answer, format: DataFrameFormat) {
    let mut siege = Siege::of(Plugin::of(&hostile.component())).await;
    siege.format = format;
    assert_ended(&siege.attack("", &query("A")).await);
    siege.over().await;
}

async fn assert_refused(hostile: Answer, words: &[&str]) {
    let siege = Siege::of(Plugin::of(&hostile.component())).await;
    siege.refused("", &query("A"), words).await;
    siege.over().await;
}

#[gpx_tests::test]
async fn many_booleans_as_json() {
    let hostile = Answer { frames: 12, fields: 1, column: Column::Booleans { rows: 40_000_000 } };
    assert_refused(hostile, &["MiB"]).await;
}

#[gpx_tests::test]
async fn many_rows_without_bytes() {
    let hostile = Answer { frames: 40, fields: 1, column: Column::Texts { rows: 500_000, bytes: 8 } };
    assert_refused(hostile, &["MiB to the host at once"]).await;
}

#[gpx_tests::test]
async fn the_same_bytes_many_times() {
    // 100 MiB are lifted from 2 MiB of memory.
    let hostile = Answer { frames: 100, fields: 1, column: Column::Texts { rows: 1, bytes: 1 << 20 } };
    assert_survived(hostile, DataFrameFormat::Arrow).await;
}

#[gpx_tests::test]
async fn more_than_can_be_lifted() {
    let hostile = Answer { frames: 1000, fields: 1, column: Column::Texts { rows: 1, bytes: 1 << 20 } };
    assert_refused(hostile, &["MiB"]).await;
}

#[gpx_tests::test]
async fn many_fields_in_many_frames() {
    let hostile = Answer { frames: 20_000, fields: 200, column: Column::Texts { rows: 1, bytes: 1 } };
    assert_refused(hostile, &["MiB"]).await;
}

#[gpx_tests::test]
async fn offsets_that_lie() {
    for (from, to) in [(0, 100), (1, 8), (8, 0), (0, 1 << 31)] {
        let hostile = Answer { frames: 1, fields: 1, column: Column::Text { from, to, bytes: 8 } };
        assert_refused(hostile, &["offset"]).await;
    }
}

#[gpx_tests::test]
async fn answers_of_a_compiled_component() {
    let siege = Siege::of_probe().await;
    for (kind, model) in [
        ("bools", json!({ "count": 4_000_000 })),
        ("texts", json!({ "count": 40, "bytes": 64 << 10 })),
        ("frames", json!({ "count": 10_000 })),
    ] {
        let query = query("A").kind(kind).json(model);
        assert_ended(&siege.attack("", &query).await);
    }
    siege.over().await;
}
