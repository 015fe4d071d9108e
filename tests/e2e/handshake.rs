//! From the start of the process to the first answer.

use gpx_tests::artifacts;
use gpx_tests::directory::Directory;
use gpx_tests::grafana::{DataSource, query};
use gpx_tests::logs::Line;
use gpx_tests::peer;
use gpx_tests::plugin::Plugin;
use gpx_tests::proto::go_plugin::Empty;
use gpx_tests::upstream::Upstream;
use serde_json::{Value, json};
use tonic::Code;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;

#[gpx_tests::test]
async fn the_handshake_line_is_go_plugins() {
    let plugin = Plugin::packaged("http-backend").start().await;
    let line = &plugin.handshake;
    assert_eq!((line.core_version.as_str(), line.protocol_version.as_str()), ("1", "2"));
    assert_eq!((line.network.as_str(), line.protocol.as_str(), line.rest.as_str()), ("unix", "grpc", ""));
    assert!(plugin.stop().await.success());
}

#[gpx_tests::test]
async fn started_by_a_person_it_says_what_it_is() {
    let launch = Plugin::packaged("http-backend").without_env("grafana_plugin_type");
    let output = launch.output(&[]).await;
    let text = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert!(output.stdout.is_empty());
    assert!(text.starts_with("This is gpx-host, the backend of a Grafana plugin."), "{text}");
}

#[gpx_tests::test]
async fn the_version_names_the_engine() {
    let output = Plugin::packaged("http-backend").without("plugin.json").output(&["--version"]).await;
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success());
    assert!(text.contains("gpx-host") && text.contains("wasmtime 48."), "{text}");
}

#[gpx_tests::test]
async fn the_build_of_a_plugin_is_told_as_on_the_go_sdk() {
    let output = async |argument: &str| Plugin::packaged("http-backend").output(&[argument]).await;
    for argument in ["-version", "--version"] {
        let version = output(argument).await;
        assert!(version.status.success());
        assert_eq!(String::from_utf8_lossy(&version.stdout), "0.1.0\n");
    }
    for argument in ["-buildinfo", "--buildinfo"] {
        let info = output(argument).await;
        let mut info: Value = serde_json::from_slice(&info.stdout).unwrap();
        assert!(info["time"].take().as_i64().is_some_and(|time| time % 86_400_000 == 0), "a day");
        assert!(info["host"].take().is_string());
        let expected = json!({
            "pluginID": "gpx-httpbackend-datasource", "version": "0.1.0", "time": null, "host": null,
        });
        assert_eq!(info, expected);
    }
    let nothing = Plugin::packaged("http-backend").without("plugin.json").output(&["-buildinfo"]).await;
    assert_eq!((nothing.status.code(), nothing.stdout.len()), (Some(1), 0));
    let text = String::from_utf8_lossy(&nothing.stderr);
    assert_eq!(text, "There is no plugin.json beside the executable; put it there\n");
    let unknown = output("-x").await;
    assert_eq!((unknown.status.code(), unknown.stdout.len()), (Some(2), 0));
}

#[gpx_tests::test]
async fn mutual_tls_is_refused_with_a_sentence() {
    let output =
        Plugin::packaged("http-backend").env("PLUGIN_CLIENT_CERT", "a certificate").output(&[]).await;
    assert_eq!((output.status.code(), output.stdout.len()), (Some(1), 0));
    let line = Line::parse(String::from_utf8_lossy(&output.stderr).trim()).unwrap();
    let text = "The plugin cannot run: the program that started this plugin asks for mutual TLS (PLUGIN_CLIENT_CERT is set), \
                which gpx-host does not support; start it without AutoMTLS, as Grafana does";
    assert_eq!((line.level.as_str(), line.message.as_str()), ("error", text));
}

#[gpx_tests::test]
async fn multiplexing_is_declined_and_all_else_works() {
    let upstream = Upstream::points(3).await;
    let plugin = Plugin::packaged("http-backend").env("PLUGIN_MULTIPLEX_GRPC", "true").start().await;
    assert_eq!(plugin.handshake.rest, "|false");
    let reply = plugin.query(&DataSource::new(&upstream.url()), [query("A")]).await.unwrap();
    assert_eq!(reply.frame("A").rows(), 3);
}

/// What Grafana says if a client of go-plugin asks for either.
#[gpx_tests::test]
async fn go_plugin_is_told_what_is_not_supported() {
    let Some(tools) = peer::tools() else { return };
    let plugin = Plugin::guest("probe");
    let refusals = [("auto_mtls", "Failed to read any lines"), ("multiplex", "does not support")];
    for (option, words) in refusals {
        let mut peer = tools.start().unwrap();
        let mut start = json!({ "exe": plugin.executable(), "env": {}, "timeout_ms": 20000 });
        start[option] = true.into();
        let error = peer.ask("start", start).await.unwrap_err();
        assert!(error["message"].as_str().unwrap().contains(words), "{option}: {error}");
        let lines = peer.get("logs", json!({})).await.to_string();
        assert_eq!(lines.contains("asks for mutual TLS"), option == "auto_mtls", "{lines}");
        peer.end().await;
    }
}

/// The next version of Grafana's protocol.
#[gpx_tests::test]
async fn what_is_not_there_is_named() {
    let plugin = Plugin::guest("probe").start().await;
    for (path, text) in [
        (
            "/grafana.plugin.v3.Admission/Review",
            "grafana.plugin.v3.Admission is of Grafana's protocol 3 (v3-admit, v3-convert, v3-route), which gpx-host does \
             not serve yet; call the services of pluginv2",
        ),
        ("/pluginv2.Renderer/Render", "unknown service pluginv2.Renderer"),
        ("/pluginv2.Data/Guess", "unknown method Guess for service pluginv2.Data"),
    ] {
        let mut client = tonic::client::Grpc::new(plugin.channel.clone());
        client.ready().await.unwrap();
        let codec = tonic_prost::ProstCodec::<Empty, Empty>::default();
        let request = tonic::Request::new(Empty {});
        let status = client.unary(request, path.parse().unwrap(), codec).await.unwrap_err();
        assert_eq!((status.code(), status.message()), (Code::Unimplemented, text));
    }
}

#[gpx_tests::test]
async fn our_version_is_announced_even_if_the_client_does_not_offer_it() {
    // The client then refuses it with a clear error; an exit without a line would tell it nothing.
    let plugin = Plugin::packaged("http-backend").env("PLUGIN_PROTOCOL_VERSIONS", "3,x").start().await;
    assert_eq!(plugin.handshake.protocol_version, "2");
}

#[gpx_tests::test]
async fn the_socket_is_in_the_clients_directory() {
    let sockets = Directory::new().unwrap();
    let place = sockets.path().to_str().unwrap();
    let plugin = Plugin::packaged("http-backend").env("PLUGIN_UNIX_SOCKET_DIR", place).start().await;
    assert!(plugin.handshake.address.starts_with(place), "{:?}", plugin.handshake);
    assert_eq!(sockets.entries().len(), 1);
    assert!(plugin.stop().await.success());
    assert_eq!(sockets.entries(), Vec::<String>::new(), "the socket is gone after Shutdown");
}

#[gpx_tests::test]
async fn without_a_writable_directory_the_socket_is_abstract() {
    let upstream = Upstream::points(3).await;
    let nowhere = "/nowhere/at/all";
    let launch = Plugin::packaged("http-backend").env("PLUGIN_UNIX_SOCKET_DIR", nowhere);
    let plugin = launch.env("TMPDIR", nowhere).start().await;
    assert!(plugin.handshake.address.starts_with('@'), "{:?}", plugin.handshake);
    let reply = plugin.query(&DataSource::new(&upstream.url()), [query("A")]).await.unwrap();
    assert_eq!(reply.frame("A").rows(), 3);
}

#[gpx_tests::test]
async fn tcp_on_demand() {
    let plugin = Plugin::packaged("http-backend").setting("gpx_transport", "tcp").start().await;
    assert_eq!(plugin.handshake.network, "tcp");
    assert!(plugin.handshake.address.starts_with("127.0.0.1:"), "{:?}", plugin.handshake);
}

#[gpx_tests::test]
async fn go_plugins_health_service_knows_the_name_plugin() {
    let plugin = Plugin::packaged("http-backend").start().await;
    let request = HealthCheckRequest { service: "plugin".to_owned() };
    let reply = HealthClient::new(plugin.channel.clone()).check(request).await.unwrap().into_inner();
    assert_eq!(reply.status(), ServingStatus::Serving);
}

#[gpx_tests::test]
async fn nothing_is_written_beside_the_executable() {
    let upstream = Upstream::points(1).await;
    // Without machine code, it compiles some that it might want to keep.
    let launch = Plugin::packaged("http-backend").without(".cwasm");
    let before = launch.entries();
    let plugin = launch.start().await;
    plugin.query(&DataSource::new(&upstream.url()), [query("A")]).await.unwrap();
    assert_eq!(plugin.directory.entries(), before);
}

#[test]
fn the_executable_needs_no_other_files() {
    // A static-pie has no interpreter (PT_INTERP, type 3) among its program headers: ELF64, gABI chapter 5.
    let bytes = std::fs::read(artifacts::host()).unwrap();
    let number = |at: usize, length: usize| {
        bytes[at..at + length].iter().rev().fold(0_usize, |number, byte| number << 8 | usize::from(*byte))
    };
    let (start, size, count) = (number(32, 8), number(54, 2), number(56, 2));
    let kinds: Vec<_> = (0..count).map(|header| number(start + header * size, 4)).collect();
    assert!(kinds.contains(&1) && !kinds.contains(&3), "program headers {kinds:?}");
}
