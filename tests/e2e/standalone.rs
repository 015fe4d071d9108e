//! Grafana's stand-alone mode: somebody holds the plugin's process, and Grafana connects to it.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use gpx_tests::grafana::{DataSource, query};
use gpx_tests::peer;
use gpx_tests::plugin::Plugin;
use rustix::process::Signal;
use serde_json::json;

use crate::data_source::count;

fn exists(directory: &Path, file: &str) -> bool {
    directory.join(file).exists()
}

#[gpx_tests::test]
async fn grafana_connects_to_the_process_that_is_held() {
    let launch = Plugin::guest("probe");
    let directory = launch.directory().to_owned();
    let held = launch.holder().hold().await;
    for file in ["standalone.txt", "pid.txt"] {
        // Others must not send Grafana elsewhere.
        let mode = std::fs::metadata(directory.join(file)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{file}");
    }
    let address = std::fs::read_to_string(directory.join("standalone.txt")).unwrap();
    assert!(address.starts_with("127.0.0.1:"), "{address}");
    assert_eq!(std::fs::read_to_string(directory.join("pid.txt")).unwrap(), held.id().to_string());

    let mut plugin = launch.start().await;
    assert_eq!((plugin.handshake.network.as_str(), &plugin.handshake.address), ("tcp", &address));
    let source = DataSource::new("");
    assert_eq!(count(&plugin, &source).await, 1.0);
    held.logs.wait_for_message("Plugin Request Completed").await;
    assert!(!plugin.logs.mention("Plugin Request"));
    // Grafana stops its plugins through a service that this process has not.
    plugin.shutdown().await;
    assert_eq!(count(&plugin, &source).await, 2.0);
    assert!(plugin.running());

    let status = held.interrupt().await;
    assert_eq!(status.code(), Some(0));
    assert!(!exists(&directory, "standalone.txt") && !exists(&directory, "pid.txt"));
    // The process that Grafana had started ends too, so that Grafana starts the plugin itself again.
    assert_eq!(plugin.exit().await.code(), Some(0));
}

#[gpx_tests::test]
async fn a_plugin_that_runs_makes_room_for_the_process_that_is_held() {
    let launch = Plugin::guest("probe");
    let (again, another) = (launch.holder(), Plugin::guest("probe").start().await);
    let mut plugin = launch.start().await;
    assert_eq!(plugin.handshake.network, "unix");
    let held = again.hold().await;
    assert_eq!(plugin.exit().await.code(), Some(0));
    let second = again.output(&["-standalone"]).await;
    assert_eq!(second.status.code(), Some(1));
    let text = String::from_utf8_lossy(&second.stderr);
    assert!(
        text.contains(&format!("process {} is held already (pid.txt); end it first", held.id())),
        "{text}"
    );
    // Others are other plugins, even if their executable is the same file.
    assert_eq!(count(&another, &DataSource::new("")).await, 1.0);
    held.interrupt().await;
}

/// As a debugger does.
#[gpx_tests::test]
async fn a_held_process_that_is_killed_is_noticed() {
    let launch = Plugin::guest("probe");
    let held = launch.holder().hold().await;
    let mut plugin = launch.start().await;
    assert_eq!(plugin.handshake.network, "tcp");
    held.end_by(Signal::KILL).await;
    assert_eq!(plugin.exit().await.code(), Some(0));
    let text = "The process that was held is gone, so Grafana has to start the plugin again";
    plugin.logs.wait_for_message(text).await;
}

#[gpx_tests::test]
async fn an_address_that_was_left_behind_is_not_used() {
    // Linux gives no process this id.
    let launch = Plugin::guest("probe").file("standalone.txt", b"localhost:1").file("pid.txt", b"2147483647");
    let plugin = launch.start().await;
    assert_eq!(plugin.handshake.network, "unix");
    let text = "standalone.txt is of a process that is gone; delete it and pid.txt";
    plugin.logs.wait_for_message(text).await;
    assert_eq!(count(&plugin, &DataSource::new("")).await, 1.0);
}

/// In a container, both sides have the variable, and share no files.
#[gpx_tests::test]
async fn an_address_can_be_in_a_variable() {
    const VARIABLE: &str = "GF_PLUGIN_GRPC_ADDRESS_GPX_TEST_DATASOURCE";
    let launch = Plugin::guest("probe").env(VARIABLE, "localhost:0");
    let held = launch.holder().hold().await;
    let address = held.address().await;
    let launch = Plugin::guest("probe").env(VARIABLE, &address).env("PLUGIN_MULTIPLEX_GRPC", "true");
    let plugin = launch.start().await;
    assert_eq!((&plugin.handshake.address, plugin.handshake.rest.as_str()), (&address, "|false"));
    let reply = plugin.query(&DataSource::new(""), [query("A").kind("settings")]).await.unwrap();
    assert!(
        !format!("{:?}", reply.frame("A")).contains("grpc_address"),
        "it is no setting of the component's"
    );
    held.interrupt().await;
}

#[gpx_tests::test]
async fn an_address_that_nobody_can_connect_to_is_not_used() {
    const VARIABLE: &str = "GF_PLUGIN_GRPC_ADDRESS_GPX_TEST_DATASOURCE";
    for address in
        ["", "localhost", "http://localhost:3005", "localhost:0", "localhost:99999", "::1:3005", "a|b:1"]
    {
        let plugin = Plugin::guest("probe").env(VARIABLE, address).start().await;
        assert_eq!(plugin.handshake.network, "unix", "{address}");
        let text =
            "standalone.txt or its variable has no address such as localhost:3005; correct or delete it";
        plugin.logs.wait_for_message(text).await;
    }
}

/// A container that was killed and starts again has the files of its last life, and gives away the same process ids.
#[gpx_tests::test]
async fn what_the_same_process_id_has_left_behind_is_replaced() {
    let launch = Plugin::guest("probe");
    let directory = launch.directory().to_owned();
    let last_life = "echo $$ > pid.txt; echo localhost:1 > standalone.txt; chmod 644 *.txt";
    let held = launch.holder().hold_after(last_life).await;
    assert_eq!(std::fs::read_to_string(directory.join("pid.txt")).unwrap(), held.id().to_string());
    let plugin = launch.start().await;
    assert_eq!(plugin.handshake.address, held.address().await);
    // As a terminal does that is closed.
    assert_eq!(held.end_by(Signal::HUP).await.code(), Some(0));
    assert!(!exists(&directory, "standalone.txt") && !exists(&directory, "pid.txt"));
}

#[gpx_tests::test]
async fn without_files_grafana_needs_the_variable() {
    let launch = Plugin::guest("probe");
    let directory = launch.directory().to_owned();
    // As if the disk was full: a file is created, and nothing can be written to it.
    let output = launch.holder().output_after("trap '' XFSZ; ulimit -f 0", "-standalone").await;
    let text = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert!(text.contains("The plugin cannot run: cannot write ") && text.contains("pid.txt: "), "{text}");
    assert!(!exists(&directory, "standalone.txt") && !exists(&directory, "pid.txt"));

    let launch = Plugin::guest("probe").env("GF_PLUGIN_GRPC_ADDRESS_GPX_TEST_DATASOURCE", "localhost:0");
    let directory = launch.directory().to_owned();
    let held = launch.holder().hold_after("mkdir pid.txt").await;
    let text = "Only a Grafana that has the variable, too, finds the process that is held";
    assert_eq!(held.logs.wait_for_message(text).await.level, "warn");
    assert!(!exists(&directory, "standalone.txt"));
    let address = held.address().await;
    let plugin =
        Plugin::guest("probe").env("GF_PLUGIN_GRPC_ADDRESS_GPX_TEST_DATASOURCE", &address).start().await;
    assert_eq!(count(&plugin, &DataSource::new("")).await, 1.0);
    assert_eq!(held.interrupt().await.code(), Some(0));
}

/// The Go SDK's own process for Grafana finds ours, and go-plugin's client talks to it.
#[gpx_tests::test]
async fn go_plugin_calls_the_process_that_is_held() {
    let Some(tools) = peer::tools() else { return };
    let launch = Plugin::guest("probe");
    let held = launch.holder().hold().await;
    let variable = json!({ "GF_PLUGIN_GRPC_ADDRESS_GPX_HTTPBACKEND_DATASOURCE": held.address().await });
    for (executable, environment) in [(launch.executable(), json!({})), (tools.twin.as_path(), variable)] {
        let mut peer = tools.run(executable, environment).await;
        let context = peer::context(&DataSource::new(""));
        let health = peer.get("health", json!({ "plugin_context": context })).await;
        assert_eq!(health["message"], "all is well");
        let services = peer.ask("reflect", json!({})).await.unwrap_err();
        assert!(services.to_string().contains("Unimplemented"), "as on the Go SDK: {services}");
        peer.get("kill", json!({})).await;
        peer.end().await;
    }
    held.interrupt().await;
}
