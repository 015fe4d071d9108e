//! Requests that ask before they send their body (RFC 9110, 10.1.1).

use super::*;

const WITHOUT_END: &str = r#"{"httpExpectContinueTimeout":3600}"#;

/// A server that reads a request's head, and then does what a test says.
struct Asked {
    listener: TcpListener,
    url: String,
}

// === impl Asked ===

impl Asked {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        Self { listener, url }
    }

    /// Sends a request with the body `once`, and returns the connection after its head.
    async fn send(
        &self,
        json: &str,
    ) -> (tokio::net::TcpStream, tokio::task::JoinHandle<Result<Response, RequestError>>) {
        let client = Fixture::new("").client_with(&self.url, json, &[]);
        let mut request = post(self.url.clone(), "once");
        request.headers_mut().insert("expect", "100-continue".parse().unwrap());
        let sent = tokio::spawn(async move { send(&client, request).await });
        let (mut stream, _) = self.listener.accept().await.unwrap();
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(stream.read_u8().await.unwrap());
        }
        let head = String::from_utf8(head).unwrap();
        assert!(head.contains("expect: 100-continue\r\n"), "{head}");
        (stream, sent)
    }
}

async fn body(stream: &mut tokio::net::TcpStream) -> [u8; 4] {
    let mut body = [0; 4];
    stream.read_exact(&mut body).await.unwrap();
    body
}

const OK: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

#[tokio::test]
async fn the_body_follows_once_it_is_asked_for() {
    let (mut stream, sent) = Asked::start().await.send(WITHOUT_END).await;
    stream.write_all(b"HTTP/1.1 100 Continue\r\n\r\n").await.unwrap();
    assert_eq!(body(&mut stream).await, *b"once");
    stream.write_all(OK).await.unwrap();
    assert_eq!(text(sent.await.unwrap().unwrap()).await.unwrap(), "ok");
}

#[tokio::test]
async fn a_server_that_does_not_want_the_body_never_gets_it() {
    let (mut stream, sent) = Asked::start().await.send(WITHOUT_END).await;
    stream.write_all(b"HTTP/1.1 417 No\r\nContent-Length: 2\r\n\r\nno").await.unwrap();
    let response = sent.await.unwrap().unwrap();
    assert_eq!((response.status().as_u16(), text(response).await.unwrap().as_str()), (417, "no"));
    // Nobody knows what follows on the connection, so it is closed.
    let mut rest = Vec::new();
    let _ = stream.read_to_end(&mut rest).await;
    assert_eq!(rest, b"");
}

#[tokio::test]
async fn a_server_that_does_not_know_the_question_gets_the_body_after_a_while_or_at_once() {
    for json in ["{}", r#"{"httpExpectContinueTimeout":0}"#, r#"{"httpExpectContinueTimeout":-1}"#] {
        let (mut stream, sent) = Asked::start().await.send(json).await;
        let waits = json == "{}";
        if waits {
            tokio::time::pause();
        }
        assert_eq!(body(&mut stream).await, *b"once", "{json}");
        if waits {
            tokio::time::resume();
        }
        stream.write_all(OK).await.unwrap();
        assert_eq!(text(sent.await.unwrap().unwrap()).await.unwrap(), "ok");
    }
}
