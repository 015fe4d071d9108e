//! Components that cannot be loaded: the process keeps running, and every call and "Save & test" report exactly why.

use gpx_tests::artifacts;
use gpx_tests::grafana::{DataSource, query};
use gpx_tests::plugin::{Launch, Plugin};
use gpx_tests::proto::pluginv2::check_health_response::HealthStatus;
use gpx_tests::upstream::Upstream;

/// The magic and version of a core module: WebAssembly specification, binary format, modules.
const CORE_MODULE: &[u8] = b"\0asm\x01\0\0\0";

/// Starts it, and checks that the health check, a query and the log all report each of `words`.
async fn assert_reported(launch: Launch, words: &[&str]) {
    let plugin = launch.start().await;
    let source = DataSource::new("http://localhost:9");
    let health = plugin.health(&source).await.expect("a load error is a health status");
    let reply = plugin.query(&source, [query("A")]).await.expect("a load error is each query's error");
    let answer = reply.answer("A").error.clone();
    assert_eq!((reply.answer("A").status, reply.answer("A").source.as_str()), (500, "plugin"));
    let line = plugin.logs.wait_for_message("Cannot load the plugin's component").await;
    assert_eq!(line.level, "error");
    assert_eq!(health.status(), HealthStatus::Error);
    for message in [health.message.as_str(), &answer, line.text("error")] {
        for word in words {
            assert!(message.contains(word), "no {word:?} in: {message}");
        }
    }
    assert!(plugin.stop().await.success());
}

/// Returns the reason in the log why existing machine code is not used.
async fn why_not_used(plugin: &Plugin) -> String {
    let line = plugin.logs.wait_for_message("Precompiled code is not used").await;
    assert!(line.level == "warn" && line.text("file").ends_with(".cwasm"), "{line}");
    line.text("reason").to_owned()
}

#[gpx_tests::test]
async fn no_component() {
    assert_reported(
        Plugin::guest("minimal").without(".wasm"),
        &["there is no component at ", "gpx_test.wasm", "put the plugin's .wasm there"],
    )
    .await;
}

#[gpx_tests::test]
async fn an_empty_file() {
    assert_reported(Plugin::of(b""), &["gpx_test.wasm", "it is not WebAssembly"]).await;
}

#[gpx_tests::test]
async fn a_truncated_component() {
    let whole = std::fs::read(artifacts::component("minimal")).unwrap();
    let half = &whole[..whole.len() / 2];
    assert_reported(Plugin::of(half), &["gpx_test.wasm", "it is damaged at byte "]).await;
}

#[gpx_tests::test]
async fn a_file_of_another_kind() {
    assert_reported(Plugin::of(b"#!/bin/sh\n"), &["gpx_test.wasm", "it is not WebAssembly"]).await;
}

#[gpx_tests::test]
async fn a_core_module() {
    assert_reported(Plugin::of(CORE_MODULE), &["gpx_test.wasm", "it is a core module, not a component"])
        .await;
}

#[gpx_tests::test]
async fn a_component_of_another_world() {
    let other = wat::parse_str("(component)").unwrap();
    assert_reported(
        Plugin::of(&other),
        &["gpx_test.wasm", "it does not export gpx:plugin/plugin", "it exports nothing"],
    )
    .await;
}

#[gpx_tests::test]
async fn a_component_of_a_future_contract() {
    // Before linking, only the interface's version is checked.
    let other = r#"(component
        (import "gpx:plugin/log@0.9.0" (instance))
        (instance $plugin)
        (export "gpx:plugin/plugin@0.9.0" (instance $plugin)))"#;
    assert_reported(
        Plugin::of(&wat::parse_str(other).unwrap()),
        &["it is built for gpx:plugin 0.9.0, but this host serves 0.1 and 0.2: update gpx-host"],
    )
    .await;
}

#[gpx_tests::test]
async fn a_component_with_an_import_that_the_host_does_not_provide() {
    let whole = r#"(component
        (import "wasi:nonsense/thing@0.2.0" (instance (export "f" (func))))
        (instance $plugin)
        (export "gpx:plugin/plugin@0.2.0" (instance $plugin)))"#;
    let component = wat::parse_str(whole).unwrap();
    assert_reported(Plugin::of(&component), &["gpx_test.wasm", "wasi:nonsense/thing"]).await;
}

#[gpx_tests::test]
async fn a_component_for_wasi_0_3() {
    let whole = r#"(component
        (import "wasi:clocks/monotonic-clock@0.3.0" (instance (export "now" (func (result u64)))))
        (instance $plugin)
        (export "gpx:plugin/plugin@0.2.0" (instance $plugin)))"#;
    assert_reported(
        Plugin::of(&wat::parse_str(whole).unwrap()),
        &[
            "gpx_test.wasm",
            "it imports wasi:clocks/monotonic-clock@0.3.0, but this host provides WASI 0.2: build it for WASI 0.2, in Rust \
             for the target wasm32-wasip2",
        ],
    )
    .await;
}

#[gpx_tests::test]
async fn machine_code_for_another_component_is_ignored_with_a_reason() {
    let upstream = Upstream::points(1).await;
    // The packaged .cwasm is beside another component.
    let other = std::fs::read(artifacts::component("minimal")).unwrap();
    let launch = Plugin::packaged("http-backend");
    let name = launch.name_of(".wasm");
    let plugin = launch.file(&name, &other).start().await;
    assert_eq!(why_not_used(&plugin).await, "it was made from another component");
    let status = plugin.query(&DataSource::new(&upstream.url()), [query("A")]).await.unwrap_err();
    assert_eq!(status.code(), tonic::Code::Unimplemented, "the other component answers: {status}");
}

#[gpx_tests::test]
async fn broken_machine_code_is_ignored_with_a_reason() {
    let upstream = Upstream::points(1).await;
    let launch = Plugin::packaged("http-backend");
    let name = launch.name_of(".cwasm");
    let plugin = launch.file(&name, b"not ELF").start().await;
    assert!(why_not_used(&plugin).await.starts_with("it is incomplete or damaged"));
    let reply = plugin.query(&DataSource::new(&upstream.url()), [query("A")]).await.unwrap();
    assert_eq!(reply.frame("A").rows(), 1);
}

#[gpx_tests::test]
async fn machine_code_is_used_unless_the_operator_forbids_it() {
    let upstream = Upstream::points(1).await;
    for (setting, compiled) in [("on", false), ("off", true)] {
        let plugin = Plugin::packaged("http-backend").setting("gpx_precompiled", setting).start().await;
        let reply = plugin.query(&DataSource::new(&upstream.url()), [query("A")]).await.unwrap();
        assert_eq!(reply.frame("A").rows(), 1);
        let logs = plugin.logs.clone();
        assert!(plugin.stop().await.success());
        assert_eq!(logs.mention("Compiling the component"), compiled, "{setting}:\n{logs}");
    }
}
