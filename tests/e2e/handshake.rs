//! From the start of the process to the first answer.

use gpx_tests::artifacts;
use gpx_tests::directory::Directory;
use gpx_tests::grafana::{DataSource, query};
use gpx_tests::plugin::Plugin;
use gpx_tests::upstream::Upstream;
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
    let output = Plugin::packaged("http-backend").output(&["--version"]).await;
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success());
    assert!(text.contains("gpx-host") && text.contains("wasmtime 48."), "{text}");
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
