//! As many queries run at once as in a native plugin: what bounds them is memory.

use gpx_tests::grafana::{DataSource, query};
use gpx_tests::plugin::Plugin;
use gpx_tests::upstream::{Answer, Gate, Upstream, points};
use rustix::process::{Resource, getrlimit, setrlimit};

const QUERIES: usize = 1000;

#[gpx_tests::test]
async fn a_thousand_queries_wait_for_their_upstream_at_once() {
    // The upstream's side of the connections is in this process; the plugin inherits its limit.
    let mut limit = getrlimit(Resource::Nofile);
    if limit.current.is_some_and(|current| current < 4096) {
        limit.current = limit.maximum.map_or(Some(4096), |maximum| Some(maximum.min(4096)));
        setrlimit(Resource::Nofile, limit).unwrap();
    }
    let gate = Gate::closed();
    let upstream = Upstream::always(Answer::json(points(1)).after(&gate)).await;
    let quick = Upstream::points(1).await;
    let plugin = Plugin::packaged("http-backend").start().await;
    let source = DataSource::new(&upstream.url());
    let ask = |_| plugin.query(&source, [query("A")]).into_future();
    let calls: tokio::task::JoinSet<_> = (0..QUERIES).map(ask).collect();
    // The upstream answers none of them until all have arrived.
    upstream.wait_for_requests(QUERIES).await;
    let health = plugin.health(&DataSource::new(&quick.url())).await.unwrap();
    assert_eq!(health.message, "Data source is working");
    gate.open();
    for reply in calls.join_all().await {
        assert_eq!(reply.unwrap().frame("A").rows(), 1);
    }
}
