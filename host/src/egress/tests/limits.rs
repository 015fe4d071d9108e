//! Peers that stop, and callers that go away.

use std::time::Duration;

use super::*;

const HALF: &str = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nha";
const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
const SHORT: Duration = Duration::from_secs(30);
const LONG: Duration = Duration::from_secs(60);

/// Of a data source that waits for `LONG`.
fn client(server: &Server) -> Client {
    Fixture::new("").client_with(&server.url(), r#"{"timeout":60}"#, &[])
}

/// The error of a request that the server has read and does not answer. From then on time passes only where all wait
/// for it, so that what ends the request is its limit and not a slow machine.
async fn unanswered(client: &Client, server: &mut Server, options: RequestOptions) -> RequestError {
    let (client, url) = (client.clone(), server.url());
    let sent = tokio::spawn(async move { send_with(&client, get(url), options).await });
    server.request().await;
    tokio::time::pause();
    let error = sent.await.unwrap().unwrap_err();
    tokio::time::resume();
    error
}

/// The error of a response whose head has arrived, and half of its body.
async fn unfinished(response: Response) -> RequestError {
    tokio::time::pause();
    let error = text(response).await.unwrap_err();
    tokio::time::resume();
    error
}

#[tokio::test]
async fn silence_ends_at_the_whole_exchanges_time() {
    let mut server = Server::start(|_| Scripted::Part(String::new())).await;
    let client = client(&server);
    let error = unanswered(&client, &mut server, RequestOptions::default()).await;
    assert!(matches!(error, RequestError::ResponseTimeout { limit: LONG, .. }), "{error:?}");
}

#[tokio::test]
async fn the_whole_exchanges_time_covers_the_body() {
    let mut server = Server::start(|_| Scripted::Part(HALF.to_owned())).await;
    let response = send(&client(&server), get(server.url())).await.unwrap();
    let error = unfinished(response).await;
    assert!(matches!(error, RequestError::ResponseTimeout { limit: LONG, .. }), "{error:?}");
    server.request().await;
    assert_eq!(server.closed().await, 0);
}

#[tokio::test]
async fn the_guests_limits_count_where_shorter() {
    let mut server = Server::start(|n| Scripted::Part(if n < 2 { "" } else { HALF }.to_owned())).await;
    let client = client(&server);
    let first_byte = |limit| RequestOptions { first_byte_timeout: Some(limit), ..RequestOptions::default() };
    let error = unanswered(&client, &mut server, first_byte(SHORT)).await;
    assert!(matches!(error, RequestError::ResponseTimeout { limit: SHORT, .. }), "{error:?}");
    assert_eq!(server.closed().await, 0);
    let error = unanswered(&client, &mut server, first_byte(2 * LONG)).await;
    assert!(matches!(error, RequestError::ResponseTimeout { limit: LONG, .. }), "{error:?}");

    let options = RequestOptions { between_bytes_timeout: Some(SHORT), ..RequestOptions::default() };
    let response = send_with(&client, get(server.url()), options).await.unwrap();
    let error = unfinished(response).await;
    assert!(matches!(error, RequestError::ReadTimeout { limit: SHORT, .. }), "{error:?}");
}

#[tokio::test]
async fn a_body_that_is_cut_short_is_an_error() {
    let server = Server::start(|_| Scripted::Last(HALF.to_owned())).await;
    let response = send(&Fixture::new("").client(&server.url()), get(server.url())).await.unwrap();
    let error = text(response).await.unwrap_err();
    assert!(matches!(error, RequestError::Closed { .. }), "{error:?}");
}

#[tokio::test]
async fn what_is_not_http_is_named() {
    let server = Server::start(|_| Scripted::Last("SSH-2.0-x\r\n".to_owned())).await;
    let error = send(&Fixture::new("").client(&server.url()), get(server.url())).await.unwrap_err();
    assert!(matches!(error, RequestError::Protocol { .. }), "{error:?}");
}

#[tokio::test]
async fn dropping_the_body_closes_the_connection() {
    let mut server = Server::start(|_| Scripted::Part(HALF.to_owned())).await;
    let client = Fixture::new("").client(&server.url());
    let mut response = send(&client, get(server.url())).await.unwrap();
    let frame = response.body_mut().frame().await.unwrap().unwrap();
    assert_eq!(frame.into_data().unwrap(), "ha");
    server.request().await;
    drop(response);
    assert_eq!(server.closed().await, 0);
}

#[tokio::test]
async fn limits_that_are_too_far_away_are_none() {
    let mut server = Server::always(OK).await;
    let json = r#"{"timeout":1e19,"dialTimeout":1e19}"#;
    let client = Fixture::new("").client_with(&server.url(), json, &[]);
    for limit in [Duration::MAX, Duration::from_nanos(u64::MAX)] {
        let options = RequestOptions {
            connect_timeout: Some(limit),
            first_byte_timeout: Some(limit),
            between_bytes_timeout: Some(limit),
        };
        let response = send_with(&client, get(server.url()), options).await.unwrap();
        assert_eq!(text(response).await.unwrap(), "ok");
        server.request().await;
    }
}

#[tokio::test]
async fn limits_of_no_time_end_at_once() {
    let server = Server::start(|_| Scripted::Part(HALF.to_owned())).await;
    let client = client(&server);
    let of = |connect, first_byte, between_bytes| RequestOptions {
        connect_timeout: connect,
        first_byte_timeout: first_byte,
        between_bytes_timeout: between_bytes,
    };
    let none = Some(Duration::ZERO);
    // What is ready at once is in time.
    if let Err(error) = send_with(&client, get(server.url()), of(none, none, None)).await {
        assert!(
            matches!(error, RequestError::ConnectTimeout { .. } | RequestError::ResponseTimeout { .. }),
            "{error:?}"
        );
    }
    let response = send_with(&client, get(server.url()), of(None, None, none)).await.unwrap();
    let error = text(response).await.unwrap_err();
    assert!(matches!(error, RequestError::ReadTimeout { .. }), "{error:?}");
}
