use std::sync::Arc;

use http_body_util::BodyExt as _;
use tonic::Code;
use tonic::body::Body as TonicBody;

use super::*;
use crate::serve::layer::fake::{Fake, connect, reply};

fn request(timeout: Option<&str>) -> Request<TonicBody> {
    let mut request = Request::new(TonicBody::empty());
    if let Some(timeout) = timeout {
        request.headers_mut().insert("grpc-timeout", timeout.parse().unwrap());
    }
    request
}

#[test]
fn timeouts_are_parsed_strictly() {
    let cases = [
        ("1H", Some(Duration::from_secs(3600))),
        ("2M", Some(Duration::from_secs(120))),
        ("3S", Some(Duration::from_secs(3))),
        ("4m", Some(Duration::from_millis(4))),
        ("5u", Some(Duration::from_micros(5))),
        ("6n", Some(Duration::from_nanos(6))),
        ("0S", Some(Duration::ZERO)),
        ("99999999H", Some(Duration::from_secs(99_999_999 * 3600))),
        ("100000000n", None),
        ("", None),
        ("S", None),
        ("1", None),
        ("1s", None),
        ("+1S", None),
        ("-1S", None),
        ("1.5S", None),
        (" 1S", None),
    ];
    for (text, expected) in cases {
        assert_eq!(timeout(text.as_bytes()), expected, "{text:?}");
    }
    assert!(of_headers(request(Some("99999999H")).headers()).is_some());
}

#[tokio::test(start_paused = true)]
async fn a_late_handler_is_dropped_and_its_caller_gets_a_status() {
    let held = Arc::new(());
    let handler = Fake::new({
        let held = Arc::clone(&held);
        move |request| {
            assert!(request.extensions().get::<CallerDeadline>().is_some());
            let held = Arc::clone(&held);
            Box::pin(async move {
                std::future::pending::<()>().await;
                drop(held);
                unreachable!()
            })
        }
    });
    let mut service = DeadlineLayer.layer(handler);
    let start = Instant::now();
    let response = service.call(request(Some("100m"))).await.unwrap();
    let status = Status::from_header_map(response.headers()).unwrap();
    assert_eq!(status.code(), Code::DeadlineExceeded);
    assert!(start.elapsed() < Duration::from_millis(100));
    // Only the fake's own reference and the test's are left.
    assert_eq!(Arc::strong_count(&held), 2);
}

#[tokio::test(start_paused = true)]
async fn a_stalled_reply_is_aborted() {
    let handler = Fake::new(|_| {
        let stalled =
            http_body_util::StreamBody::new(tokio_stream::pending::<Result<Frame<Bytes>, Status>>());
        Box::pin(async { Ok(Response::new(TonicBody::new(stalled))) })
    });
    let response = DeadlineLayer.layer(handler).call(request(Some("1S"))).await.unwrap();
    let body = response.into_body().collect().await.unwrap();
    let status = Status::from_header_map(body.trailers().unwrap()).unwrap();
    assert_eq!(status.code(), Code::DeadlineExceeded);
}

#[tokio::test(start_paused = true)]
async fn a_deadline_set_at_arrival_counts() {
    let handler = Fake::new(|_| Box::pin(std::future::pending()));
    let mut request = request(Some("1H"));
    request.extensions_mut().insert(CallerDeadline(Instant::now()));
    let response = DeadlineLayer.layer(handler).call(request).await.unwrap();
    assert!(Status::from_header_map(response.headers()).is_some());
}

#[tokio::test]
async fn without_a_deadline_nothing_changes() {
    let handler = Fake::new(|request| {
        assert!(request.extensions().get::<CallerDeadline>().is_none());
        Box::pin(async { Ok(reply(&[b"x"], &Status::ok(""))) })
    });
    let response = DeadlineLayer.layer(handler).call(request(Some("soon"))).await.unwrap();
    let body = response.into_body().collect().await.unwrap();
    assert_eq!(Status::from_header_map(body.trailers().unwrap()).unwrap().code(), Code::Ok);
}

/// Outside our layer, tonic has its own, with the same timeout.
#[tokio::test(start_paused = true)]
async fn under_tonics_server_ours_is_the_first_to_answer() {
    let handler = Fake::new(|_| Box::pin(std::future::pending()));
    let mut sender = connect(DeadlineLayer.layer(handler)).await;
    for timeout in ["1n", "1m", "2m", "3m", "10m", "1500u", "1S"] {
        let mut request = request(Some(timeout));
        *request.uri_mut() = "http://plugin/pluginv2.Data/QueryData".parse().unwrap();
        let response = sender.send_request(request).await.unwrap();
        let status = Status::from_header_map(response.headers()).unwrap();
        assert_eq!(status.code(), Code::DeadlineExceeded, "{timeout}");
    }
}
