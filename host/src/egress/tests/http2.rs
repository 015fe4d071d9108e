//! HTTP/2: many requests on one connection, and what costs none of them.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use h2::Reason;
use h2::server::SendResponse;
use tokio_rustls::TlsAcceptor;

use super::*;
use crate::net::test::tls_server;

/// What the server does with a request.
enum Does {
    Answers(&'static str),
    /// Answers with a head and a body that has no end.
    Streams,
    Resets(Reason),
    /// Names this as the last request that it has processed, answers those before it, and closes the connection.
    GoesAway,
    Hangs,
    /// Closes the connection at once.
    Breaks,
    /// Never looks at the connection again.
    Dies,
}

/// Counts connections and requests.
#[derive(Clone, Default)]
struct Counts {
    connections: Arc<AtomicUsize>,
    requests: Arc<AtomicUsize>,
    bodies: Arc<Mutex<Vec<Bytes>>>,
    resets: Arc<AtomicUsize>,
}

fn acceptor() -> TlsAcceptor {
    let mut config = tls_server(false);
    config.alpn_protocols = vec![b"h2".to_vec()];
    Arc::new(config).into()
}

/// Starts a server whose `script` says what it does with each request, by its number over all connections.
async fn server(
    streams: u32,
    script: impl Fn(usize) -> Does + Send + Sync + 'static,
) -> (String, Counts, tokio::task::JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://{}", listener.local_addr().unwrap());
    let (counts, script, tls) = (Counts::default(), Arc::new(script), acceptor());
    let all = counts.clone();
    let task = tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let (tls, script, counts) = (tls.clone(), script.clone(), all.clone());
            tokio::spawn(async move {
                let Ok(stream) = tls.accept(stream).await else { return };
                counts.connections.fetch_add(1, Ordering::Relaxed);
                let mut builder = h2::server::Builder::new();
                let builder = builder.max_concurrent_streams(streams);
                let mut connection = builder.handshake::<_, Bytes>(stream).await.unwrap();
                while let Some(Ok((request, mut respond))) = connection.accept().await {
                    match script(counts.requests.fetch_add(1, Ordering::Relaxed)) {
                        Does::Breaks => return,
                        Does::Dies => std::future::pending().await,
                        Does::Resets(reason) => respond.send_reset(reason),
                        Does::GoesAway => {
                            connection.abrupt_shutdown(Reason::NO_ERROR);
                            // The streams that came before have been answered.
                        }
                        Does::Hangs => {
                            let counts = counts.clone();
                            tokio::spawn(async move {
                                let _ = std::future::poll_fn(|cx| respond.poll_reset(cx)).await;
                                counts.resets.fetch_add(1, Ordering::Relaxed);
                            });
                        }
                        Does::Answers(text) => {
                            tokio::spawn(answer(request, respond, text, counts.clone()));
                        }
                        Does::Streams => {
                            tokio::spawn(stream_on(respond, counts.clone()));
                        }
                    }
                }
            });
        }
    });
    (url, counts, task)
}

async fn answer(
    request: http::Request<h2::RecvStream>,
    mut respond: SendResponse<Bytes>,
    text: &'static str,
    counts: Counts,
) {
    let mut body = request.into_body();
    let mut bytes = Vec::new();
    while let Some(Ok(data)) = body.data().await {
        let _ = body.flow_control().release_capacity(data.len());
        bytes.extend_from_slice(&data);
    }
    counts.bodies.lock().unwrap().push(bytes.into());
    let mut stream = respond.send_response(http::Response::new(()), false).unwrap();
    stream.send_data(Bytes::from_static(text.as_bytes()), true).unwrap();
}

async fn stream_on(mut respond: SendResponse<Bytes>, counts: Counts) {
    let mut stream = respond.send_response(http::Response::new(()), false).unwrap();
    loop {
        stream.reserve_capacity(16 * 1024);
        let capacity = std::future::poll_fn(|cx| stream.poll_capacity(cx)).await;
        let Some(Ok(capacity)) = capacity else { break };
        if stream.send_data(vec![7; capacity].into(), false).is_err() {
            break;
        }
    }
    counts.resets.fetch_add(1, Ordering::Relaxed);
}

impl Counts {
    fn connections(&self) -> usize {
        self.connections.load(Ordering::Relaxed)
    }

    fn requests(&self) -> usize {
        self.requests.load(Ordering::Relaxed)
    }
}

fn careless(fixture: &Fixture, url: &str, json: &str) -> Client {
    fixture.client_with(url, &format!(r#"{{"tlsSkipVerify":true{json}}}"#), &[])
}

async fn read(client: &Client, url: &str) -> Result<String, RequestError> {
    text(send(client, get(url)).await?).await
}

#[tokio::test]
async fn many_requests_share_one_connection() {
    let (url, counts, _server) = server(250, |_| Does::Answers("ok")).await;
    let fixture = Fixture::new("");
    let client = careless(&fixture, &url, "");
    // At once, without any connection before.
    let requests: Vec<_> = (0..64)
        .map(|_| {
            let (client, url) = (client.clone(), url.clone());
            tokio::spawn(async move { read(&client, &url).await })
        })
        .collect();
    for request in requests {
        assert_eq!(request.await.unwrap().unwrap(), "ok");
    }
    // And later, one after the other.
    for _ in 0..16 {
        assert_eq!(read(&client, &url).await.unwrap(), "ok");
    }
    assert_eq!((counts.connections(), counts.requests()), (1, 80));
    assert_eq!(fixture.egress.all.open(), 1);
    // Another data source has another connection.
    let other = careless(&fixture, &url, "");
    assert_eq!(read(&other, &url).await.unwrap(), "ok");
    assert_eq!(counts.connections(), 2);
}

#[tokio::test]
async fn the_events_are_those_of_go_on_http2() {
    let (url, _, _server) = server(250, |_| Does::Answers("ok")).await;
    let fixture = Fixture::new("");
    let client = careless(&fixture, &url, "");
    for _ in 0..2 {
        read(&client, &url).await.unwrap();
    }
    let [first, second]: [SpanData; 2] = fixture.spans.spans().try_into().unwrap();
    let names = |span: &SpanData| -> Vec<String> {
        let names = span.events.iter().map(|event| event.name.to_string());
        names.filter(|name| !name.starts_with("http.connect.")).collect()
    };
    let sent = ["http.getconn.done", "http.send.start", "http.send.done", "http.receive.start"];
    assert_eq!(
        names(&first),
        [&["http.getconn.start", "http.tls.start", "http.tls.done"][..], &sent].concat()
    );
    assert_eq!(names(&second), [&["http.getconn.start"][..], &sent].concat());
}

#[tokio::test]
async fn a_peer_that_takes_few_at_a_time_gets_more_connections() {
    let (url, counts, _server) = server(4, |_| Does::Streams).await;
    let fixture = Fixture::new("");
    let client = careless(&fixture, &url, "");
    let mut busy = Vec::new();
    for _ in 0..8 {
        busy.push(send(&client, get(&url)).await.unwrap());
    }
    assert_eq!((counts.connections(), counts.requests()), (2, 8));
    drop(busy);
}

#[tokio::test]
async fn the_limit_of_connections_to_a_host_lets_requests_wait_on_the_one() {
    let (url, counts, _server) = server(4, |number| match number {
        0 => Does::Streams,
        _ => Does::Answers("ok"),
    })
    .await;
    let client = careless(&Fixture::new(""), &url, r#","httpMaxConnsPerHost":1"#);
    // One that lasts does not keep the others from taking turns.
    let lasting = send(&client, get(&url)).await.unwrap();
    // By now, the server has said how many it takes.
    assert_eq!(read(&client, &url).await.unwrap(), "ok");
    let requests: Vec<_> = (0..32)
        .map(|_| {
            let (client, url) = (client.clone(), url.clone());
            tokio::spawn(async move { read(&client, &url).await })
        })
        .collect();
    for request in requests {
        assert_eq!(request.await.unwrap().unwrap(), "ok");
    }
    assert_eq!((counts.connections(), counts.requests()), (1, 34));
    drop(lasting);
}

#[tokio::test]
async fn a_refused_request_is_sent_again_with_its_body() {
    let (url, counts, _server) = server(250, |number| match number {
        0 | 1 => Does::Resets(Reason::REFUSED_STREAM),
        _ => Does::Answers("ok"),
    })
    .await;
    let client = careless(&Fixture::new(""), &url, "");
    let response = send(&client, post(&*url, "once")).await.unwrap();
    assert_eq!(text(response).await.unwrap(), "ok");
    assert_eq!((counts.connections(), counts.requests()), (1, 3));
    assert_eq!(counts.bodies.lock().unwrap()[..], [Bytes::from_static(b"once")]);
}

#[tokio::test]
async fn one_that_is_always_refused_fails_in_the_end() {
    let (url, counts, _server) = server(250, |_| Does::Resets(Reason::REFUSED_STREAM)).await;
    let client = careless(&Fixture::new(""), &url, "");
    let error = read(&client, &url).await.unwrap_err();
    assert!(matches!(error, RequestError::Closed { .. }), "{error:?}");
    assert_eq!(counts.requests(), 7);
}

#[tokio::test]
async fn what_may_have_been_processed_is_not_sent_again() {
    let (url, counts, _server) = server(250, |number| match number {
        0 => Does::Answers("ok"),
        1 => Does::Breaks,
        2 => Does::Answers("ok"),
        _ => Does::Resets(Reason::INTERNAL_ERROR),
    })
    .await;
    let client = careless(&Fixture::new(""), &url, "");
    assert_eq!(read(&client, &url).await.unwrap(), "ok");
    // The connection breaks. A POST may have been processed.
    let error = send(&client, post(&*url, "once")).await.unwrap_err();
    assert_eq!(error.kind(), RequestErrorKind::ConnectionLost, "{error:?}");
    assert_eq!(counts.requests(), 2);
    assert_eq!(read(&client, &url).await.unwrap(), "ok");
    let error = read(&client, &url).await.unwrap_err();
    assert_eq!(error.kind(), RequestErrorKind::ConnectionLost, "{error:?}");
    assert_eq!(counts.requests(), 4);
}

#[tokio::test]
async fn a_safe_request_on_a_connection_that_breaks_is_sent_again() {
    let (url, counts, _server) = server(250, |number| match number {
        1 => Does::Breaks,
        _ => Does::Answers("ok"),
    })
    .await;
    let client = careless(&Fixture::new(""), &url, "");
    for _ in 0..2 {
        assert_eq!(read(&client, &url).await.unwrap(), "ok");
    }
    assert_eq!((counts.connections(), counts.requests()), (2, 3));
}

/// It is asked whether it is there after 15 seconds, and has as long to answer.
#[tokio::test]
async fn a_safe_request_on_a_connection_that_is_dead_is_sent_again() {
    let (url, counts, _server) = server(250, |number| match number {
        1 => Does::Dies,
        _ => Does::Answers("ok"),
    })
    .await;
    let client = careless(&Fixture::new(""), &url, r#","timeout":120"#);
    assert_eq!(read(&client, &url).await.unwrap(), "ok");
    let (other, other_url) = (client.clone(), url.clone());
    let again = tokio::spawn(async move { read(&other, &other_url).await });
    while counts.requests() < 2 {
        tokio::task::yield_now().await;
    }
    tokio::time::pause();
    for _ in 0..2 {
        tokio::time::advance(Duration::from_secs(16)).await;
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
    }
    tokio::time::resume();
    assert_eq!(again.await.unwrap().unwrap(), "ok");
    assert_eq!((counts.connections(), counts.requests()), (2, 3));
}

#[tokio::test]
async fn a_response_that_nobody_reads_stops_neither_others_nor_the_memory() {
    let (url, counts, _server) = server(250, |number| match number {
        0..20 => Does::Streams,
        _ => Does::Answers("ok"),
    })
    .await;
    let fixture = Fixture::new("");
    let client = careless(&fixture, &url, "");
    let mut unread = Vec::new();
    for _ in 0..20 {
        unread.push(send(&client, get(&url)).await.unwrap());
    }
    assert_eq!(read(&client, &url).await.unwrap(), "ok");
    assert_eq!(counts.connections(), 1);
    // The call ends: each stream is reset, and the connection lives.
    drop(unread);
    while counts.resets.load(Ordering::Relaxed) < 20 {
        tokio::task::yield_now().await;
    }
    assert_eq!(read(&client, &url).await.unwrap(), "ok");
    assert_eq!(counts.connections(), 1);
}

#[tokio::test]
async fn a_request_that_is_cancelled_resets_its_stream_only() {
    let (url, counts, _server) = server(250, |number| match number {
        0 => Does::Hangs,
        _ => Does::Answers("ok"),
    })
    .await;
    let client = careless(&Fixture::new(""), &url, "");
    let options =
        RequestOptions { first_byte_timeout: Some(Duration::from_millis(20)), ..RequestOptions::default() };
    let error = send_with(&client, get(&url), options).await.unwrap_err();
    assert!(matches!(error, RequestError::ResponseTimeout { .. }), "{error:?}");
    while counts.resets.load(Ordering::Relaxed) == 0 {
        tokio::task::yield_now().await;
    }
    assert_eq!(read(&client, &url).await.unwrap(), "ok");
    assert_eq!(counts.connections(), 1);
}

#[tokio::test]
async fn places_are_given_back_once_the_socket_is_closed() {
    let (url, _, _server) = server(250, |_| Does::Streams).await;
    let fixture = Fixture::with_limits("", 1, None);
    let client = careless(&fixture, &url, "");
    let busy = send(&client, get(&url)).await.unwrap();
    assert_eq!(fixture.egress.all.open(), 1);
    drop((busy, client));
    while fixture.egress.all.open() > 0 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_request_that_came_after_the_peers_goodbye_is_sent_again() {
    let (url, counts, _server) = server(250, |number| match number {
        1 => Does::GoesAway,
        _ => Does::Answers("ok"),
    })
    .await;
    let client = careless(&Fixture::new(""), &url, "");
    assert_eq!(read(&client, &url).await.unwrap(), "ok");
    let _ = send(&client, post(&*url, "lost")).await;
    for _ in 0..3 {
        let response = send(&client, post(&*url, "later")).await.unwrap();
        assert_eq!(text(response).await.unwrap(), "ok");
    }
    assert_eq!(counts.connections(), 2);
}
