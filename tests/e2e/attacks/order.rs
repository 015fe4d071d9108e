//! The order in which calls are served, if not all of them can run at once.

use gpx_tests::grafana::{DataSource, query};
use gpx_tests::plugin::Plugin;
use tokio::task::JoinSet;

use gpx_tests::component::component;

#[gpx_tests::test]
async fn a_data_source_with_few_calls_does_not_wait_for_all_calls_of_another() {
    // 24 MiB of memory, and some tenths of a second of work.
    let turns = "(local.set $n (i32.const 600000000))
        (loop $turn (br_if $turn (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
        (i32.const 0)";
    let hungry = component("", turns, 384);
    // Two of them fit.
    let launch = Plugin::of(&hungry).setting("gpx_memory_max", "32").setting("gpx_memory_total", "64");
    let plugin = launch.start().await;
    let (many, few) = (DataSource::new(""), DataSource::new(""));
    let mut calls = JoinSet::new();
    let mut call = |source: &DataSource, name: &'static str| {
        let call = plugin.query(source, [query("A")]).into_future();
        calls.spawn(async move { (name, call.await.unwrap().answer("A").error.clone()) });
    };
    (0..30).for_each(|_| call(&many, "many"));
    plugin.logs.wait_for_lines(30, |line| line.message == "Plugin Request Started").await;
    call(&few, "few");
    call(&few, "few");
    let mut order = Vec::new();
    while let Some(ended) = calls.join_next().await {
        let (name, error) = ended.unwrap();
        assert_eq!(error, "");
        order.push(name);
    }
    let before_few = order.iter().rposition(|name| *name == "few").unwrap() + 1;
    let after_few = order.len() - before_few;
    assert!(after_few >= 10, "{before_few} calls ended before the last of two: {order:?}");
}
