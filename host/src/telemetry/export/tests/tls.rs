//! TLS with the collector.

use std::path::PathBuf;
use std::sync::Arc;

use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

use super::receiver::{Collector, HttpCollector};
use super::*;
use crate::net::test::{AUTHORITY, CERTIFICATE, KEY, pem, tls_server};

/// The operator's files.
struct Files {
    directory: tempfile::TempDir,
}

// === impl Files ===

impl Files {
    fn new() -> Self {
        let files = Self { directory: tempfile::tempdir().unwrap() };
        files.write("ca.pem", "CERTIFICATE", AUTHORITY);
        files.write("client.pem", "CERTIFICATE", CERTIFICATE);
        files.write("client.key", "PRIVATE KEY", KEY);
        files
    }

    fn write(&self, name: &str, label: &str, der: &[u8]) {
        std::fs::write(self.path(name), pem(label, der)).unwrap();
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn text(&self, name: &str) -> String {
        self.path(name).display().to_string()
    }
}

/// Returns the URL of a TLS server in front of the one at `plain`.
async fn tls(plain: std::net::SocketAddr, wants_client_certificate: bool) -> String {
    let mut config = tls_server(wants_client_certificate);
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://localhost:{}", listener.local_addr().unwrap().port());
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                let mut encrypted = acceptor.accept(stream).await?;
                let mut plain = TcpStream::connect(plain).await?;
                tokio::io::copy_bidirectional(&mut encrypted, &mut plain).await
            });
        }
    });
    url
}

/// Sends one span, and returns what is known then.
async fn send(settings: &[(&str, &str)]) -> serde_json::Value {
    let telemetry = telemetry(settings, Log::memory().0);
    end_spans(&telemetry, 1);
    telemetry.flush(LONG).await;
    assert_eq!(telemetry.exported() + telemetry.losses().total(), 1);
    telemetry.report().unwrap()["tracing"].take()
}

#[tokio::test]
async fn a_client_certificate_and_a_ca_file_work_with_both_protocols() {
    let files = Files::new();
    let (ca, certificate, key) = (files.text("ca.pem"), files.text("client.pem"), files.text("client.key"));
    let (mut grpc, mut http) = (Collector::start().await, HttpCollector::start().await);
    for (protocol, address) in [("grpc", grpc.address), ("http/protobuf", http.address)] {
        let url = tls(address, true).await;
        let own = [("gpx_otlp_endpoint", &*url), ("gpx_otlp_protocol", protocol), ("gpx_otlp_ca_file", &*ca)];
        let identity = [("gpx_otlp_client_cert", &*certificate), ("gpx_otlp_client_key", &*key)];
        let report = send(&[&own[..], &identity].concat()).await;
        assert_eq!(report["state"], "working", "{protocol}: {report}");

        let report = send(&own).await;
        assert_eq!(report["cause"], "tls_client_certificate", "{protocol}: {report}");
    }
    assert_eq!(grpc.arrived().0.len(), 1);
    assert!(http.requests.recv().await.is_some() && http.requests.try_recv().is_err());
}

#[tokio::test]
async fn an_untrusted_collector_gets_nothing() {
    let (mut grpc, mut http) = (Collector::start().await, HttpCollector::start().await);
    for (protocol, address) in [("grpc", grpc.address), ("http/protobuf", http.address)] {
        let url = tls(address, false).await;
        let report = send(&[("gpx_otlp_endpoint", &*url), ("gpx_otlp_protocol", protocol)]).await;
        assert_eq!(report["cause"], "tls_untrusted", "{protocol}: {report}");
        assert!(report["remedy"].as_str().unwrap().contains("gpx_otlp_ca_file"), "{report}");
    }
    assert_eq!(grpc.arrived().0.len(), 0);
    assert!(http.requests.try_recv().is_err());
}

#[tokio::test]
async fn https_is_never_plaintext_and_plaintext_is_never_tls() {
    let (mut grpc, mut http) = (Collector::start().await, HttpCollector::start().await);
    for (protocol, address) in [("grpc", grpc.address), ("http/protobuf", http.address)] {
        let url = format!("https://{address}");
        let report = send(&[("gpx_otlp_endpoint", &*url), ("gpx_otlp_protocol", protocol)]).await;
        assert_eq!(report["cause"], "tls", "{protocol}: {report}");
        let url = tls(address, false).await.replace("https", "http");
        let report = send(&[("gpx_otlp_endpoint", &*url), ("gpx_otlp_protocol", protocol)]).await;
        assert_eq!(report["cause"], "broken", "{protocol}: {report}");
        assert!(report["remedy"].as_str().unwrap().contains("https://"), "{report}");
    }
    assert_eq!(grpc.arrived().0.len(), 0);
    assert!(http.requests.try_recv().is_err());
}

#[tokio::test]
async fn a_file_that_cannot_be_used_is_named() {
    let files = Files::new();
    let collector = Collector::start().await;
    let url = tls(collector.address, false).await;
    std::fs::write(files.path("garbage.pem"), "garbage").unwrap();
    files.write("der.pem", "CERTIFICATE", b"not a certificate");
    let (ca, key) = (files.text("ca.pem"), files.text("client.key"));
    for (file, what) in [
        ("missing.pem", "cannot read"),
        ("garbage.pem", "has no certificate in PEM"),
        ("der.pem", "has no usable certificate in PEM"),
        ("client.key", "has no certificate in PEM"),
    ] {
        let path = files.text(file);
        let report = send(&[("gpx_otlp_endpoint", &url), ("gpx_otlp_ca_file", &path)]).await;
        let error = report["error"].as_str().unwrap();
        assert_eq!(report["cause"], "tls_files", "{report}");
        assert!(
            error.contains("gpx_otlp_ca_file") && error.contains(&path) && error.contains(what),
            "{error}"
        );
    }
    // The key of another certificate.
    let report = send(&[
        ("gpx_otlp_endpoint", &*url),
        ("gpx_otlp_ca_file", &*ca),
        ("gpx_otlp_client_cert", &*ca),
        ("gpx_otlp_client_key", &*key),
    ])
    .await;
    assert!(report["error"].as_str().unwrap().contains("do not fit together"), "{report}");
}

#[tokio::test]
async fn a_renewed_file_is_used_without_a_restart() {
    let files = Files::new();
    let mut collector = Collector::start().await;
    let url = tls(collector.address, false).await;
    let late = files.text("late.pem");
    let telemetry = telemetry(&[("gpx_otlp_endpoint", &*url), ("gpx_otlp_ca_file", &*late)], Log::memory().0);
    end_spans(&telemetry, 1);
    telemetry.flush(LONG).await;
    files.write("late.pem", "CERTIFICATE", AUTHORITY);
    end_spans(&telemetry, 1);
    telemetry.flush(LONG).await;
    assert_eq!((telemetry.exported(), telemetry.losses(), collector.arrived().0.len()), (1, failed(1), 1));
}
