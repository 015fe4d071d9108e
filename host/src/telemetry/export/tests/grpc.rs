//! OTLP over gRPC.

use tokio::net::TcpListener;
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt as _};

use super::receiver::{Collector, partial};
use super::*;

#[tokio::test]
async fn spans_arrive_with_resource_and_scopes() {
    let mut collector = Collector::start().await;
    let telemetry = to(&collector.url(), Log::memory().0);
    let root = telemetry.host().start(SpanBuilder::from_name("server"), &Context::new());
    let child = telemetry.plugin().start(SpanBuilder::from_name("query"), &root);
    child.span().end();
    root.span().end();
    telemetry.flush(LONG).await;

    let (headers, request) = collector.requests.try_recv().unwrap();
    assert!(headers["user-agent"].to_str().unwrap().starts_with("gpx-host/"), "{headers:?}");
    let [resource_spans] = request.resource_spans.as_slice() else { panic!("{request:?}") };
    let attributes = &resource_spans.resource.as_ref().unwrap().attributes;
    let mut keys: Vec<_> = attributes.iter().map(|attribute| attribute.key.as_str()).collect();
    keys.sort_unstable();
    let sdk = ["telemetry.sdk.language", "telemetry.sdk.name", "telemetry.sdk.version"];
    assert_eq!(keys, [&["mine", "service.name", "service.version"][..], &sdk].concat());
    let scopes = resource_spans.scope_spans.iter();
    let mut scopes: Vec<_> =
        scopes.map(|scope| (scope.scope.as_ref().unwrap().name.as_str(), scope.spans.as_slice())).collect();
    scopes.sort_unstable_by_key(|(name, _)| std::cmp::Reverse(*name));
    let [("my-plugin", [query]), ("gpx-host", [server])] = scopes.as_slice() else { panic!("{scopes:?}") };
    assert_eq!((query.name.as_str(), server.name.as_str()), ("query", "server"));
    assert_eq!((&query.trace_id, &query.parent_span_id), (&server.trace_id, &server.span_id));
    assert_eq!((telemetry.exported(), telemetry.losses()), (2, Losses::default()));
}

#[tokio::test]
async fn a_collector_may_have_a_name() {
    let mut collector = Collector::start().await;
    let telemetry = to(&format!("http://localhost:{}", collector.address.port()), Log::memory().0);
    end_spans(&telemetry, 1);
    telemetry.flush(LONG).await;
    assert!(collector.requests.try_recv().is_ok());
}

#[tokio::test]
async fn headers_and_compression_are_sent_and_headers_are_never_shown() {
    let mut collector = Collector::start().await;
    let (log, lines) = Log::memory();
    let settings = [
        ("gpx_otlp_endpoint", &*collector.url()),
        ("gpx_otlp_headers", "authorization=Bearer hidden-token,x-scope-orgid=7"),
        ("gpx_otlp_compression", "gzip"),
    ];
    let telemetry = telemetry(&settings, log);
    end_spans(&telemetry, 1);
    telemetry.flush(LONG).await;
    let (headers, request) = collector.requests.try_recv().unwrap();
    let header = |name| headers.get(name).unwrap().to_str().unwrap();
    assert_eq!((header("authorization"), header("x-scope-orgid")), ("Bearer hidden-token", "7"));
    assert_eq!(header("grpc-encoding"), "gzip");
    assert_eq!(names(request), ["query"]);

    let echo = Status::new(Code::Unauthenticated, "the token hidden-token is not known");
    collector.answers.send(Err(echo)).unwrap();
    end_spans(&telemetry, 1);
    telemetry.flush(LONG).await;
    let shown = format!("{}{}", lines.text(), telemetry.report().unwrap());
    assert!(shown.contains("is not known") && !shown.contains("hidden-token"), "{shown}");

    collector.answers.send(Ok(partial(1, "not with the token hidden-token"))).unwrap();
    end_spans(&telemetry, 1);
    telemetry.flush(LONG).await;
    let shown = format!("{}{}", lines.text(), telemetry.report().unwrap());
    assert_eq!(shown.matches("not with the token").count(), 2, "{shown}");
    assert!(!shown.contains("hidden-token"), "{shown}");
}

#[tokio::test]
async fn a_retriable_failure_is_tried_again_and_another_is_not() {
    let mut collector = Collector::start().await;
    let (log, lines) = Log::memory();
    let telemetry = to(&collector.url(), log);
    collector.answers.send(Err(Status::new(Code::Unavailable, "starting"))).unwrap();
    end_spans(&telemetry, BATCH);
    let (_, first) = collector.requests.recv().await.unwrap();
    // The pause before the second attempt ends with the flush.
    telemetry.flush(LONG).await;
    assert_eq!(collector.requests.recv().await.unwrap().1, first);
    assert_eq!((telemetry.losses(), telemetry.export_retries()), (Losses::default(), 1));

    collector.answers.send(Err(Status::new(Code::InvalidArgument, "no"))).unwrap();
    end_spans(&telemetry, 3);
    telemetry.flush(LONG).await;
    assert_eq!((telemetry.losses(), telemetry.exported()), (rejected(3), BATCH as u64));
    assert_eq!((attempts(&telemetry, "ok"), attempts(&telemetry, "rejected")), (1, 1));
    let report = telemetry.report().unwrap();
    assert_eq!(report["tracing"]["error"], "InvalidArgument: no");
    assert_eq!(report["tracing"]["dropped_spans"]["rejected"], 3);
    assert!(lines.text().contains("starting"), "{}", lines.text());
}

#[tokio::test]
async fn the_spans_that_a_collector_rejects_are_counted() {
    let collector = Collector::start().await;
    let (log, lines) = Log::memory();
    let telemetry = to(&collector.url(), log);
    for _ in 0..2 {
        collector.answers.send(Ok(partial(2, "no service.name"))).unwrap();
        end_spans(&telemetry, 5);
        telemetry.flush(LONG).await;
    }
    assert_eq!((telemetry.exported(), telemetry.losses()), (6, rejected(4)));
    assert_eq!(attempts(&telemetry, "partial"), 2);
    assert_eq!(lines.text().matches("no service.name").count(), 1, "{}", lines.text());
    assert_eq!(telemetry.report().unwrap()["tracing"]["refusal"], "no service.name");
    // Nonsense from a collector changes nothing.
    for nonsense in [-1, i64::MAX] {
        collector.answers.send(Ok(partial(nonsense, ""))).unwrap();
        end_spans(&telemetry, 1);
        telemetry.flush(LONG).await;
    }
    assert_eq!((telemetry.exported(), telemetry.losses()), (7, rejected(5)));
}

#[tokio::test(start_paused = true)]
async fn the_collector_says_when_to_come_back() {
    metronome();
    let mut collector = Collector::start().await;
    let telemetry = to(&collector.url(), Log::memory().0);
    let wait = Duration::from_secs(17);
    let details = ErrorDetails::with_retry_info(Some(wait));
    let busy = Status::with_error_details(Code::ResourceExhausted, "busy", details);
    collector.answers.send(Err(busy)).unwrap();
    end_spans(&telemetry, BATCH);
    collector.requests.recv().await.unwrap();
    while attempts(&telemetry, "throttled") == 0 {
        tokio::task::yield_now().await;
    }
    let start = tokio::time::Instant::now();
    // Another batch waits, too.
    end_spans(&telemetry, BATCH);
    for _ in 0..2 {
        collector.requests.recv().await.unwrap();
        assert!(start.elapsed() >= wait - Duration::from_millis(100), "{:?}", start.elapsed());
    }
    telemetry.flush(LONG).await;
    assert_eq!((telemetry.exported(), telemetry.losses()), (2 * BATCH as u64, Losses::default()));
}

#[tokio::test]
async fn spans_that_are_too_large_for_the_collector_are_lost_alone() {
    let mut collector = Collector::accepting(20_000).await;
    let (log, lines) = Log::memory();
    let telemetry = to(&collector.url(), log);
    for index in 0..BATCH {
        // Two that can never pass, and some that pass only with few others.
        match index {
            100 | 301 => end_span(&telemetry, "too large", 30_000),
            _ if index % 50 == 7 => end_span(&telemetry, "large", 8000),
            _ => end_span(&telemetry, "small", 1),
        }
    }
    telemetry.flush(LONG).await;
    let (names, messages) = collector.arrived();
    let count = |name| names.iter().filter(|arrived| *arrived == name).count();
    assert_eq!((count("small"), count("large"), count("too large")), (499, 11, 0));
    assert_eq!(telemetry.losses(), Losses { too_large: 2, ..Losses::default() });
    assert!(messages < 50, "{messages}");
    let text = lines.text();
    assert_eq!(text.matches("larger than the collector's limit").count(), 1, "{text}");
    assert!(!text.contains("cannot be exported"), "{text}");
}

#[tokio::test]
async fn a_refusal_without_a_reason_is_not_asked_for_every_span() {
    let mut collector = Collector::start().await;
    let telemetry = to(&collector.url(), Log::memory().0);
    for _ in 0..2 * BATCH {
        collector.answers.send(Err(Status::new(Code::ResourceExhausted, "no"))).unwrap();
    }
    end_spans(&telemetry, BATCH);
    telemetry.flush(LONG).await;
    assert_eq!(telemetry.losses(), Losses { too_large: BATCH as u64, ..Losses::default() });
    let (_, messages) = collector.arrived();
    assert_eq!(messages, 10, "once for each halving");
}

#[tokio::test]
async fn what_is_too_large_together_is_sent_in_parts() {
    let mut collector = Collector::start().await;
    let telemetry = to(&collector.url(), Log::memory().0);
    for _ in 0..60 {
        end_span(&telemetry, "query", 100_000);
    }
    telemetry.flush(LONG).await;
    let (names, messages) = collector.arrived();
    // The receiver was never asked to take more than it accepts.
    assert_eq!((names.len(), messages, telemetry.losses()), (60, 2, Losses::default()));
}

#[tokio::test(start_paused = true)]
async fn a_collector_that_hangs_does_not_hold_a_flush_up() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let telemetry = to(&format!("http://{}", listener.local_addr().unwrap()), Log::memory().0);
    end_spans(&telemetry, 5);
    let start = tokio::time::Instant::now();
    telemetry.flush(Duration::from_millis(1500)).await;
    assert_eq!(start.elapsed(), Duration::from_millis(1500));
    assert_eq!(telemetry.losses(), Losses { shutdown: 5, ..Losses::default() });
}
