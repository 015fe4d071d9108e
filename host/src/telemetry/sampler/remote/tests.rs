use std::net::SocketAddr;

use opentelemetry_sdk::trace::SamplingDecision;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;

use super::*;
use crate::log::memory::Lines;

const ALL: &str = r#"{"probabilisticSampling":{"samplingRate":1}}"#;
const NONE: &str = r#"{"probabilisticSampling":{"samplingRate":0}}"#;

/// A server that tells what is asked, and answers as it is told, one connection after the other.
struct Server {
    address: SocketAddr,
    answers: mpsc::UnboundedSender<String>,
    asked: mpsc::UnboundedReceiver<String>,
}

async fn server() -> Server {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (answers, mut prepared) = mpsc::unbounded_channel::<String>();
    let (lines, asked) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                head.push(stream.read_u8().await.unwrap());
            }
            let head = String::from_utf8(head).unwrap();
            let _ = lines.send(head.lines().next().unwrap_or_default().to_owned());
            let Some(answer) = prepared.recv().await else { return };
            // The other side may have read enough.
            let _ = stream.write_all(answer.as_bytes()).await;
        }
    });
    Server { address, answers, asked }
}

fn url(address: SocketAddr) -> Uri {
    format!("http://{address}/sampling?key=1").parse().unwrap()
}

fn ok(body: &str) -> String {
    format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.len())
}

fn asking(url: &Uri, log: &Log) -> (Asking, Remote) {
    let remote = Remote(Arc::new(Mutex::new(Strategy::Initial(Ratio::new(1.0)))));
    let url = question(url, "my plugin&more").unwrap();
    (Asking { connector: connector(), url, log: log.clone(), failing: false }, remote)
}

fn admits(remote: &Remote) -> bool {
    let result = remote.should_sample(None, TraceId::from(1), "a", &SpanKind::Server, &[], &[]);
    result.decision == SamplingDecision::RecordAndSample
}

fn messages(lines: &Lines) -> Vec<(String, String)> {
    let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
    lines.json().iter().map(|line| (text(&line["@level"]), text(&line["error"]))).collect()
}

#[tokio::test]
async fn the_servers_word_counts_until_it_says_another() {
    let (mut server, (log, lines)) = (server().await, Log::memory());
    let (mut asking, remote) = asking(&url(server.address), &log);
    assert!(admits(&remote), "initially");
    let length = MAX_ANSWER + 1;
    for (answer, expected) in [
        (ok(NONE), false),
        ("HTTP/1.1 500 No\r\ncontent-length: 0\r\n\r\n".to_owned(), false),
        (ok("nonsense"), false),
        (String::new(), false),
        ("HTTP/1.1 302 Found\r\nlocation: /else\r\ncontent-length: 0\r\n\r\n".to_owned(), false),
        (
            format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n\r\n{}{ALL}", " ".repeat(MAX_ANSWER)),
            false,
        ),
        (format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n\r\n{ALL}"), false),
        (ok(ALL), true),
    ] {
        server.answers.send(answer).unwrap();
        asking.once(&remote.0).await;
        let asked = server.asked.recv().await.unwrap();
        assert_eq!(asked, "GET /sampling?key=1&service=my+plugin%26more HTTP/1.1");
        assert_eq!(admits(&remote), expected);
    }
    let messages = messages(&lines);
    assert_eq!(messages.len(), 2, "one when it fails, one when it is followed again: {messages:?}");
    assert_eq!(messages[0], ("warn".into(), "the server answered with status 500".into()));
    assert_eq!(messages[1].0, "info");
}

#[tokio::test]
async fn a_server_that_is_not_there_changes_nothing() {
    let (log, lines) = Log::memory();
    let nobody = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let (mut asking, remote) = asking(&format!("http://{nobody}/").parse().unwrap(), &log);
    asking.once(&remote.0).await;
    asking.once(&remote.0).await;
    assert!(admits(&remote));
    assert_eq!(messages(&lines).len(), 1);
}

#[tokio::test]
async fn the_server_is_asked_at_once_and_then_each_minute() {
    let (mut server, (log, _)) = (server().await, Log::memory());
    let remote = Remote::start(Some(&url(server.address)), "my-plugin", Ratio::new(0.0), &log);
    for (answer, expected) in [(ALL, true), (NONE, false), (ALL, true)] {
        assert_eq!(server.asked.recv().await.unwrap(), "GET /sampling?key=1&service=my-plugin HTTP/1.1");
        server.answers.send(ok(answer)).unwrap();
        // The clock stands still only while nothing is on its way.
        while admits(&remote) != expected {
            tokio::task::yield_now().await;
        }
        advance(Duration::from_secs(50)).await;
        // Connections are accepted in their order, so none came before this one.
        let mut marker = TcpStream::connect(server.address).await.unwrap();
        marker.write_all(b"GET /marker HTTP/1.1\r\n\r\n").await.unwrap();
        assert_eq!(server.asked.recv().await.unwrap(), "GET /marker HTTP/1.1", "before the minute is over");
        server.answers.send(ok("")).unwrap();
        advance(Duration::from_secs(11)).await;
    }
}

/// Lets the time pass, and the sampler do what it does then.
async fn advance(time: Duration) {
    tokio::time::pause();
    tokio::time::advance(time).await;
    for _ in 0..10 {
        tokio::task::yield_now().await;
    }
    tokio::time::resume();
}
