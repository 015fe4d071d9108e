//! Memory, tables and stacks.

use std::fmt::Write as _;

use gpx_tests::grafana::{DataSource, query};
use gpx_tests::plugin::{Launch, Plugin};
use gpx_tests::proto::pluginv2::check_health_response::HealthStatus;
use gpx_tests::upstream::{Answer, Gate, Upstream, points};
use serde_json::json;
use tokio::task::JoinSet;

use super::siege::{ATTACKERS, Siege, assert_ended, assert_told};
use gpx_tests::component::{component, component_with};

/// A module's tables, and instructions that grow each of them until the host refuses.
fn tables(count: usize) -> (String, String) {
    let (mut items, mut growth) = (String::new(), String::new());
    for number in 0..count {
        writeln!(items, "(table $t{number} 0 funcref)").unwrap();
        writeln!(
            growth,
            "(loop $more{number} (br_if $more{number} (i32.ne (i32.const -1)
                (table.grow $t{number} (ref.null func) (i32.const 100000)))))"
        )
        .unwrap();
    }
    (items, growth)
}

#[gpx_tests::test]
async fn tables_are_memory() {
    let (items, growth) = tables(24);
    let hostile = component(&items, &format!("{growth} unreachable"), 1);
    let siege = Siege::of(Plugin::of(&hostile)).await;
    // The tables' own limits may stop it first.
    assert_ended(&siege.attack("", &query("A")).await);
    siege.over().await;
}

/// What hangs gives nothing back for long. Data sources that come later must not wait for that.
#[gpx_tests::test]
async fn a_call_that_hangs_leaves_memory_for_others() {
    let gate = Gate::closed();
    let hanging = Upstream::always(Answer::json(points(1)).after(&gate)).await;
    let launch = Plugin::guest("probe").setting("gpx_memory_max", "64").setting("gpx_memory_total", "64");
    let plugin = launch.start().await;
    // It hangs for longer than the test lasts.
    let source = DataSource::new(&hanging.url()).json(json!({ "timeout": 300 }));
    // Steps that leave too little for another instance.
    let model = json!({ "bytes": 600 << 10, "hold": hanging.url() });
    let grow = query("A").kind("grow").json(model);
    let growing = tokio::spawn(plugin.query(&source, [grow]).into_future());
    hanging.wait_for_requests(1).await;
    let mut waiting = JoinSet::new();
    for _ in 0..20 {
        waiting.spawn(plugin.query(&source, [query("A").kind("count")]).into_future());
    }
    plugin.logs.wait_for_message("gpx_memory_total = 64").await;
    for _ in 0..3 {
        let other = plugin.query(&DataSource::new(""), [query("A").kind("count")]).await.unwrap();
        assert_eq!(other.answer("A").error, "");
    }
    gate.open();
    for reply in waiting.join_all().await.into_iter().chain([growing.await.unwrap()]) {
        assert_eq!(reply.unwrap().answer("A").error, "");
    }
}

/// Returns what "Save & test" says about a component that cannot be loaded.
async fn health(launch: Launch) -> String {
    let plugin = launch.start().await;
    let health = plugin.health(&DataSource::new("")).await.expect("a load error is a health status");
    assert_eq!(health.status(), HealthStatus::Error);
    assert!(plugin.stop().await.success());
    health.message
}

/// A component with so many more modules, each with these items.
fn crowded(modules: usize, items: &str) -> Launch {
    let more = format!("(core module {items})").repeat(modules);
    let made: String = (1..=modules).map(|index| format!("(core instance (instantiate {index}))")).collect();
    Plugin::of(&component_with(&(more + &made), "", "(i32.const 0)", 1))
}

/// A component that is composed of so many more, each of which has these items in its module.
fn composed(parts: usize, items: &str) -> Launch {
    let part = format!("(component $Part (core module $m {items}) (core instance (instantiate $m)))");
    let all = part + &"(instance (instantiate $Part))".repeat(parts);
    Plugin::of(&component_with(&all, "", "(i32.const 0)", 1))
}

#[gpx_tests::test]
async fn a_composed_component_may_have_all_memories_and_tables_that_are_allowed() {
    // One more memory is the module's own.
    for (parts, items) in [(63, "(memory 0)"), (256, "(table 0 funcref)")] {
        let plugin = composed(parts, items).start().await;
        let reply = plugin.query(&DataSource::new(""), [query("A")]).await.unwrap();
        assert_eq!(reply.answer("A").error, "", "{parts} more with {items}");
    }
    assert_told(&health(composed(64, "(memory 0)")).await, &["65 ", "at most 64 ", "memories"]);
    assert_told(&health(composed(257, "(table 0 funcref)")).await, &["257 ", "at most 256 ", "tables"]);
}

#[gpx_tests::test]
async fn a_component_with_too_many_tables_is_refused() {
    let text = health(crowded(5, &"(table 0 funcref)".repeat(52))).await;
    assert_told(&text, &["260", "256", "tables"]);
}

#[gpx_tests::test]
async fn a_component_with_too_many_memories_is_refused() {
    // One more is the module's own.
    assert_told(&health(crowded(64, "(memory 0)")).await, &["65", "64", "memories"]);
}

#[gpx_tests::test]
async fn a_declared_memory_beyond_the_limit_is_told_in_words() {
    // 100 MiB.
    let hostile = component("", "(i32.const 0)", 1600);
    let text = health(Plugin::of(&hostile).setting("gpx_memory_max", "32")).await;
    assert_told(&text, &["gpx_memory_max", "32 MiB"]);
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
    siege.refused("", &deep, &["stack overflowed", "deeper", "512 KiB", "recurse less"]).await;
    siege.over().await;
}

#[gpx_tests::test]
async fn deep_stacks_in_many_instances_at_once() {
    let gate = Gate::closed();
    let upstream = Upstream::always(Answer::json(points(1)).after(&gate)).await;
    let siege = Siege::of_probe().await;
    let model = json!({ "count": 4000, "url": upstream.url() });
    let mut waiting = tokio::task::JoinSet::new();
    for _ in 0..ATTACKERS {
        let source = DataSource::new(&upstream.url()).grafana("GF_CONCURRENT_QUERY_COUNT", "16");
        let queries = (0..16).map(|name| query(&name.to_string()).kind("recurse").json(model.clone()));
        waiting.spawn(siege.plugin.query(&source, queries).into_future());
    }
    // At least one of each data source is at the bottom at once.
    tokio::select! {
        _ = upstream.wait_for_requests(ATTACKERS) => {}
        Some(early) = waiting.join_next() => panic!("it ended before its upstream answered: {early:?}"),
    }
    gate.open();
    for reply in waiting.join_all().await {
        assert!(reply.unwrap().responses.values().all(|answer| answer.error.is_empty()));
    }
    siege.over().await;
}

#[gpx_tests::test]
async fn deep_stacks_of_small_instances() {
    // A page of memory, and nearly all of the stack, while all others have theirs.
    let items = "(func $deep (param $left i32) (result i32) (local $n i32)
        (if (local.get $left)
            (then (return (i32.xor (local.get $left) (call $deep (i32.sub (local.get $left) (i32.const 1)))))))
        (local.set $n (i32.const 15000000))
        (loop $turn (br_if $turn (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
        (i32.const 1))";
    let siege =
        Siege::of(Plugin::of(&component(items, "(i32.mul (call $deep (i32.const 9000)) (i32.const 0))", 1)))
            .await;
    let mut calls = tokio::task::JoinSet::new();
    for _ in 0..ATTACKERS {
        let source = DataSource::new("").grafana("GF_CONCURRENT_QUERY_COUNT", "110");
        let queries = (0..110).map(|name| query(&name.to_string()));
        calls.spawn(siege.plugin.query(&source, queries).into_future());
    }
    for reply in siege.during(calls.join_all()).await {
        let reply = reply.unwrap();
        let failed = reply.responses.values().find(|answer| !answer.error.is_empty());
        assert!(failed.is_none(), "{failed:?}");
    }
    siege.over().await;
}
