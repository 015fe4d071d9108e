//! `gpx_watch`: a component that was built again takes the place of the one that runs, without a restart.

mod files;
mod stress;

use std::path::{Path, PathBuf};

use gpx_tests::artifacts;
use gpx_tests::component::{Answer as Columns, Column};
use gpx_tests::grafana::{DataSource, query};
use gpx_tests::logs::Line;
use gpx_tests::peer;
use gpx_tests::plugin::{Launch, Plugin};
use gpx_tests::upstream::{Answer, Gate, Upstream, points};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use tonic::Code;

/// Returns a component whose answers have so many frames.
fn build(frames: usize) -> Vec<u8> {
    Columns { frames, fields: 1, column: Column::Booleans { rows: 1 } }.component()
}

/// Returns the same component as another build: it has one more section, which means nothing.
fn rebuilt(component: &[u8], build: u32) -> Vec<u8> {
    let section = [&[0, 6, 1, b'b'][..], &build.to_le_bytes()].concat();
    [component, &section].concat()
}

fn guest(name: &str) -> Vec<u8> {
    std::fs::read(artifacts::component(name)).unwrap()
}

/// Starts a plugin, and waits until it notices each change of its component.
async fn watching(launch: Launch) -> Plugin {
    let plugin = launch.setting("gpx_watch", "on").start().await;
    plugin.logs.wait_for_message("The component is watched").await;
    plugin
}

fn component(plugin: &Plugin) -> PathBuf {
    plugin.directory.join("gpx_test.wasm")
}

/// Puts a component in the place of the plugin's, as tools do: as a whole.
fn put(path: &Path, component: &[u8]) {
    let new = path.with_extension("new");
    std::fs::write(&new, component).unwrap();
    std::fs::rename(new, path).unwrap();
}

/// Waits until this build runs.
async fn runs(plugin: &Plugin, build: &[u8]) {
    let digest: String = Sha256::digest(build).iter().map(|byte| format!("{byte:02x}")).collect();
    let is_it =
        |line: &Line| line.message == "The component is replaced" && line.text("sha256") == &digest[..16];
    plugin.logs.wait_for(is_it).await;
}

/// Waits until a build was refused for this reason.
async fn refused(plugin: &Plugin, reason: &str) {
    let is_it =
        |line: &Line| line.message == "The component is not replaced" && line.text("reason").contains(reason);
    plugin.logs.wait_for(is_it).await;
}

/// Returns how many frames an answer has, by which a test knows the build.
async fn frames(plugin: &Plugin) -> usize {
    let reply = plugin.query(&DataSource::new(""), [query("A")]).await.unwrap();
    let answer = reply.answer("A");
    assert_eq!(answer.error, "");
    answer.frames.len()
}

/// What a health check says of the component.
async fn health(plugin: &Plugin) -> Value {
    let health = plugin.health(&DataSource::new("")).await.unwrap();
    let details: Value = serde_json::from_slice(&health.json_details).unwrap_or_default();
    details["gpx"]["component"].clone()
}

#[gpx_tests::test]
async fn a_new_build_answers_new_calls_and_running_calls_finish_on_the_old_one() {
    let gate = Gate::closed();
    let upstream = Upstream::always(Answer::json(points(3)).after(&gate)).await;
    let source = DataSource::new(&upstream.url());
    let plugin = watching(Plugin::guest("gpx_http_backend")).await;
    let running = plugin.query(&source, [query("A")]);
    let running = tokio::spawn(async move { running.await });
    upstream.wait_for_requests(1).await;

    let minimal = guest("minimal");
    put(&component(&plugin), &minimal);
    runs(&plugin, &minimal).await;
    // It exports no service.
    assert_eq!(plugin.query(&source, [query("A")]).await.unwrap_err().code(), Code::Unimplemented);
    gate.open();
    assert_eq!(running.await.unwrap().unwrap().answer("A").frames.len(), 1);

    let back = guest("gpx_http_backend");
    put(&component(&plugin), &back);
    runs(&plugin, &back).await;
    assert_eq!(plugin.query(&source, [query("A")]).await.unwrap().answer("A").frames.len(), 1);
}

#[gpx_tests::test]
async fn a_build_that_cannot_run_leaves_the_old_one_and_is_told() {
    let plugin = watching(Plugin::of(&build(1))).await;
    let path = component(&plugin);
    let old = build(3);
    for (number, (content, reason)) in [
        (b"garbage".to_vec(), "it is not WebAssembly; put the component that your build produced there"),
        (Vec::new(), "it is not WebAssembly"),
        (old[..old.len() - 20].to_vec(), "it is damaged at byte"),
        (wat::parse_str("(module)").unwrap(), "it is a core module, not a component"),
        (wat::parse_str("(component)").unwrap(), "it does not export gpx:plugin/plugin"),
        (component_that_traps(), "cannot describe itself: the plugin failed: "),
    ]
    .into_iter()
    .enumerate()
    {
        put(&path, &content);
        refused(&plugin, reason).await;
        let (before, after) = (2 * number + 1, 2 * number + 3);
        assert_eq!(frames(&plugin).await, before, "{reason}");
        put(&path, &build(after));
        runs(&plugin, &build(after)).await;
        assert_eq!(frames(&plugin).await, after, "{reason}");
    }
}

#[gpx_tests::test]
async fn a_health_check_says_why_the_newest_build_does_not_run() {
    let plugin = watching(Plugin::guest("probe")).await;
    assert_eq!(health(&plugin).await, Value::Null);
    put(&component(&plugin), b"garbage");
    refused(&plugin, "it is not WebAssembly").await;
    let told = health(&plugin).await;
    assert!(
        told["not_replaced"].as_str().unwrap().contains("it is not WebAssembly; put the component"),
        "{told}"
    );
    // What runs is put back, which needs no swap.
    put(&component(&plugin), &guest("probe"));
    while health(&plugin).await != Value::Null {}
    assert!(!plugin.logs.mention("The component is replaced"));
}

/// Returns a component that cannot even say what it is.
fn component_that_traps() -> Vec<u8> {
    let (nothing, traps) = (
        "(export \"describe\") (result i32) (i32.const 0)",
        "(export \"describe\") (result i32) unreachable",
    );
    let text = include_str!("../harness/component.wat").replace("(; query ;)", "unreachable");
    wat::parse_str(text.replace("(; pages ;)", "1").replace(nothing, traps)).unwrap()
}

#[gpx_tests::test]
async fn a_component_that_is_mended_replaces_the_one_that_could_not_be_loaded_at_the_start() {
    let plugin = watching(Plugin::of(b"nonsense")).await;
    let reply = plugin.query(&DataSource::new(""), [query("A")]).await.unwrap();
    assert!(reply.answer("A").error.contains("it is not WebAssembly"), "{}", reply.answer("A").error);
    put(&component(&plugin), &build(2));
    runs(&plugin, &build(2)).await;
    assert_eq!(frames(&plugin).await, 2);

    let missing = watching(Plugin::of(b"").without(".wasm")).await;
    put(&component(&missing), &build(2));
    runs(&missing, &build(2)).await;
}

#[gpx_tests::test]
async fn streams_end_and_run_again_on_the_new_build_whose_memory_and_cache_are_empty() {
    let (plugin, source) = (watching(Plugin::guest("probe")).await, DataSource::new(""));
    let calls = || async {
        let reply = plugin.query(&source, [query("A").kind("count")]).await.unwrap();
        reply.frame("A").field("calls").values.clone()
    };
    assert_eq!((calls().await, calls().await), (vec![json!(1)], vec![json!(2)]));
    let data = json!({ "every_ms": 20 }).to_string();
    let mut packets = plugin.run_stream(&source, "ticks", data.clone()).await.unwrap();
    packets.next().await;

    let new = rebuilt(&guest("probe"), 1);
    put(&component(&plugin), &new);
    runs(&plugin, &new).await;
    let (_, status) = packets.rest().await;
    assert_eq!(status.unwrap().code(), Code::Unavailable);
    let is_end =
        |line: &Line| line.message == "Plugin Request Completed" && line.text("endpoint") == "runStream";
    assert_eq!(plugin.logs.wait_for(is_end).await.text("status"), "cancelled");
    assert_eq!(calls().await, [json!(1)]);
    let mut packets = plugin.run_stream(&source, "ticks", data).await.unwrap();
    packets.next().await;
}

#[gpx_tests::test]
async fn the_services_that_are_served_and_listed_are_those_of_the_new_build() {
    let plugin = watching(Plugin::guest("minimal")).await;
    let validated = || async {
        plugin.validate(&DataSource::new(""), "Echo", "{}").await.map_err(|status| status.code())
    };
    assert_eq!(validated().await.unwrap_err(), Code::Unimplemented);
    let objects = guest("objects");
    put(&component(&plugin), &objects);
    runs(&plugin, &objects).await;
    assert!(validated().await.unwrap().allowed);

    let Some(tools) = peer::tools() else { return };
    let launch = Plugin::guest("minimal");
    let path = launch.directory().join("gpx_test.wasm");
    let mut peer = tools.run(launch.executable(), json!({ "GF_PLUGIN_GPX_WATCH": "on" })).await;
    for (name, has) in [("minimal", false), ("objects", true), ("minimal", false)] {
        put(&path, &rebuilt(&guest(name), 1));
        loop {
            let listed = peer.get("reflect", json!({ "packages": [] })).await["services"].to_string();
            if listed.contains("AdmissionControl") == has {
                break;
            }
        }
    }
    peer.end().await;
}

/// What a process has open, by the kernel's names.
fn inotify(plugin: &Plugin) -> usize {
    let open = std::fs::read_dir(format!("/proc/{}/fd", plugin.id())).unwrap();
    let links = open.filter_map(|entry| std::fs::read_link(entry.unwrap().path()).ok());
    links.filter(|link| link.as_os_str() == "anon_inode:inotify").count()
}

#[gpx_tests::test]
async fn without_the_setting_nothing_is_watched() {
    let plugin = Plugin::of(&build(1)).start().await;
    assert_eq!(frames(&plugin).await, 1);
    assert_eq!(inotify(&plugin), 0);
    put(&component(&plugin), &build(2));
    assert_eq!(frames(&plugin).await, 1);

    let watched = watching(Plugin::of(&build(1))).await;
    assert_eq!(frames(&watched).await, 1);
    assert_eq!(inotify(&watched), 1);
    assert!(watched.logs.mention("gpx_watch is for development"));
}
