//! Limits: what floods, loops or grows costs its own call and no other.

use bytes::Bytes;
use gpx_tests::grafana::{DataSource, query};
use gpx_tests::plugin::Plugin;
use gpx_tests::upstream::Upstream;

#[gpx_tests::test]
async fn a_loop_ends_at_its_cpu_time_while_others_are_answered() {
    let upstream = Upstream::points(1).await;
    let plugin = Plugin::guest("probe").setting("gpx_cpu_timeout", "2s").start().await;
    let (looping, other) = (DataSource::new(""), DataSource::new(&upstream.url()));
    let loops = [0; 3].map(|_| tokio::spawn(plugin.query(&looping, [query("A").kind("loop")]).into_future()));
    // Others are answered while all the loops still run: none of them has ended yet.
    for _ in 0..20 {
        let reply = plugin.query(&other, [query("A").kind("count")]).await.unwrap();
        assert_eq!(reply.answer("A").error, "");
    }
    assert!(loops.iter().all(|call| !call.is_finished()), "a loop ended before its time");
    for call in loops {
        let told = match call.await.unwrap() {
            Ok(reply) => reply.answer("A").error.clone(),
            Err(status) => status.message().to_owned(),
        };
        assert!(told.contains("gpx_cpu_timeout"), "names the limit and the remedy: {told}");
    }
}

#[gpx_tests::test]
async fn a_callers_deadline_ends_a_loop() {
    let plugin = Plugin::guest("probe").start().await;
    let source = DataSource::new("");
    let call = plugin.query(&source, [query("A").kind("loop")]);
    let told = match call.deadline(std::time::Duration::from_millis(300)).await {
        Ok(reply) => reply.answer("A").error.clone(),
        Err(status) => status.to_string(),
    };
    assert!(!told.is_empty());
    let reply = plugin.query(&source, [query("A").kind("count")]).await.unwrap();
    assert_eq!(reply.answer("A").error, "");
}

#[gpx_tests::test]
async fn memory_without_end_is_refused() {
    let plugin = Plugin::guest("probe").setting("gpx_memory_max", "64").start().await;
    let source = DataSource::new("");
    let queries = [query("A").kind("allocate"), query("B").kind("count")];
    let reply = plugin.query(&source, queries).await.unwrap();
    assert_eq!(reply.answer("A").status, 500);
    assert!(reply.answer("A").error.contains("gpx_memory_max"), "{}", reply.answer("A").error);
    assert_eq!(reply.answer("B").error, "");
}

#[gpx_tests::test]
async fn a_request_of_more_than_16_mib_is_refused_as_go_refuses_it() {
    let upstream = Upstream::points(1).await;
    let plugin = Plugin::packaged("http-backend").start().await;
    let source = DataSource::new(&upstream.url());
    let large = Bytes::from(vec![b' '; 17 << 20]);
    let status = plugin.query(&source, [query("A").raw(large)]).await.unwrap_err();
    // Grafana maps this code, and only this one, to words about the size.
    assert_eq!(status.code(), tonic::Code::ResourceExhausted, "{status}");
    assert_eq!(plugin.query(&source, [query("A")]).await.unwrap().frame("A").rows(), 1);
}

#[gpx_tests::test]
async fn ten_thousand_queries_in_one_request() {
    let plugin = Plugin::guest("probe").start().await;
    let queries = (0..10_000).map(|number| query(&format!("Q{number}")).kind("count"));
    let reply = plugin.query(&DataSource::new(""), queries).await.unwrap();
    assert_eq!(reply.responses.len(), 10_000);
    let failed: Vec<_> = reply.responses.values().filter(|answer| !answer.error.is_empty()).collect();
    assert!(failed.is_empty(), "{} failed, one with {:?}", failed.len(), failed[0].error);
}

#[gpx_tests::test]
async fn no_query_at_all() {
    let plugin = Plugin::guest("probe").start().await;
    let reply = plugin.query(&DataSource::new(""), []).await.unwrap();
    assert!(reply.responses.is_empty());
}

#[gpx_tests::test]
async fn a_request_without_a_context() {
    let plugin = Plugin::guest("probe").start().await;
    let call = plugin.query(&DataSource::new(""), [query("A").kind("count")]);
    let reply = call.with(|request| {
        request.plugin_context = None;
        request.queries[0].time_range = None;
    });
    // Go panics here. Whatever the guest makes of settings that say nothing, the process lives.
    assert_eq!(reply.await.unwrap().responses.len(), 1);
    let reply = plugin.query(&DataSource::new(""), [query("A").kind("count")]).await.unwrap();
    assert_eq!(reply.answer("A").error, "");
}

#[gpx_tests::test]
async fn a_request_in_an_unknown_format() {
    let plugin = Plugin::guest("probe").start().await;
    let call = plugin.query(&DataSource::new(""), [query("A").kind("count")]);
    let told = match call.with(|request| request.format = 7).await {
        Ok(reply) => reply.answer("A").error.clone(),
        Err(status) => status.message().to_owned(),
    };
    assert!(told.contains("format"), "{told}");
}
