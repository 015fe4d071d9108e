//! What a component can reach without the host's capabilities: nothing.

use gpx_tests::grafana::{DataSource, query};
use gpx_tests::plugin::Plugin;
use gpx_tests::upstream::Upstream;
use serde_json::json;

#[gpx_tests::test]
async fn a_component_has_no_files_sockets_environment_arguments_or_processes() {
    let upstream = Upstream::points(1).await;
    let plugin = Plugin::guest("probe").env("SECRET", "x").start().await;
    let asked = query("A").kind("outside").json(json!({ "address": upstream.address() }));
    let reply = plugin.query(&DataSource::new(&upstream.url()), [asked]).await.unwrap();
    assert_eq!(reply.frame("A").field("reached").values, [json!("time true")]);
    assert!(plugin.stop().await.success());
}
