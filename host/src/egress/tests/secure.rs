//! TLS.

use opentelemetry_sdk::trace::SpanData;

use super::*;
use crate::net::test::{AUTHORITY, CERTIFICATE, KEY, pem, tls_server};

const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
const WITH_AUTHORITY: &str = r#"{"tlsAuthWithCACert":true}"#;

fn authority() -> String {
    pem("CERTIFICATE", AUTHORITY)
}

async fn server(wants_client_certificate: bool) -> Server {
    Server::start_with(Some(Arc::new(tls_server(wants_client_certificate)).into()), |_| {
        Scripted::Text(OK.to_owned())
    })
    .await
}

fn url(server: &Server) -> String {
    format!("https://{}", server.address)
}

#[tokio::test]
async fn the_data_sources_authority_is_trusted() {
    let mut server = server(false).await;
    let fixture = Fixture::new("");
    let client = fixture.client_with(&url(&server), WITH_AUTHORITY, &[("tlsCACert", &authority())]);
    for _ in 0..2 {
        assert_eq!(text(send(&client, get(url(&server))).await.unwrap()).await.unwrap(), "ok");
        assert_eq!(server.request().await.0, 0);
    }
    let [span, _]: [SpanData; 2] = fixture.spans.spans().try_into().unwrap();
    let names: Vec<_> = span.events.iter().map(|event| &*event.name).collect();
    let tail = [
        "http.tls.start",
        "http.tls.done",
        "http.getconn.done",
        "http.send.start",
        "http.send.done",
        "http.receive.start",
    ];
    assert_eq!(names[3..], tail);
}

#[tokio::test]
async fn an_unknown_authority_is_refused_unless_told_otherwise() {
    let server = server(false).await;
    let fixture = Fixture::new("");
    let error = send(&fixture.client(&url(&server)), get(url(&server))).await.unwrap_err();
    assert!(error.to_string().contains("is from an authority that is not trusted here"), "{error}");
    assert_eq!(error.kind(), RequestErrorKind::Certificate);

    let careless = fixture.client_with(&url(&server), r#"{"tlsSkipVerify":true}"#, &[]);
    assert_eq!(text(send(&careless, get(url(&server))).await.unwrap()).await.unwrap(), "ok");
}

#[tokio::test]
async fn the_certificate_must_be_for_the_name() {
    let server = server(false).await;
    let json = r#"{"tlsAuthWithCACert":true,"serverName":"other.example.com"}"#;
    let client = Fixture::new("").client_with(&url(&server), json, &[("tlsCACert", &authority())]);
    let error = send(&client, get(url(&server))).await.unwrap_err();
    let text = error.to_string();
    assert!(text.contains("is for localhost, not for other.example.com"), "{text}");
}

#[tokio::test]
async fn the_client_certificate_is_shown_to_the_own_origin_only() {
    let server = server(true).await;
    let secrets = [
        ("tlsCACert", &*authority()),
        ("tlsClientCert", &pem("CERTIFICATE", CERTIFICATE)),
        ("tlsClientKey", &pem("PRIVATE KEY", KEY)),
    ];
    let fixture = Fixture::new(&server.address.to_string());
    let client = fixture.client_with(&url(&server), r#"{"tlsAuth":true}"#, &secrets);
    assert_eq!(text(send(&client, get(url(&server))).await.unwrap()).await.unwrap(), "ok");

    let json = r#"{"tlsAuth":true,"tlsSkipVerify":true}"#;
    let elsewhere = fixture.client_with("https://own.example.com", json, &secrets);
    let error = send(&elsewhere, get(url(&server))).await.unwrap_err();
    assert_eq!(error.kind(), RequestErrorKind::Certificate, "{error:?}");
}

#[tokio::test]
async fn settings_that_are_not_pem_are_named() {
    let server = server(false).await;
    let client = Fixture::new("").client_with(&url(&server), WITH_AUTHORITY, &[("tlsCACert", "/etc/ca.pem")]);
    let error = send(&client, get(url(&server))).await.unwrap_err().to_string();
    assert!(error.starts_with("the data source's CA certificate (tlsCACert) is not PEM"), "{error}");
}

#[tokio::test]
async fn a_peer_that_does_not_finish_the_handshake_times_out() {
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://{}", silent.local_addr().unwrap());
    let client =
        Fixture::new("").client_with(&url, r#"{"httpTLSHandshakeTimeout":1,"tlsSkipVerify":true}"#, &[]);
    let error = send(&client, get(&url)).await.unwrap_err();
    assert!(matches!(error, RequestError::HandshakeTimeout { .. }), "{error:?}");
}

#[tokio::test]
async fn a_time_below_zero_is_over_before_anything_has_begun() {
    let server = server(false).await;
    for (json, name) in
        [(r#""dialTimeout":-1"#, "ConnectTimeout"), (r#""httpTLSHandshakeTimeout":-1"#, "HandshakeTimeout")]
    {
        let json = format!(r#"{{"tlsSkipVerify":true,{json}}}"#);
        let error = send(&Fixture::new("").client_with(&url(&server), &json, &[]), get(url(&server)))
            .await
            .unwrap_err();
        assert!(format!("{error:?}").starts_with(name), "{error:?}");
    }
}
