use std::convert::Infallible;

use bytes::Bytes;
use http::{HeaderValue, Uri};
use http_body::Frame;
use http_body_util::{BodyExt as _, StreamBody};
use serde_json::{Value, json};

use super::*;
use crate::budget::MemoryAccount;
use crate::text::Scrub;

const SECRET: &str = "hunter2-and-more";

fn recorder(total: usize) -> Recorder {
    Capture::default().recorder(&MemoryAccount::new(total).owner())
}

/// A body in these pieces.
fn body<'p>(
    pieces: &'p [&'static [u8]],
) -> impl http_body::Body<Data = Bytes, Error = Infallible> + Unpin + 'p {
    let frames = pieces.iter().map(|piece| Ok(Frame::data(Bytes::from_static(piece))));
    StreamBody::new(futures_util::stream::iter(frames))
}

async fn exchange(recorder: &Recorder, sent: &[&'static [u8]], received: &[&'static [u8]]) {
    let uri = Uri::from_static("http://ada:pass@a.example/p?token=t&q=a+b&other=hunter2-and-more");
    let request = Request::post("/p").header("content-type", "text/plain").header("cookie", "a=1; b=2");
    let request = request.header("x-custom", SECRET).body(()).unwrap();
    let recording = recorder.begin(&uri, &request);
    recording.request_body(body(sent)).collect().await.unwrap();
    let mut response = Response::new(());
    let headers = response.headers_mut();
    headers.insert("content-type", HeaderValue::from_static("text/html"));
    headers.append("set-cookie", HeaderValue::from_static("c=3; Path=/"));
    recording.answered(&response);
    recording.response_body(body(received)).collect().await.unwrap();
}

fn document(recorder: &Recorder, room: usize) -> Value {
    let mut memory = recorder.memory.nothing(MemoryKind::Answers);
    let document = recorder.capture.take_document(&Scrub::new([SECRET]), room, &mut memory).unwrap();
    serde_json::from_str(&document).unwrap()
}

#[tokio::test]
async fn an_exchange_is_recorded_without_secrets() {
    let recorder = recorder(usize::MAX);
    exchange(&recorder, &[b"hello ", b"hunter2", b"-and-more"], &[b"<p>", b"hunter2-and-more</p>"]).await;
    let har = document(&recorder, usize::MAX);
    let entry = &har["log"]["entries"][0];
    let request = json!({
        "method": "POST", "url": "http://a.example/p?token=REDACTED&q=a+b&other=[secret]", "httpVersion": "HTTP/1.1",
        "headers": [{ "name": "content-type", "value": "text/plain" }, { "name": "cookie", "value": "REDACTED" },
            { "name": "x-custom", "value": "[secret]" }],
        "queryString": [{ "name": "token", "value": "REDACTED" }, { "name": "q", "value": "a b" },
            { "name": "other", "value": "[secret]" }],
        "cookies": [{ "name": "a", "value": "REDACTED" }, { "name": "b", "value": "REDACTED" }],
        "postData": { "mimeType": "text/plain", "text": "hello [secret]" }, "bodySize": 22, "headersSize": -1,
    });
    assert_eq!(entry["request"], request);
    let response = &entry["response"];
    assert_eq!((&response["status"], &response["statusText"]), (&json!(200), &json!("200 OK")));
    let content = json!({ "size": 23, "mimeType": "text/html", "text": "<p>[secret]</p>" });
    assert_eq!((&response["content"], &response["bodySize"]), (&content, &json!(23)));
    assert_eq!(response["cookies"], json!([{ "name": "c", "value": "REDACTED" }]));
    assert!(entry.get("comment").is_none() && recorder.capture.is_empty());
}

#[tokio::test]
async fn what_is_not_text_is_base64() {
    let recorder = recorder(usize::MAX);
    exchange(&recorder, &[], &[b"\xFF\x00", SECRET.as_bytes(), b"\xFF"]).await;
    let har = document(&recorder, usize::MAX);
    let content = &har["log"]["entries"][0]["response"]["content"];
    assert_eq!((&content["encoding"], &content["size"]), (&json!("base64"), &json!(SECRET.len() + 3)));
    assert!(content["text"].as_str().unwrap().contains("[secret]"), "{content}");
    assert!(har["log"]["entries"][0]["request"].get("postData").is_none());
}

#[tokio::test]
async fn a_body_that_is_not_read_to_its_end_has_no_size() {
    let recorder = recorder(usize::MAX);
    let request = Request::new(());
    let recording = recorder.begin(&Uri::from_static("http://a.example/"), &request);
    recording.answered(&Response::new(()));
    let mut read = recording.response_body(body(&[b"one", b"two"]));
    read.frame().await.unwrap().unwrap();
    drop(read);
    let failed = recorder.begin(&Uri::from_static("http://a.example/"), &request);
    failed.failed(Failure::unknown("no route"));
    drop(recorder.begin(&Uri::from_static("http://a.example/"), &request));
    let har = document(&recorder, usize::MAX);
    let entries = har["log"]["entries"].as_array().unwrap();
    let response = |index: usize| &entries[index]["response"];
    assert_eq!((&response(0)["content"]["text"], &response(0)["bodySize"]), (&json!("one"), &json!(-1)));
    assert_eq!((&response(1)["status"], &response(1)["bodySize"]), (&json!(0), &json!(-1)));
    let comments: Vec<_> = entries.iter().map(|entry| &entry["comment"]).collect();
    let cancelled = json!("transport error: the request was cancelled");
    assert_eq!(comments, [&Value::Null, &json!("transport error: no route"), &cancelled]);
}

#[tokio::test]
async fn bodies_without_room_or_memory_are_left_out() {
    let large: &[u8] = &[b'"'; 1000];
    let large: &'static [u8] = Box::leak(large.into());
    let recorder = recorder(usize::MAX);
    for _ in 0..3 {
        exchange(&recorder, &[], &[large]).await;
    }
    // Each takes four bytes within a string within JSON.
    let har = document(&recorder, 8000);
    let sizes = |har: &Value| -> Vec<usize> {
        let entries = har["log"]["entries"].as_array().unwrap().iter();
        entries.map(|entry| entry["response"]["content"]["text"].as_str().unwrap().len()).collect()
    };
    assert_eq!(sizes(&har), [1000, 1000, 0]);
    assert_eq!(har["log"]["entries"][2]["response"]["bodySize"], 1000, "its size is known");

    let account = MemoryAccount::new(20_000);
    let recorder = Capture::default().recorder(&account.owner());
    exchange(&recorder, &[], &[&large[..100]]).await;
    for _ in 0..100 {
        exchange(&recorder, &[], &[large]).await;
    }
    assert!(account.taken() <= 20_000);
    let refused = recorder.capture.take_document(
        &Scrub::default(),
        usize::MAX,
        &mut recorder.memory.nothing(MemoryKind::Answers),
    );
    assert!(refused.is_err() && account.taken() == 0, "{}", account.taken());
}

#[tokio::test]
async fn references_show_no_credentials() {
    let recorder = recorder(usize::MAX);
    let request = Request::builder().method(SECRET).header(SECRET, "1");
    let request =
        request.header("referer", "http://ada:pass@a.example/?access%5Ftoken=one&q=1").body(()).unwrap();
    let recording = recorder.begin(&Uri::from_static("http://a.example/p?%74oken=two&q=a//b@c"), &request);
    let mut response = Response::new(());
    let headers = response.headers_mut();
    headers.insert("location", HeaderValue::from_static("//ada:pass@b.example/x?Sig=three#token=four&a"));
    headers.insert("content-location", HeaderValue::from_static("/a//b@c?key=five&hunter2-and-more"));
    recording.answered(&response);
    let har = document(&recorder, usize::MAX);
    let (request, response) = (&har["log"]["entries"][0]["request"], &har["log"]["entries"][0]["response"]);
    assert_eq!(
        (&request["method"], &request["headers"][0]["name"]),
        (&json!("[secret]"), &json!("[secret]"))
    );
    assert_eq!(request["url"], "http://a.example/p?%74oken=REDACTED&q=a//b@c");
    assert_eq!(request["headers"][1]["value"], "http://a.example/?access%5Ftoken=REDACTED&q=1");
    let location = "//b.example/x?Sig=REDACTED#token=REDACTED&a";
    assert_eq!(
        (&response["redirectURL"], &response["headers"][0]["value"]),
        (&json!(location), &json!(location))
    );
    assert_eq!(response["headers"][1]["value"], "/a//b@c?key=REDACTED&[secret]");
}

#[tokio::test]
async fn what_is_recorded_has_no_holes() {
    let recorder = recorder(20_000);
    exchange(&recorder, &[], &[b"one", &[b'-'; 30_000], b"two"]).await;
    let har = document(&recorder, usize::MAX);
    let response = &har["log"]["entries"][0]["response"];
    assert_eq!((&response["content"]["text"], &response["bodySize"]), (&json!("one"), &json!(-1)));
}

#[tokio::test]
async fn a_body_that_nobody_reads_has_no_size() {
    let recorder = recorder(usize::MAX);
    let recording = recorder.begin(&Uri::from_static("http://a.example/"), &Request::new(()));
    recording.answered(&Response::new(()));
    drop(recording.response_body(body(&[b"one"])));
    let har = document(&recorder, usize::MAX);
    assert_eq!(har["log"]["entries"][0]["response"]["bodySize"], -1);
}

#[tokio::test]
async fn small_pieces_share_blocks() {
    let account = MemoryAccount::new(usize::MAX);
    let recorder = Capture::default().recorder(&account.owner());
    let before = account.taken();
    exchange(&recorder, &[], &[b"-".as_slice(); 50_000]).await;
    let taken = account.taken() - before;
    assert!(taken < 160_000, "{taken}");
    let har = document(&recorder, usize::MAX);
    assert_eq!(har["log"]["entries"][0]["response"]["content"]["text"], "-".repeat(50_000));
}

#[tokio::test]
async fn the_copies_of_a_body_are_paid_for_before_they_are_made() {
    let account = MemoryAccount::new(100_000);
    let recorder = Capture::default().recorder(&account.owner());
    exchange(&recorder, &[], &[&[b'-'; 28_000]]).await;
    let har = document(&recorder, usize::MAX);
    let response = &har["log"]["entries"][0]["response"];
    assert_eq!((&response["content"]["text"], &response["bodySize"]), (&json!(""), &json!(28_000)));
    assert_eq!(account.taken(), 0);
}

#[tokio::test]
async fn exchanges_beyond_the_bound_of_heads_are_counted() {
    let recorder = recorder(usize::MAX);
    assert!(recorder.capture.take_for_body(limits::MAX_TOTAL));
    exchange(&recorder, &[], &[b"one"]).await;
    let request = Request::builder().header("x-large", HeaderValue::from_bytes(&[b'"'; 300 << 10]).unwrap());
    let request = request.body(()).unwrap();
    for _ in 0..5 {
        recorder.begin(&Uri::from_static("http://a.example/"), &request).failed(Failure::unknown("no route"));
    }
    let har = document(&recorder, 0);
    assert_eq!(har["log"]["entries"].as_array().unwrap().len(), 4, "heads have a bound of their own");
    assert_eq!(har["log"]["comment"], "2 more exchanges are left out");
}

#[test]
fn only_true_asks_for_it() {
    let wanted = |name: &str, value: &str| is_wanted(&HashMap::from([(name.to_owned(), value.to_owned())]));
    assert!(wanted("X-Grafana-HAR-Capture", "true"));
    assert!(!wanted("X-Grafana-HAR-Capture", "TRUE") && !wanted("http_X-Grafana-HAR-Capture", "true"));
}
