//! Peers that send without end.

use std::time::Duration;

use super::*;
use crate::egress::limits::{MAX_HEAD, MAX_HEADERS};

/// Sends `head` once and then `piece` for ever. Returns where, and a handle that stops it.
async fn endless(head: &'static str, piece: &'static str) -> (SocketAddr, tokio::task::JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let task = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let _ = stream.read(&mut [0; 1024]).await.unwrap();
        stream.write_all(head.as_bytes()).await.unwrap();
        while stream.write_all(piece.as_bytes()).await.is_ok() {}
    });
    (address, task)
}

async fn error(head: &'static str, piece: &'static str) -> RequestError {
    let (address, sending) = endless(head, piece).await;
    let url = format!("http://{address}");
    let result = send(&Fixture::new("").client(&url), get(&url)).await;
    let error = match result {
        Err(error) => error,
        Ok(response) => response.into_body().collect().await.unwrap_err(),
    };
    // The connection is closed, so it cannot be sent to.
    sending.await.unwrap();
    error
}

#[tokio::test]
async fn a_head_may_be_long_but_not_endless() {
    let value = "x".repeat(32 * 1024);
    let answer = format!("HTTP/1.1 200 OK\r\nX-Long: {value}\r\nContent-Length: 2\r\n\r\nok");
    let server = Server::start(move |_| Scripted::Text(answer.clone())).await;
    let response = send(&Fixture::new("").client(&server.url()), get(server.url())).await.unwrap();
    assert_eq!(response.headers()["x-long"].len(), value.len());
    assert_eq!(text(response).await.unwrap(), "ok");

    for piece in ["X-Again: and again\r\n", "x"] {
        let error = error("HTTP/1.1 200 OK\r\nX-Long: ", piece).await;
        let text = error.to_string();
        let limits = format!("longer than {MAX_HEAD} bytes, or has more than {MAX_HEADERS} headers");
        assert!(text.contains(&limits), "{text}");
        assert_eq!(error.kind(), RequestErrorKind::Limit);
    }
}

#[tokio::test]
async fn a_hundred_headers_pass() {
    let headers: String = (0..MAX_HEADERS - 1).map(|n| format!("X-{n}: {n}\r\n")).collect();
    let answer = format!("HTTP/1.1 200 OK\r\n{headers}Content-Length: 2\r\n\r\nok");
    let server = Server::start(move |_| Scripted::Text(answer.clone())).await;
    let response = send(&Fixture::new("").client(&server.url()), get(server.url())).await.unwrap();
    assert_eq!(response.headers().len(), MAX_HEADERS);
}

#[tokio::test]
async fn extensions_of_chunks_and_trailers_end() {
    let head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    for (start, piece) in
        [("1;", "x=y;"), ("0\r\n", "X-Trailer: x\r\n"), ("0\r\nX-Trailer: ", "x"), ("", "1;ab\r\nx\r\n")]
    {
        let error = error(Box::leak(format!("{head}{start}").into_boxed_str()), piece).await;
        assert!(matches!(error, RequestError::Protocol { .. }), "{start:?}: {error:?}");
    }
}

/// Others' long heads are not refused because of them.
#[tokio::test]
async fn interim_responses_without_end_are_an_error_and_few_are_none() {
    let interim = "HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n";
    let (address, sending) = endless("", interim).await;
    let (url, fixture) = (format!("http://{address}"), Fixture::new(""));
    let error = send(&fixture.client(&url), get(&url)).await.unwrap_err();
    assert!(matches!(error, RequestError::InterimHeads { .. }), "{error:?}");
    assert_eq!(error.kind(), RequestErrorKind::Limit);
    sending.await.unwrap();

    let answer = format!("{}HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", interim.repeat(2000));
    let server = Server::start(move |_| Scripted::Text(answer.clone())).await;
    let response = send(&fixture.client(&server.url()), get(server.url())).await.unwrap();
    assert_eq!(text(response).await.unwrap(), "ok");
}

#[tokio::test]
async fn a_body_that_drips_ends_in_the_whole_exchanges_time() {
    let (sender, receiver) = tokio::sync::oneshot::channel();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let _ = stream.read(&mut [0; 1024]).await.unwrap();
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n").await.unwrap();
        let mut drops = 0;
        while stream.write_all(b"x").await.is_ok() {
            drops += 1;
            tokio::time::sleep(Duration::from_secs(10)).await;
        }
        sender.send(drops).unwrap();
    });
    let client = Fixture::new("").client_with(&url, r#"{"timeout":60}"#, &[]);
    let options =
        RequestOptions { between_bytes_timeout: Some(Duration::from_secs(30)), ..RequestOptions::default() };
    let response = send_with(&client, get(&url), options).await.unwrap();
    tokio::time::pause();
    let error = text(response).await.unwrap_err();
    assert!(matches!(error, RequestError::ResponseTimeout { .. }), "{error:?}");
    assert!(receiver.await.unwrap() >= 6);
}
