//! HTTP/2 peers that break the rules or send without end. Their frames are made by hand (RFC 9113, 6, and RFC 7541).

use std::time::Duration;

use tokio_rustls::TlsAcceptor;

use super::*;
use crate::egress::limits::MAX_HTTP2_HEAD;
use crate::net::test::tls_server;

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const PUSH_PROMISE: u8 = 5;
const PING: u8 = 6;
const GOAWAY: u8 = 7;
const WINDOW_UPDATE: u8 = 8;
const CONTINUATION: u8 = 9;

const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;

/// The stream of the first request.
const FIRST: u32 = 1;

/// `:status: 200` as an entry of the static table.
const OK: &[u8] = &[0x88];

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

/// A number whose first byte has seven bits for it (RFC 7541, 5.1).
fn length(mut number: usize) -> Vec<u8> {
    if number < 127 {
        return vec![u8::try_from(number).unwrap()];
    }
    let mut bytes = vec![127];
    number -= 127;
    while number >= 128 {
        bytes.push(u8::try_from(number % 128).unwrap() | 128);
        number /= 128;
    }
    bytes.push(u8::try_from(number).unwrap());
    bytes
}

/// A header as a literal. `kept` puts it into the table, whose entry 62 it becomes.
fn header(name: &str, value: &str, kept: bool) -> Vec<u8> {
    let kind = if kept { 0x40 } else { 0 };
    [&[kind][..], &length(name.len()), name.as_bytes(), &length(value.len()), value.as_bytes()].concat()
}

fn head(fields: &[u8]) -> Vec<u8> {
    frame(HEADERS, END_HEADERS, FIRST, &[OK, fields].concat())
}

/// What a peer does once a request has come.
#[derive(Default)]
struct Peer {
    once: Vec<u8>,
    /// Sent until nobody takes it.
    again: Vec<u8>,
    /// Whether it reads what the host sends meanwhile.
    reads: bool,
}

// === impl Peer ===

impl Peer {
    /// Sends this, and then nothing.
    fn once(once: Vec<u8>) -> Self {
        Self { once, reads: true, ..Self::default() }
    }

    /// Sends this without end.
    fn again(again: Vec<u8>) -> Self {
        Self { again, reads: true, ..Self::default() }
    }

    /// Returns its URL, and a task that ends once the host has closed the connection.
    async fn start(self) -> (String, tokio::task::JoinHandle<()>) {
        Self::start_each([self]).await
    }

    /// The same with a connection for each, one after the other.
    async fn start_each<const N: usize>(peers: [Self; N]) -> (String, tokio::task::JoinHandle<()>) {
        let mut config = tls_server(false);
        config.alpn_protocols = vec![b"h2".to_vec()];
        let tls = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("https://{}", listener.local_addr().unwrap());
        let task = tokio::spawn(async move {
            for peer in peers {
                let (stream, _) = listener.accept().await.unwrap();
                peer.serve(tls.accept(stream).await.unwrap()).await;
            }
        });
        (url, task)
    }

    async fn serve(self, mut stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static) {
        stream.write_all(&frame(SETTINGS, 0, 0, &[])).await.unwrap();
        // The preface (RFC 9113, 3.4), and frames up to the request's head.
        stream.read_exact(&mut [0; 24]).await.unwrap();
        loop {
            let mut head = [0; 9];
            stream.read_exact(&mut head).await.unwrap();
            let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
            stream.read_exact(&mut vec![0; length as usize]).await.unwrap();
            match head[3] {
                HEADERS => break,
                SETTINGS if head[4] == 0 => stream.write_all(&frame(SETTINGS, 1, 0, &[])).await.unwrap(),
                _ => {}
            }
        }
        let (mut reader, mut writer) = tokio::io::split(stream);
        let reading = tokio::spawn(async move {
            if self.reads {
                let _ = tokio::io::copy(&mut reader, &mut tokio::io::sink()).await;
            }
            reader
        });
        let mut is_open = writer.write_all(&self.once).await.is_ok();
        while is_open && !self.again.is_empty() {
            is_open = writer.write_all(&self.again).await.is_ok();
        }
        let mut reader = reading.await.unwrap();
        let _ = tokio::io::copy(&mut reader, &mut tokio::io::sink()).await;
    }

    /// Returns the error of a request and its response, after which nothing is left.
    async fn error(self, options: RequestOptions) -> RequestError {
        let (url, closed) = self.start().await;
        let fixture = Fixture::new("");
        let client = fixture.client_with(&url, r#"{"tlsSkipVerify":true}"#, &[]);
        let answer = match send_with(&client, get(&url), options).await {
            Ok(response) => text(response).await,
            Err(error) => Err(error),
        };
        drop(client);
        closed.await.unwrap();
        while fixture.egress.all.open() > 0 {
            tokio::task::yield_now().await;
        }
        answer.unwrap_err()
    }
}

/// The error ends the request at once, whatever its time limits are.
async fn assert_ended(cases: impl IntoIterator<Item = (&'static str, Vec<u8>, RequestErrorKind)>) {
    for (what, once, kind) in cases {
        let error = Peer::once(once).error(RequestOptions::default()).await;
        assert_eq!(error.kind(), kind, "{what}: {}", error.chain());
    }
}

#[tokio::test]
async fn what_breaks_the_rules_of_a_connection_ends_it() {
    use RequestErrorKind::Protocol;
    let largest = 0x7fff_ffff_u32.to_be_bytes();
    assert_ended([
        ("no window at all", frame(WINDOW_UPDATE, 0, 0, &[0; 4]), Protocol),
        ("a window that overflows", frame(WINDOW_UPDATE, 0, 0, &largest), Protocol),
        ("a window of four bytes less", frame(WINDOW_UPDATE, 0, 0, &[]), Protocol),
        ("a reset of a stream that is not there", frame(RST_STREAM, 0, 9, &[0; 4]), Protocol),
        ("a head of a stream that is not there", frame(HEADERS, END_HEADERS, 9, OK), Protocol),
        ("a stream of the server's", frame(HEADERS, END_HEADERS, 2, OK), Protocol),
        ("a body before its head", frame(DATA, 0, FIRST, b"x"), Protocol),
        ("a promise", frame(PUSH_PROMISE, END_HEADERS, FIRST, &[0, 0, 0, 2, 0x88]), Protocol),
        ("a setting that is none", frame(SETTINGS, 0, 0, &[0, 4, 0xff, 0xff, 0xff, 0xff]), Protocol),
        ("an answer to no settings", frame(SETTINGS, 1, 0, &[]), Protocol),
        ("a frame that is too long", vec![0xff; 64], Protocol),
        ("padding that is too long", frame(DATA, 8, FIRST, &[9, 0]), Protocol),
        (
            "an index of no table",
            frame(HEADERS, END_HEADERS, FIRST, &[0xff, 0xff, 0xff, 0xff, 0x0f]),
            Protocol,
        ),
        (
            "a table that is too large",
            frame(HEADERS, END_HEADERS, FIRST, &[0x3f, 0xe1, 0xff, 0x03]),
            Protocol,
        ),
        (
            "another frame within a head",
            [frame(HEADERS, 0, FIRST, OK), frame(PING, 0, 0, &[0; 8])].concat(),
            Protocol,
        ),
    ])
    .await;
}

#[tokio::test]
async fn what_breaks_the_rules_of_a_stream_ends_it() {
    use RequestErrorKind::{ConnectionLost, Protocol};
    let of = |fields: &[u8], body: &[u8]| [head(fields), frame(DATA, END_STREAM, FIRST, body)].concat();
    let two = header("content-length", "2", false);
    assert_ended([
        ("no window", [head(&[]), frame(WINDOW_UPDATE, 0, FIRST, &[0; 4])].concat(), Protocol),
        ("more than is announced", of(&two, b"long"), Protocol),
        ("less than is announced", of(&two, b"x"), Protocol),
        ("no status", frame(HEADERS, END_HEADERS, FIRST, &header("a", "b", false)), Protocol),
        ("capital letters", head(&header("Name", "v", false)), Protocol),
        ("a header of a connection", head(&header("connection", "close", false)), Protocol),
        ("two lengths", head(&[two.clone(), header("content-length", "3", false)].concat()), Protocol),
        (
            "an end in the middle",
            [head(&[]), frame(RST_STREAM, 0, FIRST, &[0, 0, 0, 8])].concat(),
            ConnectionLost,
        ),
        ("many ends", frame(RST_STREAM, 0, FIRST, &[0, 0, 0, 8]).repeat(10_000), ConnectionLost),
    ])
    .await;
}

#[tokio::test]
async fn a_head_that_is_too_long_is_refused_in_words() {
    let wide = header("x-wide", &"x".repeat(4000), true);
    // One byte stands for all of it.
    let bomb = [wide.clone(), vec![0xbe; 1000]].concat();
    let fields: Vec<u8> = (0..60).flat_map(|n| header(&format!("x-{n}"), &"x".repeat(1000), false)).collect();
    let parts: Vec<_> = fields.chunks(10_000).collect();
    let mut long = frame(HEADERS, 0, FIRST, &[OK, parts[0]].concat());
    for (number, part) in parts.iter().enumerate().skip(1) {
        let flags = if number + 1 == parts.len() { END_HEADERS } else { 0 };
        long.extend(frame(CONTINUATION, flags, FIRST, part));
    }
    let error = Peer::once(long).error(RequestOptions::default()).await;
    assert_eq!(error.kind(), RequestErrorKind::Protocol, "{}", error.chain());
    assert!(error.to_string().contains(&format!("longer than {MAX_HTTP2_HEAD} bytes")), "{error}");
    // What is much longer ends the connection.
    let error = Peer::once(head(&bomb)).error(RequestOptions::default()).await;
    assert_eq!(error.kind(), RequestErrorKind::Protocol, "{}", error.chain());
}

#[tokio::test]
async fn a_head_without_end_ends_at_its_limit() {
    for part in [vec![], header("a", "b", false), header("x", &"x".repeat(10_000), false)] {
        let once = frame(HEADERS, 0, FIRST, OK);
        let peer = Peer { once, ..Peer::again(frame(CONTINUATION, 0, FIRST, &part)) };
        let error = peer.error(RequestOptions::default()).await;
        assert_ne!(error.kind(), RequestErrorKind::ResponseTimeout, "{}", error.chain());
    }
}

/// None of it is forbidden.
#[tokio::test]
async fn what_a_peer_sends_without_end_ends_in_time() {
    let floods = [
        ("settings", frame(SETTINGS, 0, 0, &[])),
        ("pings", frame(PING, 0, 0, &[7; 8])),
        ("answers to pings", frame(PING, 1, 0, &[7; 8])),
        ("goodbyes", frame(GOAWAY, 0, 0, &[0, 0, 0, 1, 0, 0, 0, 0])),
        ("windows", frame(WINDOW_UPDATE, 0, FIRST, &[0, 0, 0, 1])),
        ("unknown frames", frame(0x20, 0, 0, &[0; 1000])),
        ("ends of a stream that is over", frame(RST_STREAM, 0, FIRST, &[0, 0, 0, 8])),
    ];
    let short = Some(Duration::from_millis(50));
    let options =
        RequestOptions { first_byte_timeout: short, between_bytes_timeout: short, connect_timeout: None };
    for (what, again) in floods {
        for reads in [true, false] {
            // Many at a time, so that the peer is as fast as the host.
            let again = again.repeat(16_384 / again.len() + 1);
            let error = Peer { reads, ..Peer::again(again) }.error(options).await;
            let kind = match what {
                "ends of a stream that is over" => RequestErrorKind::ConnectionLost,
                _ => RequestErrorKind::ResponseTimeout,
            };
            assert_eq!(error.kind(), kind, "{what}: {}", error.chain());
        }
    }
}

#[tokio::test]
async fn interim_heads_without_end_are_an_error() {
    let interim = [&[0x08, 3][..], b"103"].concat();
    let wide = [&*interim, &header("x-wide", &"x".repeat(4000), true)].concat();
    // One byte stands for the wide header.
    let short = [&*interim, &[0xbe; 10]].concat();
    let once = frame(HEADERS, END_HEADERS, FIRST, &wide);
    let peer = Peer { once, ..Peer::again(frame(HEADERS, END_HEADERS, FIRST, &short)) };
    let error = peer.error(RequestOptions::default()).await;
    assert_eq!(error.kind(), RequestErrorKind::Protocol, "{}", error.chain());
}

#[tokio::test]
async fn a_peer_that_goes_on_while_nobody_asks_is_left() {
    let answer = [head(&[]), frame(DATA, END_STREAM, FIRST, b"ok")].concat();
    let (url, closed) =
        Peer { once: answer, ..Peer::again(frame(PING, 0, 0, &[7; 8]).repeat(1000)) }.start().await;
    let fixture = Fixture::new("");
    let client = fixture.client_with(&url, r#"{"tlsSkipVerify":true}"#, &[]);
    assert_eq!(text(send(&client, get(&url)).await.unwrap()).await.unwrap(), "ok");
    closed.await.unwrap();
    while fixture.egress.all.open() > 0 {
        tokio::task::yield_now().await;
    }
    drop(client);
}

#[tokio::test]
async fn what_a_goodbye_leaves_out_is_sent_again() {
    let (goodbye, answer) =
        (frame(GOAWAY, 0, 0, &[0; 8]), [head(&[]), frame(DATA, END_STREAM, FIRST, b"ok")].concat());
    let (url, closed) = Peer::start_each([Peer::once(goodbye), Peer::once(answer)]).await;
    let client = Fixture::new("").client_with(&url, r#"{"tlsSkipVerify":true}"#, &[]);
    let response = send(&client, post(&*url, "once")).await.unwrap();
    assert_eq!(text(response).await.unwrap(), "ok");
    drop(client);
    closed.await.unwrap();
}

#[tokio::test]
async fn a_body_of_nothing_without_end_is_an_error() {
    let peer = Peer { once: head(&[]), ..Peer::again(frame(DATA, 0, FIRST, &[])) };
    let error = peer.error(RequestOptions::default()).await;
    assert_eq!(error.kind(), RequestErrorKind::Protocol, "{}", error.chain());
}

#[tokio::test]
async fn a_peer_that_takes_no_request_is_waited_for_in_time() {
    let settings = frame(SETTINGS, 0, 0, &[0, 3, 0, 0, 0, 0]);
    let (url, closed) =
        Peer::once([settings, head(&[]), frame(DATA, END_STREAM, FIRST, b"ok")].concat()).start().await;
    let client = Fixture::new("").client_with(&url, r#"{"tlsSkipVerify":true}"#, &[]);
    assert_eq!(text(send(&client, get(&url)).await.unwrap()).await.unwrap(), "ok");
    let options =
        RequestOptions { first_byte_timeout: Some(Duration::from_millis(50)), ..RequestOptions::default() };
    let error = send_with(&client, get(&url), options).await.unwrap_err();
    assert_eq!(error.kind(), RequestErrorKind::ResponseTimeout, "{}", error.chain());
    drop(client);
    closed.await.unwrap();
}
