//! Ways through proxies: TLS to the proxy, and HTTP/2 behind it.

mod proxy;
mod secure_socks;

use std::path::PathBuf;
use std::sync::atomic::AtomicUsize;

use tokio_rustls::TlsAcceptor;

use self::proxy::{Proxy, Speaks};
use super::*;
use crate::config::Settings;
use crate::net::test::{AUTHORITY, pem, tls_server};

const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

/// A fixture with these variables in its environment, which trusts the authorities in a file besides the usual ones.
fn fixture(environment: &[(&str, &str)], ca_file: Option<PathBuf>) -> Fixture {
    let settings: Settings = environment.iter().copied().collect();
    let (proxies, bad) = Proxies::parse(&settings.proxies);
    assert!(bad.is_empty(), "{bad:?}");
    let hosts = Patterns::parse(["sts.example"]).0;
    let operator = OperatorPolicy { hosts, proxies: Arc::new(proxies), ..OperatorPolicy::default() };
    let roots = RootPaths { more: ca_file, ..RootPaths::default() };
    let ((telemetry, spans), (log, lines)) = (recording(), Log::memory());
    let (all, metrics) = (AllConnections::new(None, log), Metrics::unattached());
    let process = ProcessHttp { connections_max: 1000, roots, ..ProcessHttp::default() };
    let egress = Egress::new(operator, "my-plugin", telemetry, process, all, metrics.upstream.clone());
    Fixture { egress, spans, lines, metrics, memory: MemoryAccount::new(1 << 30) }
}

/// A file with the authority of the tests' certificate.
struct CaFile(PathBuf);

impl CaFile {
    #[expect(clippy::disallowed_methods, reason = "the test's own files")]
    fn new() -> Self {
        static FILES: AtomicUsize = AtomicUsize::new(0);
        let number = FILES.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("gpx-proxies-{}-{number}.pem", std::process::id()));
        std::fs::write(&path, pem("CERTIFICATE", AUTHORITY)).unwrap();
        Self(path)
    }
}

impl Drop for CaFile {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

fn acceptor(wants_client_certificate: bool) -> TlsAcceptor {
    Arc::new(tls_server(wants_client_certificate)).into()
}

async fn read(client: &Client, url: &str) -> Result<String, RequestError> {
    text(send(client, get(url)).await?).await
}

#[tokio::test]
async fn the_certificate_of_an_https_proxy_is_checked_before_anything_is_said_to_it() {
    let plain = Server::always(OK).await;
    let secure = Server::start_with(Some(acceptor(false)), |_| Scripted::Text(OK.to_owned())).await;
    for (upstream, url, json) in [
        (&plain, "http://upstream.example/", "{}"),
        (&secure, "https://upstream.example/", r#"{"tlsSkipVerify":true}"#),
    ] {
        let proxy = Proxy::start(Speaks::Http, Some(acceptor(false)), upstream.address).await;
        let value = format!("https://ada:geheim99@{}", proxy.address);
        let environment = [("HTTP_PROXY", &*value), ("HTTPS_PROXY", &*value)];
        // What the data source says of its own certificate is nothing to the proxy's.
        let error = read(&fixture(&environment, None).client_with(url, json, &[]), url).await.unwrap_err();
        assert_eq!(error.kind(), RequestErrorKind::Proxy, "{error:?}");
        let chain = error.chain();
        assert!(
            chain.contains("not trusted here: give the authority's certificate with gpx_ca_file"),
            "{chain}"
        );
        assert_eq!(proxy.asked(), [""; 0]);

        let file = CaFile::new();
        let fixture = fixture(&environment, Some(file.0.clone()));
        assert_eq!(read(&fixture.client_with(url, json, &[]), url).await.unwrap(), "ok");
        assert!(proxy.asked()[0].contains("Basic YWRhOmdlaGVpbTk5"), "{:?}", proxy.asked());
    }
}

#[tokio::test]
async fn a_proxy_that_leads_elsewhere_has_no_certificate_for_the_upstream() {
    let mut elsewhere = Server::start_with(Some(acceptor(false)), |_| Scripted::Text(OK.to_owned())).await;
    let proxy = Proxy::start(Speaks::Http, None, elsewhere.address).await;
    let fixture = fixture(&[("HTTPS_PROXY", &proxy.address.to_string())], None);
    let (url, authority) = ("https://upstream.example/", pem("CERTIFICATE", AUTHORITY));
    let client = fixture.client_with(url, r#"{"tlsAuthWithCACert":true}"#, &[("tlsCACert", &authority)]);
    let error = read(&client, url).await.unwrap_err();
    assert_eq!(error.kind(), RequestErrorKind::Certificate, "{}", error.chain());
    assert!(error.to_string().contains("not for upstream.example"), "{error}");
    // Nothing has been asked of it.
    assert_eq!(elsewhere.closed().await, 0);
}

#[tokio::test]
async fn http2_goes_through_one_tunnel() {
    let mut tls = tls_server(false);
    tls.alpn_protocols = vec![b"h2".to_vec()];
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let upstream = listener.local_addr().unwrap();
    let tls = TlsAcceptor::from(Arc::new(tls));
    let server = tokio::spawn(async move {
        let mut heads = Vec::new();
        let (stream, _) = listener.accept().await.unwrap();
        let mut connection = h2::server::handshake(tls.accept(stream).await.unwrap()).await.unwrap();
        while heads.len() < 3 {
            let (request, mut respond) = connection.accept().await.unwrap().unwrap();
            heads.push((request.uri().to_string(), request.headers().clone()));
            let mut body = respond.send_response(http::Response::new(()), false).unwrap();
            body.send_data(bytes::Bytes::from_static(b"ok"), true).unwrap();
        }
        let closed = connection.accept();
        let _ = tokio::join!(closed);
        heads
    });
    let proxy = Proxy::start(Speaks::Http, None, upstream).await;
    let fixture = fixture(&[("HTTPS_PROXY", &format!("ada:geheim99@{}", proxy.address))], None);
    let url = "https://upstream.example/a";
    let client = fixture.client_with(url, r#"{"tlsSkipVerify":true}"#, &[]);
    let all = [read(&client, url), read(&client, url), read(&client, url)];
    for read in futures_util::future::join_all(all).await {
        assert_eq!(read.unwrap(), "ok");
    }
    let [asked] = <[String; 1]>::try_from(proxy.asked()).unwrap();
    assert!(asked.starts_with("CONNECT upstream.example:443 HTTP/1.1\r\n"), "{asked}");
    drop(client);
    for (uri, headers) in server.await.unwrap() {
        assert_eq!(uri, url);
        assert!(!headers.contains_key(http::header::PROXY_AUTHORIZATION), "{headers:?}");
    }
}

#[tokio::test]
async fn requests_for_credentials_take_the_same_way_and_say_nothing_of_the_caller() {
    let upstream = Server::start(|number| match number {
        0 => Scripted::Text(sigv4::credentials()),
        _ => Scripted::Text(OK.to_owned()),
    })
    .await;
    let proxy = Proxy::start(Speaks::Http, None, upstream.address).await;
    let fixture = fixture(&[("HTTP_PROXY", &proxy.address.to_string())], None);
    let (sts, url) = ("http://sts.example", "http://upstream.example/");
    let environment = AwsEnvironment::of([("AWS_ENDPOINT_URL_STS".to_owned(), sts.to_owned())]);
    let client =
        fixture.client_in(&environment, HashMap::new(), url, sigv4::SETTINGS_WITH_ROLE, &sigv4::KEYS);
    let passed_on = PassedOn { from_alert: Some("true".parse().unwrap()), ..PassedOn::default() };
    let response =
        client.send(get(url), None, RequestParent::default(), Caller { passed_on, ..caller() }).await;
    assert_eq!(text(response.unwrap()).await.unwrap(), "ok");
    let [of_credentials, own] = <[String; 2]>::try_from(proxy.asked()).unwrap();
    assert!(of_credentials.starts_with("POST http://sts.example/ HTTP/1.1\r\n"), "{of_credentials}");
    assert!(own.starts_with("GET http://upstream.example/ HTTP/1.1\r\n"), "{own}");
    assert!(own.contains("\r\nauthorization: AWS4-HMAC-SHA256 Credential=ASIAROLE/"), "{own}");
    assert!(
        own.contains("\r\nfromalert: true\r\n") && !of_credentials.contains("fromalert"),
        "{of_credentials}"
    );
}
