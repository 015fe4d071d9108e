//! Memory, tables and stacks.

use std::fmt::Write as _;

use gpx_tests::grafana::{DataSource, query};
use gpx_tests::plugin::Plugin;
use gpx_tests::proto::pluginv2::check_health_response::HealthStatus;
use gpx_tests::upstream::{Answer, Gate, Upstream, points};
use serde_json::json;

use super::siege::{ATTACKERS, MAX, Siege, assert_told};
use gpx_tests::component::component;

/// A module's tables, and instructions that grow each of them until the host refuses.
fn tables(count: usize, kind: &str, step: usize) -> (String, String) {
    let (mut items, mut growth) = (String::new(), String::new());
    for number in 0..count {
        writeln!(items, "(table $t{number} 0 {kind}ref)").unwrap();
        writeln!(
            growth,
            "(loop $more{number} (br_if $more{number} (i32.ne (i32.const -1)
                (table.grow $t{number} (ref.null {kind}) (i32.const {step})))))"
        )
        .unwrap();
    }
    (items, growth)
}

async fn assert_tables_are_memory(kind: &str, step: usize) {
    let (items, growth) = tables(24, kind, step);
    let hostile = component(&items, &format!("{growth} unreachable"), 1);
    let siege = Siege::of(Plugin::of(&hostile)).await;
    siege.refused("", &query("A"), &["gpx_memory_", "MiB"]).await;
    siege.over().await;
}

#[gpx_tests::test]
async fn tables_of_functions_are_memory() {
    assert_tables_are_memory("func", 100_000).await;
}

#[gpx_tests::test]
async fn tables_of_references_are_memory() {
    assert_tables_are_memory("extern", 1_000_000).await;
}

/// Returns what "Save & test" says about a component.
async fn health(hostile: &[u8]) -> String {
    let plugin = Plugin::of(hostile).start().await;
    let health = plugin.health(&DataSource::new("")).await.expect("a load error is a health status");
    assert_eq!(health.status(), HealthStatus::Error);
    assert!(plugin.stop().await.success());
    health.message
}

#[gpx_tests::test]
async fn a_component_with_too_many_tables_is_refused() {
    let hostile = component(&tables(257, "func", 1).0, "(i32.const 0)", 1);
    assert_told(&health(&hostile).await, &["257", "256", "tables"]);
}

#[gpx_tests::test]
async fn a_component_with_too_many_memories_is_refused() {
    let text = String::from_utf8_lossy(include_bytes!("../../harness/component.wat")).into_owned();
    let more: String = (0..64).map(|_| "(core module (memory 0))".to_owned()).collect();
    let made: String =
        (0..64).map(|number| format!("(core instance (instantiate {}))", number + 1)).collect();
    let whole = text
        .replace("(core instance $main ", &format!("{more}{made}(core instance $main "))
        .replace("(; pages ;)", "1")
        .replace("(; query ;)", "(i32.const 0)");
    let hostile = wat::parse_str(whole).unwrap();
    assert_told(&health(&hostile).await, &["65", "64", "memories"]);
}

#[gpx_tests::test]
async fn a_declared_memory_beyond_the_limit_is_told_in_words() {
    // 100 MiB.
    let hostile = component("", "(i32.const 0)", 1600);
    let siege = Siege::of(Plugin::of(&hostile)).await;
    siege.refused("", &query("A"), &["gpx_memory_max", &format!("{MAX} MiB")]).await;
    siege.over().await;
}

#[gpx_tests::test]
async fn memory_that_grows_in_steps() {
    let siege = Siege::of_probe().await;
    for bytes in [64 << 10, 1 << 20, 7 << 20] {
        siege.attack("", &query("A").kind("grow").json(json!({ "bytes": bytes }))).await;
    }
    siege.refused("", &query("A").kind("allocate"), &["gpx_memory_", "MiB"]).await;
    siege.over().await;
}

#[gpx_tests::test]
async fn stacks_that_are_used_up() {
    let siege = Siege::of_probe().await;
    let deep = query("A").kind("recurse").json(json!({ "count": 100_000_000 }));
    siege.refused("", &deep, &["stack"]).await;
    siege.over().await;
}

#[gpx_tests::test]
async fn deep_stacks_in_many_instances_at_once() {
    let gate = Gate::closed();
    let upstream = Upstream::always(Answer::json(points(1)).after(&gate)).await;
    let siege = Siege::of_probe().await;
    let model = json!({ "count": 3000, "url": upstream.url() });
    let mut waiting = tokio::task::JoinSet::new();
    for _ in 0..ATTACKERS {
        let source = DataSource::new(&upstream.url()).grafana("GF_CONCURRENT_QUERY_COUNT", "16");
        let queries = (0..16).map(|name| query(&name.to_string()).kind("recurse").json(model.clone()));
        waiting.spawn(siege.plugin.query(&source, queries).into_future());
    }
    // As many as the memory allows are at the bottom at once.
    upstream.wait_for_requests(ATTACKERS).await;
    gate.open();
    for reply in waiting.join_all().await {
        assert!(reply.unwrap().responses.values().all(|answer| answer.error.is_empty()));
    }
    siege.over().await;
}
