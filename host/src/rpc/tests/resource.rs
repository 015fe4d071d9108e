use std::time::Duration;

use tonic::Code;

use crate::plugin::test::{Guest, LIMITS};
use crate::rpc::test::{Grafana, a_while, queries};

/// Returns the chunks and the status of the guest's answer, and how the call was counted.
async fn answer(script: &str) -> (Vec<(i32, String)>, Option<String>, &'static str) {
    let grafana = Grafana::new().await;
    let (pieces, status) = grafana.resource(script).await.unwrap().rest().await;
    let ends = [("ok", "plugin"), ("error", "plugin"), ("error", "downstream"), ("cancelled", "downstream")];
    let counted = |(status, source): &&(&str, &str)| grafana.counted("callResource", status, source) == "1";
    let end = match ends.iter().find(counted) {
        Some(("error", "downstream")) => "downstream",
        Some((status, _)) => status,
        None => "not counted",
    };
    let status = status.map(|status| format!("{:?}: {}", status.code(), status.message()));
    (pieces, status, end)
}

fn pieces(pieces: &[(i32, &str)]) -> Vec<(i32, String)> {
    pieces.iter().map(|(code, body)| (*code, (*body).to_owned())).collect()
}

#[tokio::test]
async fn chunks_arrive_in_order_and_the_first_one_has_the_head() {
    let expected = pieces(&[(201, "one"), (0, ""), (0, "two"), (0, "three")]);
    assert_eq!(answer("start 201\nsend one\nsend\nsend two\nsend three").await, (expected, None, "ok"));
    assert_eq!(answer("send one").await, (pieces(&[(200, "one")]), None, "ok"));
}

#[tokio::test]
async fn an_answer_may_have_no_body() {
    assert_eq!(answer("say nothing").await, (pieces(&[(200, "")]), None, "ok"));
    assert_eq!(answer("start 304").await, (pieces(&[(304, "")]), None, "ok"));
}

#[tokio::test]
async fn a_second_head_is_refused() {
    for first in ["start 201", "start 201\nsend x", "refused 99\nstart 201"] {
        let (pieces, status, end) = answer(&format!("{first}\nrefused 500")).await;
        assert_eq!((pieces[0].0, status, end), (201, None, "ok"), "{first}");
    }
}

#[tokio::test]
async fn a_fault_before_the_first_chunk_is_the_answer() {
    let expected = pieces(&[(404, r#"{"message":"no \"such\" thing"}"#)]);
    assert_eq!(answer("fail 404 1 no \"such\" thing").await, (expected, None, "ok"));
    let expected = pieces(&[(503, r#"{"message":"it is down"}"#)]);
    assert_eq!(answer("fail 503 1 it is down").await, (expected, None, "downstream"));
    let (pieces, status, end) = answer("trap").await;
    assert_eq!((pieces[0].0, status, end), (500, None, "error"));
    assert!(pieces[0].1.starts_with(r#"{"message":"the plugin failed: "#), "{pieces:?}");
}

#[tokio::test]
async fn a_fault_after_the_first_chunk_ends_the_answer() {
    let status = Some("Unknown: no more".to_owned());
    let expected = pieces(&[(200, "one"), (0, "two")]);
    assert_eq!(answer("send one\nsend two\nfail 404 0 no more").await, (expected, status, "error"));
    let (pieces, status, _) = answer("send one\ntrap").await;
    assert_eq!(pieces.len(), 1);
    assert!(status.unwrap().starts_with("Unknown: the plugin failed: "));
}

#[tokio::test(start_paused = true)]
async fn a_call_ends_even_if_the_guest_keeps_its_sender() {
    assert_eq!(answer("send all there is\nkeep").await, (pieces(&[(200, "all there is")]), None, "ok"));
}

#[tokio::test]
async fn a_component_without_resources_says_so() {
    let grafana = Grafana::of(Guest::without("resource")).await;
    let status = grafana.resource("").await.err().unwrap();
    assert_eq!(status.code(), Code::Unimplemented);
    assert_eq!(status.message(), "the plugin does not export gpx:plugin/resource");
}

#[tokio::test]
async fn a_component_that_cannot_be_loaded_is_reported_in_the_answer() {
    let grafana = Grafana::broken().await;
    let (pieces, status) = grafana.resource("").await.unwrap().rest().await;
    let [(500, body)] = pieces.as_slice() else { panic!("{pieces:?}") };
    assert!(body.contains("it is not WebAssembly"), "{body}");
    assert!(status.is_none());
    assert_eq!(grafana.counted("callResource", "error", "plugin"), "1");
}

#[tokio::test(start_paused = true)]
async fn a_slow_caller_slows_the_component_down() {
    let grafana = Grafana::new().await;
    let mut answer = grafana.resource(&"send x\nout sent\n".repeat(10)).await.unwrap();
    a_while().await;
    let sent = grafana.loaded.logged("sent").len();
    assert!(sent < 5, "{sent} chunks were taken although none has been read");
    for _ in 0..10 {
        answer.next().await.unwrap().unwrap();
    }
    assert!(answer.next().await.is_none());
    assert_eq!(grafana.loaded.logged("sent").len(), 10);
}

#[tokio::test(start_paused = true)]
async fn a_caller_that_hangs_up_stops_the_component() {
    let grafana = Grafana::new().await;
    let mut answer = grafana.resource("send x\nwait 60000").await.unwrap();
    answer.next().await.unwrap().unwrap();
    drop(answer);
    a_while().await;
    assert_eq!(grafana.counted("callResource", "cancelled", "downstream"), "1");
    let response = grafana.query(queries(&[("A", "count")])).await.unwrap();
    assert_eq!(crate::rpc::test::answer(&response, "A"), "1", "the instance was not discarded");
}

#[tokio::test]
async fn a_component_may_notice_that_its_caller_hung_up() {
    let grafana = Grafana::new().await;
    let mut answer = grafana.resource("send-on x\nout refused").await.unwrap();
    answer.next().await.unwrap().unwrap();
    drop(answer);
    let counted = |status, source| grafana.counted("callResource", status, source);
    while [counted("ok", "plugin"), counted("cancelled", "downstream")] == ["none", "none"] {
        tokio::task::yield_now().await;
    }
    assert_eq!(grafana.loaded.logged("refused").len(), 1);
}

#[tokio::test(start_paused = true)]
async fn the_end_of_the_process_ends_an_answer() {
    let grafana = Grafana::new().await;
    let mut answer = grafana.resource("send one\nwait 60000").await.unwrap();
    answer.next().await.unwrap().unwrap();
    grafana.shutdown.trigger();
    let status = answer.next().await.unwrap().unwrap_err();
    assert_eq!((status.code(), status.message()), (Code::Cancelled, "the plugin is being stopped"));
    assert!(answer.next().await.is_none());
}

#[tokio::test(start_paused = true)]
async fn the_callers_deadline_ends_an_answer() {
    for script in ["wait 60000", "send one\nwait 60000"] {
        let grafana = Grafana::new().await;
        let answer = grafana.resource_within(Duration::from_millis(300), script).await.unwrap();
        let status = answer.rest().await.1.unwrap();
        assert_eq!(status.code(), Code::DeadlineExceeded, "{script}");
        assert_eq!(grafana.counted("callResource", "error", "plugin"), "1");
    }
}

/// More pieces than wait anywhere on their way, so the guest waits for somebody who reads them.
fn unread() -> String {
    "send x\n".repeat(10)
}

#[tokio::test(start_paused = true)]
async fn a_caller_that_does_not_read_does_not_stop_the_clock() {
    let grafana = Grafana::new().await;
    let _answer = grafana.resource(&unread()).await.unwrap();
    tokio::time::sleep(LIMITS.call_timeout + Duration::from_secs(1)).await;
    assert_eq!(grafana.counted("callResource", "error", "plugin"), "1");
    let error = "the plugin did not answer within 300s; raise gpx_call_timeout if it needs more";
    assert_eq!(grafana.loaded.logged("Plugin Request Completed")[0]["error"], error);
}

#[tokio::test(start_paused = true)]
async fn the_callers_deadline_ends_an_answer_that_is_not_read() {
    let grafana = Grafana::new().await;
    let answer = grafana.resource_within(Duration::from_millis(300), &unread()).await.unwrap();
    a_while().await;
    assert_eq!(grafana.counted("callResource", "error", "plugin"), "1");
    let (pieces, status) = answer.rest().await;
    assert!(pieces.len() < 10, "all was sent");
    assert_eq!(status.unwrap().code(), Code::DeadlineExceeded);
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_the_end_of_the_process_cuts_off_does_not_look_complete() {
    let grafana = Grafana::new().await;
    let answer = grafana.resource(&unread()).await.unwrap();
    a_while().await;
    grafana.shutdown.trigger();
    a_while().await;
    assert_eq!(grafana.counted("callResource", "cancelled", "downstream"), "1");
    let (pieces, status) = answer.rest().await;
    assert!(pieces.len() < 10, "all was sent");
    let status = status.unwrap();
    assert_eq!((status.code(), status.message()), (Code::Cancelled, "the plugin is being stopped"));
}

#[tokio::test]
async fn a_late_fault_of_any_length_fits_into_its_status() {
    let (pieces, status, end) = answer("send one\nfail-long 20000000").await;
    let status = status.unwrap();
    assert_eq!((pieces.len(), end), (1, "error"));
    assert!(status.starts_with("Unknown: xxx") && status.ends_with("x…") && status.len() < 9000);
}
