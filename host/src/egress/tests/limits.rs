//! Peers that stop, and callers that go away.

use std::time::Duration;

use super::*;

const SOON: Duration = Duration::from_millis(20);
const HALF: &str = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nha";

#[tokio::test]
async fn silence_ends_at_the_whole_exchanges_time() {
    let server = Server::start(|_| Answer::Part(String::new())).await;
    let client = Fixture::new("").client_with(&server.url(), r#"{"timeout":0.02}"#, &[]);
    let error = send(&client, get(server.url())).await.unwrap_err();
    assert!(matches!(error, Error::ResponseTimeout { .. }), "{error:?}");
}

#[tokio::test]
async fn the_whole_exchanges_time_covers_the_body() {
    let mut server = Server::start(|_| Answer::Part(HALF.to_owned())).await;
    let client = Fixture::new("").client_with(&server.url(), r#"{"timeout":0.2}"#, &[]);
    let response = send(&client, get(server.url())).await.unwrap();
    let error = text(response).await.unwrap_err();
    assert!(matches!(error, Error::ResponseTimeout { .. }), "{error:?}");
    server.request().await;
    assert_eq!(server.closed().await, 0);
}

#[tokio::test]
async fn the_guests_limits_count_where_shorter() {
    let server = Server::start(|n| Answer::Part(if n == 0 { "" } else { HALF }.to_owned())).await;
    let client = Fixture::new("").client(&server.url());
    let options = RequestOptions { first_byte_timeout: Some(SOON), ..RequestOptions::default() };
    let error = send_with(&client, get(server.url()), options).await.unwrap_err();
    assert!(matches!(error, Error::ResponseTimeout { limit: SOON, .. }), "{error:?}");
    let options = RequestOptions { between_bytes_timeout: Some(SOON), ..RequestOptions::default() };
    let response = send_with(&client, get(server.url()), options).await.unwrap();
    let error = text(response).await.unwrap_err();
    assert!(matches!(error, Error::ReadTimeout { limit: SOON, .. }), "{error:?}");
}

#[tokio::test]
async fn a_body_that_is_cut_short_is_an_error() {
    let server = Server::start(|_| Answer::Last(HALF.to_owned())).await;
    let response = send(&Fixture::new("").client(&server.url()), get(server.url())).await.unwrap();
    let error = text(response).await.unwrap_err();
    assert!(matches!(error, Error::Closed { .. }), "{error:?}");
}

#[tokio::test]
async fn what_is_not_http_is_named() {
    let server = Server::start(|_| Answer::Last("SSH-2.0-x\r\n".to_owned())).await;
    let error = send(&Fixture::new("").client(&server.url()), get(server.url())).await.unwrap_err();
    assert!(matches!(error, Error::Protocol { .. }), "{error:?}");
}

#[tokio::test]
async fn dropping_the_body_closes_the_connection() {
    let mut server = Server::start(|_| Answer::Part(HALF.to_owned())).await;
    let client = Fixture::new("").client(&server.url());
    let mut response = send(&client, get(server.url())).await.unwrap();
    let frame = response.body_mut().frame().await.unwrap().unwrap();
    assert_eq!(frame.into_data().unwrap(), "ha");
    server.request().await;
    drop(response);
    assert_eq!(server.closed().await, 0);
}

#[tokio::test]
async fn only_so_many_requests_are_under_way() {
    const MANY: usize = 101;
    let mut server = Server::start(|_| Answer::Part(String::new())).await;
    let client = Fixture::new("").client(&server.url());
    let mut requests = tokio::task::JoinSet::new();
    for _ in 0..MANY {
        let (client, url) = (client.clone(), server.url());
        requests.spawn(async move { send(&client, get(url)).await.map(|_| ()) });
    }
    for _ in 1..MANY {
        server.request().await;
    }
    // The last one waits for a slot: what the server sees next is that another goes.
    requests.abort_all();
    server.closed().await;
}
