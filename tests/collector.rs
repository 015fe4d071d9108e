//! Traces in the real OpenTelemetry Collector, from this host and from the same plugin on the Go SDK. Only the full run
//! builds the Collector (tests/collector).

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use gpx_tests::artifacts;
use gpx_tests::directory::Directory;
use gpx_tests::grafana::{DataSource, query};
use gpx_tests::peer::{self, Tools};
use gpx_tests::plugin::Plugin;
use gpx_tests::trace::{Span, Trace, assert_alike};
use gpx_tests::upstream::Upstream;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use prost::Message as _;
use serde_json::{Value, json};

const TOKEN: &str = "a-token-for-tests";

/// A running Collector. `plain` and `secure` are its ports for gRPC and HTTP; the latter ask for TLS with a client
/// certificate, and for the token.
struct Collector {
    process: Child,
    directory: Directory,
    plain: [u16; 2],
    secure: [u16; 2],
}

// === impl Collector ===

impl Collector {
    async fn start() -> Self {
        let directory = Directory::new().unwrap();
        let tls = artifacts::repository().join("host/src/net/test");
        for (file, label, der) in [
            ("ca.pem", "CERTIFICATE", "authority.der"),
            ("cert.pem", "CERTIFICATE", "localhost.der"),
            ("key.pem", "PRIVATE KEY", "localhost.key.der"),
        ] {
            let der = BASE64_STANDARD.encode(std::fs::read(tls.join(der)).unwrap());
            let pem = format!("-----BEGIN {label}-----\n{der}\n-----END {label}-----\n");
            std::fs::write(directory.join(file), pem).unwrap();
        }
        let ports = free_ports();
        let [grpc, http, secure_grpc, secure_http] = ports;
        let file = |name: &str| directory.join(name).display().to_string();
        let tls = json!({ "cert_file": file("cert.pem"), "key_file": file("key.pem"), "client_ca_file": file("ca.pem") });
        let auth = json!({ "authenticator": "bearertokenauth" });
        let at = |port: u16| format!("127.0.0.1:{port}");
        // YAML contains JSON.
        let config = json!({
            "receivers": {
                "otlp": { "protocols": { "grpc": { "endpoint": at(grpc) }, "http": { "endpoint": at(http) } } },
                "otlp/secure": { "protocols": {
                    "grpc": { "endpoint": at(secure_grpc), "tls": tls, "auth": auth },
                    "http": { "endpoint": at(secure_http), "tls": tls, "auth": auth },
                } },
            },
            "exporters": { "file": { "path": file("spans"), "format": "proto", "flush_interval": "50ms" } },
            "extensions": { "bearertokenauth": { "token": TOKEN } },
            "service": {
                "extensions": ["bearertokenauth"],
                "pipelines": { "traces": { "receivers": ["otlp", "otlp/secure"], "exporters": ["file"] } },
            },
        });
        std::fs::write(directory.join("config.yaml"), config.to_string()).unwrap();
        let log = std::fs::File::create(directory.join("log")).unwrap();
        let mut command = Command::new(artifacts::collector());
        command.arg("--config").arg(directory.join("config.yaml"));
        let process = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log).spawn().unwrap();
        let mut collector =
            Self { process, directory, plain: [grpc, http], secure: [secure_grpc, secure_http] };
        for port in ports {
            while tokio::net::TcpStream::connect(("127.0.0.1", port)).await.is_err() {
                let log = || std::fs::read_to_string(collector.directory.join("log"));
                assert!(
                    collector.process.try_wait().unwrap().is_none(),
                    "the Collector ended: {log:?}",
                    log = log()
                );
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }
        collector
    }

    fn file(&self, name: &str) -> PathBuf {
        self.directory.join(name)
    }

    /// Reads what has been written: messages, each after its length in 4 bytes, of which the last may not be complete.
    fn spans(&self) -> Vec<Span> {
        let bytes = std::fs::read(self.file("spans")).unwrap_or_default();
        let (mut rest, mut spans) = (bytes.as_slice(), Vec::new());
        while let Some((length, after)) = rest.split_first_chunk()
            && let Some((message, after)) = after.split_at_checked(u32::from_be_bytes(*length) as usize)
        {
            spans.extend(Span::all_of(ExportTraceServiceRequest::decode(message).unwrap()));
            rest = after;
        }
        spans
    }

    /// Waits until the Collector has written the spans of a trace that are `enough`.
    async fn wait_for_trace(&self, trace_id: &str, enough: impl Fn(&Trace) -> bool) -> Trace {
        loop {
            let mut spans = self.spans();
            spans.retain(|span| span.trace_id == trace_id);
            let trace = Trace::new(spans);
            if enough(&trace) {
                return trace;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

impl Drop for Collector {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Returns ports on which nobody listens. The Collector does not say which one it has been given.
fn free_ports() -> [u16; 4] {
    let listeners = [(); 4].map(|()| TcpListener::bind("127.0.0.1:0").unwrap());
    listeners.map(|listener| listener.local_addr().unwrap().port())
}

/// Makes one call in a process with these variables, and returns its trace as the Collector has it.
async fn trace(
    tools: &Tools,
    executable: &Path,
    collector: &Collector,
    variables: Value,
    number: usize,
) -> Trace {
    let upstream = Upstream::points(3).await;
    let mut source = DataSource::new(&upstream.url());
    source.plugin = "gpx-httpbackend-datasource".to_owned();
    // The same in each process: the traces are compared.
    (source.settings.name, source.settings.uid) = ("Test".to_owned(), "test".to_owned());
    let trace_id = format!("0af7651916cd43dd8448eb211c8032{number:02x}");
    let mut peer = tools.run(executable, variables).await;
    let asked = json!({
        "plugin_context": peer::context(&source), "format": "json",
        "queries": [peer::query(&query("A").json(json!({ "multiplier": 2 })))],
        "traceparent": format!("00-{trace_id}-b7ad6b7169203331-01"),
    });
    peer.get("query", asked).await;
    // Shutdown flushes.
    peer.get("kill", json!({})).await;
    peer.end().await;
    let whole =
        |trace: &Trace| trace.has(&["pluginv2.Data/QueryData", "sdk.queryData", "HTTP Outgoing Request"]);
    collector.wait_for_trace(&trace_id, whole).await
}

#[gpx_tests::test]
async fn the_collector_has_the_same_trace_by_every_way_and_from_go() {
    let Some(tools) = peer::tools() else { return };
    let collector = Collector::start().await;
    let launch = Plugin::packaged("http-backend");
    let description = std::fs::read(artifacts::packaged("http-backend").join("plugin.json")).unwrap();
    let description: Value = serde_json::from_slice(&description).unwrap();
    let [grpc, http] = collector.plain;
    let version = description["info"]["version"].as_str().unwrap();
    let grafanas = peer::tracing(&format!("127.0.0.1:{grpc}"), version);
    let theirs = trace(&tools, &tools.twin, &collector, grafanas.clone(), 0).await;
    let [secure_grpc, secure_http] = collector.secure;
    let file = |name: &str| collector.file(name).display().to_string();
    let secure = json!({
        "GF_PLUGIN_GPX_OTLP_CA_FILE": file("ca.pem"),
        "GF_PLUGIN_GPX_OTLP_CLIENT_CERT": file("cert.pem"),
        "GF_PLUGIN_GPX_OTLP_CLIENT_KEY": file("key.pem"),
        "GF_PLUGIN_GPX_OTLP_HEADERS": format!("Authorization=Bearer {TOKEN}"),
        "GF_PLUGIN_GPX_OTLP_COMPRESSION": "gzip",
    });
    let none = json!({});
    for (number, (endpoint, protocol, more)) in [
        (None, "grpc", &none),
        (Some(format!("http://localhost:{http}/v1/traces")), "http/protobuf", &none),
        (Some(format!("https://localhost:{secure_grpc}")), "grpc", &secure),
        (Some(format!("https://localhost:{secure_http}/v1/traces")), "http/protobuf", &secure),
    ]
    .into_iter()
    .enumerate()
    {
        let mut variables = grafanas.clone();
        variables["GF_PLUGIN_GPX_OTLP_PROTOCOL"] = protocol.into();
        if let Some(endpoint) = &endpoint {
            variables["GF_PLUGIN_GPX_OTLP_ENDPOINT"] = endpoint.as_str().into();
        }
        variables.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let ours = trace(&tools, launch.executable(), &collector, variables, number + 1).await;
        assert_alike(&format!("{endpoint:?} {protocol}"), &ours, &theirs);
    }
}

#[gpx_tests::test]
async fn the_doctor_understands_the_collectors_refusals() {
    let collector = Collector::start().await;
    let [grpc, http] = collector.secure;
    let file = |name: &str| collector.file(name).display().to_string();
    for (port, protocol) in [(grpc, "grpc"), (http, "http/protobuf")] {
        for (ca, identity, token, verdict) in [
            (true, true, TOKEN, "the collector has taken it"),
            (true, true, "another", "failed (unauthenticated)"),
            (true, false, TOKEN, "failed (tls_client_certificate)"),
            (false, true, TOKEN, "failed (tls_untrusted)"),
        ] {
            let launch = Plugin::guest("minimal");
            let launch = launch.setting("gpx_otlp_endpoint", &format!("https://localhost:{port}"));
            let launch = launch.setting("gpx_otlp_protocol", protocol);
            let mut launch = launch.setting("gpx_otlp_headers", &format!("authorization=Bearer {token}"));
            if ca {
                launch = launch.setting("gpx_otlp_ca_file", &file("ca.pem"));
            }
            if identity {
                launch = launch.setting("gpx_otlp_client_cert", &file("cert.pem"));
                launch = launch.setting("gpx_otlp_client_key", &file("key.pem"));
            }
            let output = launch.output(&["doctor"]).await;
            let text = String::from_utf8_lossy(&output.stdout);
            assert!(text.contains(verdict), "{protocol}, {verdict}:\n{text}");
            assert_eq!(output.status.success(), verdict.starts_with("the collector has"), "{text}");
        }
    }
    let [grpc, http] = collector.plain;
    for (port, protocol, verdict) in
        [(http, "grpc", "failed (broken)"), (grpc, "http/protobuf", "failed (broken)")]
    {
        let launch = Plugin::guest("minimal").setting("gpx_otlp_protocol", protocol);
        let launch = launch.setting("gpx_otlp_endpoint", &format!("http://localhost:{port}/v1/traces"));
        let text = launch.output(&["doctor"]).await.stdout;
        let text = String::from_utf8_lossy(&text);
        assert!(text.contains(verdict), "{protocol}:\n{text}");
    }
}
