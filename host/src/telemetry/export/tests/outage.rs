//! Collectors that cannot be reached, and those that come back.

use tokio::net::TcpListener;
use tonic::{Code, Status};

use super::receiver::Collector;
use super::*;

/// Loses one span, and returns what is known then.
async fn lose_one(settings: &[(&str, &str)]) -> (serde_json::Value, String) {
    let (log, lines) = Log::memory();
    let telemetry = telemetry(settings, log);
    end_spans(&telemetry, 1);
    telemetry.flush(LONG).await;
    assert_eq!((telemetry.exported(), telemetry.losses()), (0, failed(1)));
    let report = telemetry.report().unwrap()["tracing"].take();
    assert_eq!(report["state"], "failing");
    let failing = telemetry.export_failing();
    let failing: Vec<_> = failing.iter().filter(|(_, now)| *now == 1).map(|(cause, _)| *cause).collect();
    assert_eq!(failing, [report["cause"].as_str().unwrap()]);
    (report, lines.text())
}

#[tokio::test]
async fn a_collector_that_is_not_there_is_named_with_the_cause_and_the_remedy() {
    let gone = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let refused = format!("http://{gone}");
    for (endpoint, protocol, cause) in [
        (&*refused, "grpc", "refused"),
        (&*refused, "http/protobuf", "refused"),
        ("http://no-such-collector.invalid:4317", "grpc", "unresolvable"),
        ("http://no-such-collector.invalid:4318", "http/protobuf", "unresolvable"),
    ] {
        let (report, text) =
            lose_one(&[("gpx_otlp_endpoint", endpoint), ("gpx_otlp_protocol", protocol)]).await;
        assert_eq!(report["cause"], cause, "{endpoint} {protocol}: {report}");
        assert_eq!(report["protocol"], protocol);
        assert!(text.contains(r#""@level":"warn""#) && text.contains(endpoint), "{text}");
        for said in ["Spans cannot be exported", cause, report["remedy"].as_str().unwrap()] {
            assert!(text.contains(said), "{said}: {text}");
        }
    }
}

#[tokio::test]
async fn what_is_no_collector_is_told_from_one() {
    // It hangs up on everybody.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { while listener.accept().await.is_ok() {} });
    for protocol in ["grpc", "http/protobuf"] {
        let (report, _) = lose_one(&[("gpx_otlp_endpoint", &url), ("gpx_otlp_protocol", protocol)]).await;
        assert_eq!(report["cause"], "broken", "{protocol}: {report}");
    }
}

#[tokio::test]
async fn no_answer_is_a_timeout() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    for protocol in ["grpc", "http/protobuf"] {
        let settings =
            [("gpx_otlp_endpoint", &*url), ("gpx_otlp_protocol", protocol), ("gpx_otlp_timeout", "50ms")];
        let (report, text) = lose_one(&settings).await;
        assert_eq!(
            (&report["cause"], &report["error"]),
            (&"timeout".into(), &"no answer within 50ms".into())
        );
        assert!(text.contains("gpx_otlp_timeout"), "{text}");
    }
}

#[tokio::test]
async fn a_status_has_its_cause() {
    for (code, cause) in [
        (Code::Unauthenticated, "unauthenticated"),
        (Code::PermissionDenied, "forbidden"),
        (Code::Unimplemented, "not_found"),
        (Code::Unavailable, "unavailable"),
        (Code::Internal, "rejected"),
        (Code::Unknown, "rejected"),
    ] {
        let collector = Collector::start().await;
        let telemetry = to(&collector.url(), Log::memory().0);
        collector.answers.send(Err(Status::new(code, "no"))).unwrap();
        end_spans(&telemetry, 1);
        telemetry.flush(LONG).await;
        assert_eq!(telemetry.report().unwrap()["tracing"]["cause"], cause, "{code:?}");
    }
}

/// Less than a minute passes: whatever is said once a minute is said once.
#[tokio::test(start_paused = true)]
async fn an_outage_is_two_lines() {
    metronome();
    let collector = Collector::start().await;
    let (log, lines) = Log::memory();
    let telemetry = to(&collector.url(), log);
    let count = |text: &str| lines.text().matches(text).count();
    let send = async |answers: usize| {
        for _ in 0..answers {
            collector.answers.send(Err(Status::new(Code::PermissionDenied, "no"))).unwrap();
            end_spans(&telemetry, 1);
            telemetry.flush(LONG).await;
        }
        end_spans(&telemetry, 1);
        telemetry.flush(LONG).await;
    };
    send(3).await;
    assert_eq!((count("Spans cannot be exported"), count("Spans are exported again")), (1, 1));
    // A collector that comes and goes does not fill the log.
    for _ in 0..10 {
        send(1).await;
    }
    assert_eq!((count("Spans cannot be exported"), count("Spans are exported again")), (1, 1));
    assert_eq!(attempts(&telemetry, "forbidden"), 13);
    tokio::time::advance(LONG).await;
    send(2).await;
    assert_eq!((count("Spans cannot be exported"), count("Spans are exported again")), (2, 2));
    assert_eq!((telemetry.losses(), telemetry.exported()), (rejected(15), 12));
}

/// What the collector did not take while it was away is sent when it is back.
#[tokio::test(start_paused = true)]
async fn a_restart_of_the_collector_loses_nothing() {
    metronome();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let (log, lines) = Log::memory();
    let telemetry = to(&format!("http://{address}"), log);
    end_spans(&telemetry, 2 * BATCH);
    while telemetry.export_retries() == 0 {
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    let mut collector = Collector::on(TcpListener::bind(address).await.unwrap(), 4 << 20);
    while telemetry.exported() < 2 * BATCH as u64 {
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    assert_eq!((collector.arrived().0.len(), telemetry.losses()), (2 * BATCH, Losses::default()));
    assert!(lines.text().contains("Spans are exported again"), "{}", lines.text());
}
