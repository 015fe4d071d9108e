//! How streams end: by themselves, by their caller, or with the process.

use gpx_tests::grafana::DataSource;
use gpx_tests::logs::Line;
use gpx_tests::plugin::Plugin;
use gpx_tests::upstream::{Answer, Gate, Upstream};
use serde_json::json;
use tonic::Code;

use super::source;

/// Waits until the call of a stream has ended, and returns how.
pub(super) async fn ended(plugin: &Plugin) -> (String, String) {
    let is_end =
        |line: &Line| line.message == "Plugin Request Completed" && line.text("endpoint") == "runStream";
    let line = plugin.logs.wait_for(is_end).await;
    (line.text("status").to_owned(), line.text("statusSource").to_owned())
}

/// Waits until streams hold no memory any more.
async fn everything_is_given_back(plugin: &Plugin) {
    loop {
        let metrics = plugin.metrics().await.unwrap();
        let none = |kind: &str| metrics.contains(&format!("gpx_memory_bytes{{kind=\"{kind}\"}} 0\n"));
        if none("linear") && none("instance") && none("answers") && none("handles") {
            return;
        }
    }
}

#[gpx_tests::test]
async fn whatever_a_stream_does_it_ends_when_its_caller_hangs_up() {
    let gate = Gate::closed();
    let upstream = Upstream::always(Answer::status(200).after(&gate)).await;
    let data = json!({ "url": upstream.url(), "every_ms": 20 }).to_string();
    for path in ["ticks", "loop", "sleep", "upstream", "deaf", "flood"] {
        let plugin = Plugin::guest("probe").start().await;
        let source = DataSource::new(&upstream.url());
        let mut packets = plugin.run_stream(&source, path, data.clone()).await.unwrap();
        packets.next().await;
        if path == "upstream" {
            upstream.wait_for_requests(1).await;
        }
        drop(packets);
        let hung_up = std::time::Instant::now();
        assert_eq!(ended(&plugin).await, ("cancelled".to_owned(), "downstream".to_owned()), "{path}");
        println!("{path}: recorded {:?} after its caller hung up", hung_up.elapsed());
        everything_is_given_back(&plugin).await;
        match path {
            "ticks" => {
                let line = plugin.logs.wait_for_message("stream ended").await;
                assert_eq!(line.text("error"), "nobody is subscribed to the stream any more");
                assert_eq!(line.fields["cancelled"], true);
            }
            "deaf" => _ = plugin.logs.wait_for_message("told that it is closed").await,
            "upstream" => _ = upstream.wait_for(|request| request.aborted).await,
            _ => {}
        }
    }
}

#[gpx_tests::test]
async fn a_stream_that_has_not_begun_ends_when_its_caller_hangs_up() {
    let plugin = Plugin::guest("probe").start().await;
    let cancelled =
        |line: &Line| line.message == "Plugin Request Completed" && line.text("status") == "cancelled";
    // While its instance is opened.
    let opening = source().json(json!({ "open": "sleep" }));
    let packets = plugin.run_stream(&opening, "ticks", "").await.unwrap();
    plugin.logs.wait_for_message("opening").await;
    drop(packets);
    plugin.logs.wait_for_lines(1, cancelled).await;
    everything_is_given_back(&plugin).await;
    // While it pauses.
    let source = source();
    for _ in 0..5 {
        plugin.run_stream(&source, "fail-at-once", "").await.unwrap().rest().await;
    }
    let pauses = |line: &Line| line.message.starts_with("The stream pauses") && line.fields["failures"] == 5;
    for count in 1..3 {
        let packets = plugin.run_stream(&source, "fail-at-once", "").await.unwrap();
        plugin.logs.wait_for_lines(count, pauses).await;
        drop(packets);
        plugin.logs.wait_for_lines(1 + count, cancelled).await;
    }
    everything_is_given_back(&plugin).await;
}

#[gpx_tests::test]
async fn a_stream_whose_instance_cannot_be_opened_says_why() {
    let plugin = Plugin::guest("probe").start().await;
    for (open, text) in
        [("fault", "open failed on purpose"), ("panic", "the plugin panicked: open panicked on purpose (")]
    {
        let source = source().json(json!({ "open": open }));
        let (packets, ran) = plugin.run_stream(&source, "ticks", "").await.unwrap().rest().await;
        let subscribed = plugin.subscribe(&source, "anything", "").await.unwrap_err();
        let published = plugin.publish(&source, "anything", "").await.unwrap_err();
        for status in [ran.unwrap(), subscribed, published] {
            assert_eq!(status.code(), Code::Unknown, "{status:?}");
            assert!(status.message().starts_with(text), "{status:?}");
        }
        assert_eq!(packets.len(), 0);
    }
    everything_is_given_back(&plugin).await;
}

#[gpx_tests::test]
async fn a_stream_that_fails_runs_again_and_repeated_failures_make_it_pause() {
    let (plugin, source) = (Plugin::guest("probe").start().await, source());
    for (path, code, text) in [
        ("fail", Code::Unknown, "the source of the stream is gone"),
        ("fail-at-once", Code::Unknown, "the stream did not begin"),
        ("panic", Code::Unknown, "the plugin panicked: the stream panicked on purpose"),
    ] {
        let (packets, status) = plugin.run_stream(&source, path, "").await.unwrap().rest().await;
        let status = status.unwrap();
        assert_eq!(status.code(), code, "{status:?}");
        assert!(status.message().starts_with(text), "{status:?}");
        assert_eq!(packets.len(), usize::from(path != "fail-at-once"), "{path}");
    }
    for _ in 0..5 {
        plugin.run_stream(&source, "fail-at-once", "").await.unwrap().rest().await;
    }
    // The first pauses are so short that they may be over when the stream runs again.
    let paused = |line: &Line| line.message.starts_with("The stream pauses");
    let line = plugin.logs.wait_for(|line| paused(line) && line.fields["failures"] == 5).await;
    assert_eq!(line.text("endpoint"), "runStream");
    let before = plugin.logs.all().iter().filter(|line| paused(line)).count();
    // Other settings have not failed yet, and a stream that ends well has not failed.
    let updated = source.updated();
    plugin.run_stream(&updated, "fail", "").await.unwrap().rest().await;
    for _ in 0..2 {
        assert!(plugin.run_stream(&updated, "nothing", "").await.unwrap().rest().await.1.is_none());
    }
    assert_eq!(plugin.logs.all().iter().filter(|line| paused(line)).count(), before);
}

#[gpx_tests::test]
async fn a_stream_that_computes_all_the_time_is_stopped() {
    let plugin = Plugin::guest("probe").setting("gpx_cpu_timeout", "200ms").start().await;
    let data = json!({ "every_ms": 20 }).to_string();
    let mut ticks = plugin.run_stream(&source(), "ticks", data).await.unwrap();
    let (packets, status) = plugin.run_stream(&source(), "loop", "").await.unwrap().rest().await;
    let status = status.unwrap();
    let text = "the plugin computed for more than 200ms; raise gpx_cpu_timeout if it needs more";
    assert_eq!((packets, status.code(), status.message()), (vec![json!("looping")], Code::Unknown, text));
    assert_eq!(ended(&plugin).await, ("error".to_owned(), "plugin".to_owned()));
    let metrics = plugin.metrics().await.unwrap();
    assert!(metrics.contains("gpx_traps_total{kind=\"cpu_timeout\"} 1\n"), "{metrics}");
    // One that waits between its packets goes on.
    for _ in 0..3 {
        ticks.next().await;
    }
}

#[gpx_tests::test]
async fn shutdown_ends_streams() {
    let mut plugin = Plugin::guest("probe").start().await;
    let data = json!({ "every_ms": 10 }).to_string();
    let mut running = Vec::new();
    for path in ["ticks", "sleep", "loop", "deaf", "ticks", "ticks", "sleep", "sleep"] {
        let mut packets = plugin.run_stream(&source(), path, data.clone()).await.unwrap();
        packets.next().await;
        running.push(tokio::spawn(packets.rest()));
    }
    plugin.shutdown().await;
    assert_eq!(plugin.exit().await.code(), Some(0));
    for packets in running {
        let status = packets.await.unwrap().1.unwrap();
        assert_eq!((status.code(), status.message()), (Code::Cancelled, "the plugin is being stopped"));
    }
    let ends = plugin.logs.all();
    let ends = ends.iter().filter(|line| line.message == "Plugin Request Completed");
    assert_eq!(ends.filter(|line| line.text("status") == "cancelled").count(), 8);
}

#[gpx_tests::test]
async fn shutdown_does_not_wait_for_callers_that_do_not_read() {
    let mut plugin = Plugin::guest("probe").start().await;
    let mut unread = Vec::new();
    for _ in 0..20 {
        unread.push(plugin.run_stream(&source(), "flood", "").await.unwrap());
    }
    plugin.shutdown().await;
    assert_eq!(plugin.exit().await.code(), Some(0));
    let ends = plugin.logs.all();
    let ends = ends.iter().filter(|line| line.message == "Plugin Request Completed");
    assert_eq!(ends.filter(|line| line.text("status") == "cancelled").count(), 20);
    drop(unread);
}
