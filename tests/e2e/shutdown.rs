//! The end of the process, and what must be sent before it.

use gpx_tests::collector::Collector;
use gpx_tests::grafana::{DataSource, query};
use gpx_tests::plugin::Plugin;
use gpx_tests::trace::TRACEPARENT;
use gpx_tests::upstream::{Answer, Gate, Upstream, points};
use rustix::process::Signal;

#[gpx_tests::test]
async fn shutdown_flushes_spans_removes_the_socket_and_exits_with_0() {
    let (upstream, collector) = (Upstream::points(1).await, Collector::start().await);
    let mut plugin = Plugin::packaged("http-backend").tracing(&collector.address()).start().await;
    let socket = plugin.handshake.address.clone();
    plugin.query(&DataSource::new(&upstream.url()), [query("A")]).traceparent(TRACEPARENT).await.unwrap();
    plugin.shutdown().await;
    let status = plugin.exit().await;
    assert_eq!(status.code(), Some(0));
    assert!(!std::path::Path::new(&socket).exists(), "{socket} was left behind");
    // The process has ended: nothing more can arrive.
    let names: Vec<_> = collector.spans().into_iter().map(|span| span.name).collect();
    assert!(names.contains(&"HTTP Outgoing Request".to_owned()), "{names:?}");
}

/// A server span ends with its reply, and this one is larger than what may be on its way to a caller who does not read.
#[gpx_tests::test]
async fn shutdown_loses_no_span_of_a_reply_that_nobody_reads() {
    let collector = Collector::start().await;
    let mut plugin = Plugin::guest("probe").tracing(&collector.address()).start().await;
    let call = plugin.resource_stream(&DataSource::new(""), "GET", "one-chunk", "4000000");
    let unread = call.traceparent(TRACEPARENT).await.unwrap();
    plugin.logs.wait_for_message("Plugin Request Completed").await;
    plugin.shutdown().await;
    assert_eq!(plugin.exit().await.code(), Some(0));
    drop(unread);
    let spans = collector.spans();
    let server: Vec<_> = spans.iter().filter(|span| span.name == "pluginv2.Resource/CallResource").collect();
    let codes: Vec<_> = server.iter().map(|span| span.text("rpc.response.status_code")).collect();
    assert_eq!(codes, ["CANCELLED"]);
    let handler = spans.iter().find(|span| span.name == "sdk.callResource").unwrap();
    assert_eq!(handler.text("request_status"), "ok");
}

#[gpx_tests::test]
async fn shutdown_cancels_running_calls_and_flushes_their_spans() {
    let gate = Gate::closed();
    let upstream = Upstream::always(Answer::json(points(1)).after(&gate)).await;
    let collector = Collector::start().await;
    let mut plugin = Plugin::packaged("http-backend").tracing(&collector.address()).start().await;
    let source = DataSource::new(&upstream.url());
    let call = tokio::spawn(plugin.query(&source, [query("A")]).traceparent(TRACEPARENT).into_future());
    upstream.wait_for_requests(1).await;
    plugin.shutdown().await;
    assert_eq!(plugin.exit().await.code(), Some(0));
    let status = call.await.unwrap().unwrap_err();
    assert_eq!((status.code(), status.message()), (tonic::Code::Cancelled, "the plugin is being stopped"));
    // The process has ended: nothing more can arrive.
    let spans = collector.spans();
    let names = ["pluginv2.Data/QueryData", "sdk.queryData", "query processing", "HTTP Outgoing Request"];
    for name in names {
        assert!(spans.iter().any(|span| span.name == name), "{name} is missing among {spans:?}");
    }
    let handler = spans.iter().find(|span| span.name == "sdk.queryData").unwrap();
    assert_eq!(
        (handler.text("request_status"), handler.text("status_source")),
        ("cancelled".into(), "downstream".into())
    );
}

#[gpx_tests::test]
async fn an_interrupt_from_the_terminal_is_left_to_grafana() {
    let upstream = Upstream::points(1).await;
    let mut plugin = Plugin::packaged("http-backend").start().await;
    plugin.signal(Signal::INT);
    let reply = plugin.query(&DataSource::new(&upstream.url()), [query("A")]).await.unwrap();
    assert_eq!(reply.frame("A").rows(), 1);
    assert!(plugin.running());
}

#[gpx_tests::test]
async fn sigterm_ends_it() {
    let mut plugin = Plugin::packaged("http-backend").start().await;
    plugin.signal(Signal::TERM);
    let status = plugin.exit().await;
    assert_eq!(status.code(), Some(0), "it must end on its own: {status}");
}

#[gpx_tests::test]
async fn it_does_not_outlive_the_process_that_started_it() {
    // Instead of Grafana, a shell starts the plugin in the background and is then killed. After that, only the plugin
    // holds stdout and stderr: they end when the plugin ends.
    let launch = Plugin::packaged("http-backend");
    let script = |_: &std::path::Path, executable: &std::path::Path| {
        let script = format!("{} & wait", executable.display());
        ["/bin/sh", "-c", &script].map(str::to_owned).into()
    };
    let mut plugin = launch.start_by(script).await.unwrap();
    plugin.kill().await;
    plugin.logs.ended().await;
}

#[gpx_tests::test]
async fn a_closed_connection_does_not_end_the_process() {
    let upstream = Upstream::points(1).await;
    let mut plugin = Plugin::packaged("http-backend").start().await;
    plugin.query(&DataSource::new(&upstream.url()), [query("A")]).await.unwrap();
    plugin.reconnect().await;
    let reply = plugin.query(&DataSource::new(&upstream.url()), [query("A")]).await.unwrap();
    assert_eq!(reply.frame("A").rows(), 1);
    assert!(plugin.running());
}
