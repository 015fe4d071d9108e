//! Connections, credentials and bodies.

use std::io::Write as _;

use super::*;

const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

#[tokio::test]
async fn a_connection_is_used_again() {
    let mut server = Server::always(OK).await;
    let fixture = Fixture::new("");
    let client = fixture.client(&server.url());
    for _ in 0..3 {
        let response = send(&client, get(server.url())).await.unwrap();
        assert_eq!(text(response).await.unwrap(), "ok");
        assert_eq!(server.request().await.0, 0);
    }
    drop(client);
    assert_eq!(server.closed().await, 0);
}

#[tokio::test]
async fn requests_at_the_same_time_have_connections_of_their_own() {
    let mut server = Server::always(OK).await;
    let fixture = Fixture::new("");
    let client = fixture.client(&server.url());
    let one = send(&client, get(server.url())).await.unwrap();
    let other = send(&client, get(server.url())).await.unwrap();
    assert_eq!((server.request().await.0, server.request().await.0), (0, 1));
    assert_eq!((text(one).await.unwrap(), text(other).await.unwrap()), ("ok".to_owned(), "ok".to_owned()));
}

#[tokio::test]
async fn a_request_that_met_a_closing_connection_is_sent_again() {
    let script = |n| if n == 1 { Scripted::Last(String::new()) } else { Scripted::Text(OK.to_owned()) };
    let mut server = Server::start(script).await;
    let fixture = Fixture::new("");
    let client = fixture.client(&server.url());
    for _ in 0..2 {
        text(send(&client, get(server.url())).await.unwrap()).await.unwrap();
    }
    assert_eq!((server.request().await.0, server.request().await.0), (0, 0));
    assert_eq!(server.closed().await, 0);
    assert_eq!(server.request().await.0, 1);
}

#[tokio::test]
async fn a_body_is_not_sent_twice() {
    let script = |n| if n == 1 { Scripted::Last(String::new()) } else { Scripted::Text(OK.to_owned()) };
    let server = Server::start(script).await;
    let fixture = Fixture::new("");
    let client = fixture.client(&server.url());
    text(send(&client, get(server.url())).await.unwrap()).await.unwrap();
    let error = send(&client, post(server.url(), "once")).await.unwrap_err();
    assert!(matches!(error, RequestError::Closed { .. }), "{error:?}");
}

#[tokio::test]
async fn credentials_reach_the_data_sources_own_origin_only() {
    let mut own = Server::always(OK).await;
    let mut other = Server::always(OK).await;
    let fixture = Fixture::new(&other.address.to_string());
    let url = format!("http://me:password@{}/base", own.address);
    let json = r#"{"httpHeaderName1":"X-Key"}"#;
    let client = fixture.client_with(&url, json, &[("httpHeaderValue1", "key")]);
    for url in [own.url(), other.url()] {
        let mut request = get(format!("{url}/base/path"));
        for (name, value) in
            [("host", "evil"), ("x-key", "guest"), ("traceparent", "guest"), ("baggage", "guest")]
        {
            request.headers_mut().insert(name, value.parse().unwrap());
        }
        send(&client, request).await.unwrap();
    }
    let (_, head) = own.request().await;
    assert!(head.starts_with("GET /base/path HTTP/1.1\r\n"), "{head}");
    assert!(head.contains("authorization: Basic bWU6cGFzc3dvcmQ=\r\n"), "{head}");
    assert!(head.contains("x-key: key\r\n") && !head.contains("guest"), "{head}");
    assert!(head.contains(&format!("host: {}\r\n", own.address)) && !head.contains("evil"), "{head}");
    let (_, head) = other.request().await;
    assert!(!head.contains("authorization") && head.contains("x-key: guest\r\n"), "{head}");
    assert!(head.contains(&format!("host: {}\r\n", other.address)), "{head}");
}

#[tokio::test]
async fn the_guests_own_authorization_stays() {
    let mut server = Server::always(OK).await;
    let fixture = Fixture::new("");
    let client = fixture.client(&format!("http://me:password@{}", server.address));
    let mut request = get(server.url());
    request.headers_mut().insert("authorization", "Bearer token".parse().unwrap());
    send(&client, request).await.unwrap();
    assert!(server.request().await.1.contains("authorization: Bearer token\r\n"));
}

#[tokio::test]
async fn what_is_not_granted_is_not_connected_to() {
    let mut server = Server::always(OK).await;
    let fixture = Fixture::new("");
    let client = fixture.client("http://own.example.com");
    let error = send(&client, get(server.url())).await.unwrap_err();
    assert!(matches!(error, RequestError::Denied { .. }), "{error:?}");
    let metadata = fixture.client("http://169.254.169.254");
    let error = send(&metadata, get("http://169.254.169.254/latest")).await.unwrap_err();
    assert!(matches!(error, RequestError::AddressProhibited { .. }), "{error:?}");
    assert!(server.seen.try_recv().is_err());
}

#[tokio::test]
async fn a_port_that_is_not_a_number_is_refused() {
    // The data source's origin is the one that the URL would have without its port.
    let client = Fixture::new("").client("http://127.0.0.1/");
    let error = send(&client, get("http://127.0.0.1:99999/")).await.unwrap_err();
    assert_eq!(error.to_string(), "the port of the request's URL is not a number up to 65535");
}

#[tokio::test]
async fn a_closed_port_refuses() {
    let address = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let fixture = Fixture::new("");
    let url = format!("http://{address}");
    let error = send(&fixture.client(&url), get(&url)).await.unwrap_err();
    let RequestError::Connect { source, .. } = error else { panic!("{error:?}") };
    assert_eq!(source.kind(), std::io::ErrorKind::ConnectionRefused);
}

#[tokio::test]
async fn gzip_is_asked_for_and_decoded() {
    let plain = "0,".repeat(100_000);
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(plain.as_bytes()).unwrap();
    let encoded = encoder.finish().unwrap();
    let head = "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length:";
    let mut answer = format!("{head} {}\r\n\r\n", encoded.len()).into_bytes();
    answer.extend(&encoded);
    let mut server = Server::start(move |_| Scripted::Bytes(answer.clone())).await;
    let fixture = Fixture::new("");
    let client = fixture.client(&server.url());

    let response = send(&client, get(server.url())).await.unwrap();
    assert!(server.request().await.1.contains("accept-encoding: gzip\r\n"));
    assert_eq!(response.headers().len(), 0);
    assert_eq!(text(response).await.unwrap(), plain);

    let mut request = get(server.url());
    request.headers_mut().insert("accept-encoding", "gzip".parse().unwrap());
    let response = send(&client, request).await.unwrap();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    assert_eq!((server.request().await.0, body), (0, encoded.into()));
}

#[tokio::test]
async fn damaged_gzip_is_an_error() {
    let answer = "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\nnope";
    let server = Server::always(answer).await;
    let fixture = Fixture::new("");
    let response = send(&fixture.client(&server.url()), get(server.url())).await.unwrap();
    let error = text(response).await.unwrap_err();
    assert!(matches!(error, RequestError::Gzip { .. }), "{error:?}");
}
