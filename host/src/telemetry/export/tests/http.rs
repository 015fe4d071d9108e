//! OTLP over HTTP.

use std::io::Read as _;

use prost::Message as _;

use super::receiver::{HttpCollector, partial};
use super::*;

fn http(collector: &HttpCollector, more: &[(&str, &str)], log: Log) -> Telemetry {
    let url = collector.url();
    let own = [("gpx_otlp_endpoint", &*url), ("gpx_otlp_protocol", "http/protobuf")];
    telemetry(&[&own, more].concat(), log)
}

fn decode(body: &[u8]) -> ExportTraceServiceRequest {
    ExportTraceServiceRequest::decode(body).unwrap()
}

fn answer(status: &str, headers: &str, body: &str) -> String {
    format!("HTTP/1.1 {status}\r\n{headers}Content-Length: {}\r\n\r\n{body}", body.len())
}

#[tokio::test]
async fn spans_arrive_over_one_connection() {
    let mut collector = HttpCollector::start().await;
    let headers = [("gpx_otlp_headers", "authorization=Basic aGlkZGVu")];
    let telemetry = http(&collector, &headers, Log::memory().0);
    end_spans(&telemetry, 3);
    telemetry.flush(LONG).await;
    let (head, body, _) = collector.requests.recv().await.unwrap();
    assert!(head.starts_with("POST /v1/traces HTTP/1.1\r\n"), "{head}");
    let lower = head.to_lowercase();
    for line in [
        &format!("host: {}", collector.address),
        "content-type: application/x-protobuf",
        "authorization: basic aglkzgvu",
        "user-agent: gpx-host/",
    ] {
        assert!(lower.contains(line), "{line}: {head}");
    }
    assert!(!lower.contains("content-encoding"), "{head}");
    assert_eq!(names(decode(&body)), ["query"; 3]);
    assert_eq!((telemetry.exported(), telemetry.losses()), (3, Losses::default()));
}

#[tokio::test]
async fn gzip_is_said_and_done() {
    let mut collector = HttpCollector::start().await;
    let telemetry = http(&collector, &[("gpx_otlp_compression", "gzip")], Log::memory().0);
    end_spans(&telemetry, 100);
    telemetry.flush(LONG).await;
    let (head, body, _) = collector.requests.recv().await.unwrap();
    assert!(head.to_lowercase().contains("content-encoding: gzip"), "{head}");
    let mut plain = Vec::new();
    flate2::read::GzDecoder::new(body.as_slice()).read_to_end(&mut plain).unwrap();
    // Most of it are random ids.
    assert!(body.len() < plain.len() * 2 / 3, "{} of {}", body.len(), plain.len());
    assert_eq!(names(decode(&plain)).len(), 100);
}

#[tokio::test]
async fn a_connection_that_the_collector_has_closed_costs_no_span() {
    let mut collector = HttpCollector::start().await;
    let telemetry = http(&collector, &[], Log::memory().0);
    for _ in 0..4 {
        // Without a length, the answer ends with the connection.
        collector.answers.send("HTTP/1.1 200 OK\r\n\r\n".to_owned()).unwrap();
        end_spans(&telemetry, 1);
        telemetry.flush(LONG).await;
        assert_eq!(names(decode(&collector.requests.recv().await.unwrap().1)), ["query"]);
    }
    assert_eq!((telemetry.exported(), telemetry.losses()), (4, Losses::default()));
}

#[tokio::test]
async fn the_spans_that_a_collector_rejects_are_counted() {
    let collector = HttpCollector::start().await;
    let telemetry = http(&collector, &[], Log::memory().0);
    let body = String::from_utf8(partial(2, "no").encode_to_vec()).unwrap();
    collector.answers.send(answer("200 OK", "", &body)).unwrap();
    end_spans(&telemetry, 5);
    telemetry.flush(LONG).await;
    assert_eq!((telemetry.exported(), telemetry.losses()), (3, rejected(2)));
}

#[tokio::test]
async fn an_innocent_span_is_never_lost_to_a_large_one() {
    let mut collector = HttpCollector::accepting(4000).await;
    let telemetry = http(&collector, &[], Log::memory().0);
    for index in 0..200 {
        match index % 20 {
            7 => end_span(&telemetry, "large", 8000),
            _ => end_span(&telemetry, "small", index % 20),
        }
    }
    telemetry.flush(LONG).await;
    assert_eq!(telemetry.losses(), Losses { too_large: 10, ..Losses::default() });
    let mut arrived = Vec::new();
    while let Ok((_, body, _)) = collector.requests.try_recv() {
        arrived.extend(names(decode(&body)));
    }
    assert!(arrived.len() == 190 && arrived.iter().all(|name| name == "small"), "{arrived:?}");
}

#[tokio::test(start_paused = true)]
async fn retry_after_is_obeyed() {
    metronome();
    let mut collector = HttpCollector::start().await;
    let telemetry = http(&collector, &[], Log::memory().0);
    collector.answers.send(answer("429 Too Many Requests", "Retry-After: 23\r\n", "")).unwrap();
    end_spans(&telemetry, BATCH);
    collector.requests.recv().await.unwrap();
    let start = tokio::time::Instant::now();
    collector.requests.recv().await.unwrap();
    assert!(start.elapsed() >= Duration::from_millis(22_900), "{:?}", start.elapsed());
    telemetry.flush(LONG).await;
    // One that is longer than a batch is kept is waited for by nobody.
    collector.answers.send(answer("503 Service Unavailable", "Retry-After: 3600\r\n", "")).unwrap();
    end_spans(&telemetry, 1);
    telemetry.flush(LONG).await;
    assert_eq!((telemetry.exported(), telemetry.losses()), (BATCH as u64, failed(1)));
}

/// Not even its beginning, wherever in a long answer it is.
#[tokio::test]
async fn a_header_in_an_answer_is_never_shown() {
    let collector = HttpCollector::start().await;
    let (log, lines) = Log::memory();
    let telemetry = http(&collector, &[("gpx_otlp_headers", "authorization=hidden-token")], log);
    let (mut before, mut shown) = (0, true);
    while shown {
        let body = format!("{}hidden-token{}", "x".repeat(before), "y".repeat(2000));
        collector.answers.send(answer("400 Bad Request", "", &body)).unwrap();
        end_spans(&telemetry, 1);
        telemetry.flush(LONG).await;
        let report = telemetry.report().unwrap();
        let error = report["tracing"]["error"].as_str().unwrap();
        assert!(!error.contains("hi"), "{before}: {error}");
        // Until it is behind the cut.
        shown = error.contains("[secret]");
        before += 5;
    }
    assert!(before > 200 && !lines.text().contains("hidden"), "{before}");
}

#[tokio::test]
async fn an_answer_that_is_not_otlps_is_told_with_its_cause() {
    for (given, cause, said) in [
        (answer("401 Unauthorized", "", "no token"), "unauthenticated", "HTTP 401 Unauthorized: no token"),
        (answer("403 Forbidden", "", ""), "forbidden", "HTTP 403 Forbidden"),
        (answer("404 Not Found", "", "404 page not found\n"), "not_found", "404 page not found"),
        (answer("302 Found", "Location: http://127.0.0.1:1/\r\n", ""), "not_found", "HTTP 302"),
        (answer("400 Bad Request", "", "\u{12}\u{3}bad"), "rejected", "HTTP 400 Bad Request: bad"),
        (
            answer("200 OK", "Content-Type: text/html\r\n", "<html>Sign in</html>"),
            "broken",
            "a page for people",
        ),
        ("SSH-2.0-OpenSSH_9.6\r\n".to_owned(), "broken", ""),
        (String::new(), "broken", ""),
        (
            format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{}", 1 << 20, "x".repeat(1 << 20)),
            "broken",
            "length limit",
        ),
    ] {
        let collector = HttpCollector::start().await;
        let (log, lines) = Log::memory();
        let telemetry = http(&collector, &[], log);
        collector.answers.send(given.clone()).unwrap();
        end_spans(&telemetry, 1);
        telemetry.flush(LONG).await;
        assert_eq!((telemetry.exported(), telemetry.losses().total()), (0, 1), "{given:.50}");
        let report = telemetry.report().unwrap();
        assert_eq!(report["tracing"]["cause"], cause, "{given:.50}: {report}");
        assert!(report["tracing"]["error"].as_str().unwrap().contains(said), "{given:.50}: {report}");
        assert_eq!(lines.text().matches("Spans cannot be exported").count(), 1, "{}", lines.text());
    }
}
