//! Nobody pays for another's idleness: idle instances make room, and whoever waits is woken.

use gpx_tests::component::component;
use gpx_tests::grafana::{DataSource, query};
use gpx_tests::logs::Line;
use gpx_tests::plugin::Plugin;
use gpx_tests::trace::{TRACE, TRACEPARENT};
use gpx_tests::upstream::{Answer, Gate, Upstream, points};
use serde_json::json;
use tokio::task::JoinSet;

async fn small() -> Plugin {
    let launch = Plugin::guest("probe").setting("gpx_memory_max", "64").setting("gpx_memory_total", "64");
    // If a call were not woken, it would end at this time.
    launch.setting("gpx_call_timeout", "15s").start().await
}

#[gpx_tests::test]
async fn idle_instances_make_room_for_another_data_source() {
    let plugin = small().await;
    let grow =
        |mebibytes: usize| query("A").kind("grow").json(json!({ "bytes": mebibytes << 20, "count": 1 }));
    for _ in 0..3 {
        let gate = Gate::closed();
        let upstream = Upstream::always(Answer::json(points(1)).after(&gate)).await;
        let hoarder = DataSource::new(&upstream.url());
        let model = json!({ "bytes": 18 << 20, "count": 1, "hold": upstream.url() });
        let queries = ["A", "B", "C"].map(|name| query(name).kind("grow").json(model.clone()));
        let hoarding = tokio::spawn(plugin.query(&hoarder, queries).into_future());
        upstream.wait_for_requests(3).await;
        gate.open();
        assert_eq!(hoarding.await.unwrap().unwrap().responses.len(), 3);
        // All three are idle now, with nearly all memory.
        let reply = plugin.query(&DataSource::new(""), [grow(12)]).await.unwrap();
        assert_eq!(reply.frame("A").field("steps").numbers(), [1.0]);
    }
}

#[gpx_tests::test]
async fn a_call_that_waits_for_memory_is_woken_when_another_call_ends() {
    let gate = Gate::closed();
    let upstream = Upstream::always(Answer::json(points(1)).after(&gate)).await;
    let plugin = small().await;
    let (hoarder, other) = (DataSource::new(&upstream.url()), DataSource::new(""));
    // Nearly all that one data source can have, but what the call itself needs.
    let model = json!({ "bytes": 2 << 20, "count": 28, "hold": upstream.url() });
    let hoarding = tokio::spawn(plugin.query(&hoarder, [query("A").kind("grow").json(model)]).into_future());
    upstream.wait_for_requests(1).await;
    // More than what is kept for those who hold little.
    let model = json!({ "bytes": 12 << 20, "count": 1 });
    let waiting = plugin.query(&other, [query("A").kind("grow").json(model)]).traceparent(TRACEPARENT);
    let waiting = tokio::spawn(waiting.into_future());
    let began = |line: &Line| line.message == "Plugin Request Started" && line.text("traceId") == TRACE;
    plugin.logs.wait_for(began).await;
    gate.open();
    assert_eq!(hoarding.await.unwrap().unwrap().answer("A").error, "");
    let reply = waiting.await.unwrap().unwrap();
    assert_eq!(reply.answer("A").error, "");
    assert_eq!(reply.frame("A").field("steps").numbers(), [1.0]);
}

#[gpx_tests::test]
async fn instances_make_room_for_others_when_all_places_are_taken() {
    // With so many memories, 31 instances and a few more have a place. Each works for some tens of milliseconds.
    let turns = "(local.set $n (i32.const 30000000))
        (loop $turn (br_if $turn (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
        (i32.const 0)";
    let crowded = component(&"(memory 0)".repeat(63), turns, 1);
    // If a call were not woken, it would end at this time.
    let plugin = Plugin::of(&crowded).setting("gpx_call_timeout", "15s").start().await;
    let ask = || plugin.query(&DataSource::new(""), [query("A")]).into_future();
    let calls: JoinSet<_> = (0..100).map(|_| ask()).collect();
    for reply in calls.join_all().await {
        assert_eq!(reply.unwrap().answer("A").error, "");
    }
    let line = plugin.logs.wait_for_message("instances that one process can have are busy").await;
    assert!(line.message.starts_with("Calls wait: all 39 "), "{line}");
    assert!(!plugin.logs.mention("gpx_memory_total"), "{}", plugin.logs);
    // All places are taken by idle instances now.
    for _ in 0..3 {
        assert_eq!(ask().await.unwrap().answer("A").error, "");
    }
}
