//! A component that cannot be loaded: the process lives, says why to every call and to "Save & test", and nothing is
//! left to guess.

use gpx_tests::artifacts;
use gpx_tests::grafana::{DataSource, query};
use gpx_tests::plugin::{Launch, Plugin};
use gpx_tests::proto::pluginv2::check_health_response::HealthStatus;
use gpx_tests::upstream::Upstream;

/// The magic and version of a core module: WebAssembly specification, binary format, modules.
const CORE_MODULE: &[u8] = b"\0asm\x01\0\0\0";

/// Starts it, and checks that health, a query and the log all tell each of `words`.
async fn told(launch: Launch, words: &[&str]) {
    let plugin = launch.start().await;
    let source = DataSource::new("http://localhost:9");
    let health = plugin.health(&source).await.expect("a load error is a health status");
    let answer = match plugin.query(&source, [query("A")]).await {
        Ok(reply) => reply.answer("A").error.clone(),
        Err(status) => status.message().to_owned(),
    };
    let line = plugin.logs.wait_for(|line| line.level == "error").await.to_string();
    assert_eq!(health.status(), HealthStatus::Error);
    for told in [&health.message, &answer, &line] {
        for word in words {
            assert!(told.contains(word), "no {word:?} in: {told}");
        }
    }
    assert!(plugin.stop().await.success());
}

#[gpx_tests::test]
async fn none_at_all() {
    told(Plugin::guest("minimal").without(".wasm"), &["gpx_test.wasm"]).await;
}

#[gpx_tests::test]
async fn an_empty_file() {
    told(Plugin::of(b""), &["gpx_test.wasm"]).await;
}

#[gpx_tests::test]
async fn a_truncated_one() {
    let whole = std::fs::read(artifacts::component("minimal")).unwrap();
    told(Plugin::of(&whole[..whole.len() / 2]), &["gpx_test.wasm"]).await;
}

#[gpx_tests::test]
async fn something_else() {
    told(Plugin::of(b"#!/bin/sh\n"), &["gpx_test.wasm", "component"]).await;
}

#[gpx_tests::test]
async fn a_core_module() {
    told(Plugin::of(CORE_MODULE), &["core module", "component"]).await;
}

#[gpx_tests::test]
async fn one_of_another_world() {
    let other = wat::parse_str("(component)").unwrap();
    told(Plugin::of(&other), &["gpx:plugin"]).await;
}

#[gpx_tests::test]
async fn one_of_a_contract_to_come() {
    // The interface's version is all that is looked at before linking.
    let other = r#"(component
        (import "gpx:plugin/log@0.9.0" (instance))
        (instance $plugin)
        (export "gpx:plugin/plugin@0.9.0" (instance $plugin)))"#;
    told(Plugin::of(&wat::parse_str(other).unwrap()), &["0.9", "0.1", "gpx-host"]).await;
}

#[gpx_tests::test]
async fn one_that_wants_what_the_host_has_not() {
    let whole = r#"(component
        (import "wasi:nonsense/thing@0.2.0" (instance (export "f" (func))))
        (instance $plugin)
        (export "gpx:plugin/plugin@0.1.0" (instance $plugin)))"#;
    told(Plugin::of(&wat::parse_str(whole).unwrap()), &["gpx_test.wasm"]).await;
}

#[gpx_tests::test]
async fn machine_code_for_another_component_is_explained_and_ignored() {
    let upstream = Upstream::points(1).await;
    // The packaged .cwasm beside another component.
    let other = std::fs::read(artifacts::component("minimal")).unwrap();
    let launch = Plugin::packaged("http-backend");
    let name = launch.name_of(".wasm");
    let plugin = launch.file(&name, &other).start().await;
    plugin.logs.wait_for(|line| line.to_string().contains(".cwasm")).await;
    let status = plugin.query(&DataSource::new(&upstream.url()), [query("A")]).await.unwrap_err();
    assert_eq!(status.code(), tonic::Code::Unimplemented, "the other component answers: {status}");
}

#[gpx_tests::test]
async fn broken_machine_code_is_explained_and_ignored() {
    let upstream = Upstream::points(1).await;
    let launch = Plugin::packaged("http-backend");
    let name = launch.name_of(".cwasm");
    let plugin = launch.file(&name, b"not ELF").start().await;
    plugin.logs.wait_for(|line| line.to_string().contains(".cwasm")).await;
    let reply = plugin.query(&DataSource::new(&upstream.url()), [query("A")]).await.unwrap();
    assert_eq!(reply.frame("A").rows(), 1);
}

#[gpx_tests::test]
async fn machine_code_can_be_refused() {
    let upstream = Upstream::points(1).await;
    let plugin = Plugin::packaged("http-backend").setting("gpx_precompiled", "off").start().await;
    let reply = plugin.query(&DataSource::new(&upstream.url()), [query("A")]).await.unwrap();
    assert_eq!(reply.frame("A").rows(), 1);
}
