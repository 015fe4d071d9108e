//! Machine code: where it comes from, and that nothing foreign or broken is ever run.

use std::path::{Path, PathBuf};
use std::process::Output;

use gpx_tests::artifacts;
use gpx_tests::component::component;
use gpx_tests::grafana::{DataSource, query};
use gpx_tests::plugin::{Launch, Plugin};
use tokio::process::Command;

mod ahead;
mod cache;
mod compiler;

/// Where the text is whose absence the guest answers by a trap, in bytes: beyond the first page.
const TEXT: usize = 70_000;

/// Returns a component whose queries trap if an instance has lost its memory's image, or any of its code.
fn guest() -> Vec<u8> {
    let checks =
        format!("(if (i32.ne (i32.load (i32.const {TEXT})) (i32.const 0x64636261)) (then unreachable))");
    component(&format!(r#"(data (i32.const {TEXT}) "abcd")"#), &format!("{checks} (i32.const 0)"), 2)
}

/// Returns a component that keeps the compiler busy for very long, and makes it use much memory: each of its variables
/// may have another value at each turn of each of its loops.
fn bomb() -> Vec<u8> {
    let (variables, loops) = (4000, 400);
    let locals = "i32 ".repeat(variables);
    let body: String = (0..variables)
        .map(|at| format!("(local.set {at} (i32.add (local.get {at}) (local.get {})))", (at + 1) % variables))
        .collect();
    let (begin, end) = ("(loop ".repeat(loops), " (br_if 0 (local.get 0)))".repeat(loops));
    component(&format!("(func (export \"bomb\") (local {locals}) {begin} {body} {end})"), "(i32.const 0)", 1)
}

/// The plugin's component and its code.
fn files(launch: &Launch) -> (PathBuf, PathBuf) {
    let path = |suffix| launch.directory().join(format!("gpx_test.{suffix}"));
    (path("wasm"), path("cwasm"))
}

/// Runs `gpx-host compile`, in the shell that has done this before.
async fn compile_after(before: &str, component: &Path) -> Output {
    let script = format!("{before}\nexec \"$0\" compile \"$1\"");
    let mut shell = Command::new("/bin/sh");
    shell.args(["-c", &script]).arg(artifacts::host()).arg(component).kill_on_drop(true);
    shell.output().await.unwrap()
}

async fn compile(component: &Path) {
    let output = compile_after("", component).await;
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// Checks that the plugin answers, with an instance that is new for a new data source.
async fn answers(plugin: &Plugin, source: &DataSource) {
    let reply = plugin.query(source, [query("A")]).await.unwrap();
    assert_eq!((reply.answer("A").status, reply.answer("A").error.as_str()), (200, ""));
}

/// Starts it, and returns whether it compiled its component, and the reasons in its warnings.
async fn started(launch: Launch) -> (bool, Vec<String>) {
    let plugin = launch.start().await;
    answers(&plugin, &DataSource::new("")).await;
    let logs = plugin.logs.clone();
    assert!(plugin.stop().await.success());
    let warnings = logs.all().into_iter().filter(|line| line.level == "warn");
    let reasons = warnings.map(|line| format!("{}: {}", line.message, line.text("reason")));
    (logs.mention("Compiling the component"), reasons.collect())
}
