//! A host that is built without the compiler runs what was compiled ahead of time, and nothing else. Only the full run
//! builds one.

use gpx_tests::artifacts;
use gpx_tests::grafana::{DataSource, query};
use gpx_tests::plugin::Plugin;
use gpx_tests::upstream::Upstream;

#[gpx_tests::test]
async fn it_runs_the_machine_code_of_a_package() {
    let upstream = Upstream::points(3).await;
    let plugin =
        Plugin::packaged("http-backend").executed_by(&artifacts::host_without_compiler()).start().await;
    let reply = plugin.query(&DataSource::new(&upstream.url()), [query("A")]).await.unwrap();
    assert_eq!(reply.frame("A").field("values").numbers(), [0.0, 1.0, 2.0]);
    assert!(plugin.stop().await.success());
}

#[gpx_tests::test]
async fn it_refuses_a_component_without_machine_code_and_names_the_remedy() {
    let launch =
        Plugin::packaged("http-backend").without(".cwasm").executed_by(&artifacts::host_without_compiler());
    let code = launch.directory().join("gpx_http_backend.cwasm");
    let plugin = launch.start().await;
    let reply = plugin.query(&DataSource::new("http://127.0.0.1:1"), [query("A")]).await.unwrap();
    let told = format!(
        "this gpx-host is built without the compiler, and there is no {}; compile it ahead of time with `gpx-host compile` \
         of the same version, or use a gpx-host with the compiler",
        code.display()
    );
    let error = &reply.answer("A").error;
    assert!(error.contains(&told), "{error}");
    assert!(plugin.stop().await.success());
}

/// Where the compiler may panic, its executable names the source.
#[test]
fn it_contains_nothing_of_the_compiler() {
    let names = |path| {
        let bytes = std::fs::read(path).unwrap();
        ["/cranelift-codegen-", "/regalloc2-"].map(|name| String::from_utf8_lossy(&bytes).contains(name))
    };
    assert_eq!(
        (names(artifacts::host()), names(artifacts::host_without_compiler())),
        ([true; 2], [false; 2])
    );
}
