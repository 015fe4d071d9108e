use std::time::Duration;

use tonic::Code;

use crate::plugin::test::{Guest, LIMITS};
use crate::proto::pluginv2::{DataFrameFormat, PluginContext, QueryChunkedDataResponse, QueryDataRequest};
use crate::rpc::test::{Grafana, a_while, answer, queries};

const CHUNKED: &str = "queryChunkedData";

/// More chunks than wait anywhere on their way, so the guest waits for somebody who reads them.
fn unread() -> QueryDataRequest {
    one(&"chunk x\nout sent\n".repeat(10))
}

fn one(script: &str) -> QueryDataRequest {
    queries(&[("A", script)])
}

/// Returns refId, frame's id and frame of each chunk; and of an error, its status, source and text.
fn told(chunks: &[QueryChunkedDataResponse]) -> Vec<(&str, &str, String)> {
    let content = |chunk: &QueryChunkedDataResponse| {
        if chunk.error.is_empty() {
            assert_eq!((chunk.status, chunk.error_source.as_str()), (200, ""));
            String::from_utf8(chunk.frame.clone().into()).unwrap()
        } else {
            assert_eq!((chunk.frame.len(), chunk.format), (0, 0));
            format!("{} {} {}", chunk.status, chunk.error_source, chunk.error)
        }
    };
    chunks.iter().map(|chunk| (chunk.ref_id.as_str(), chunk.frame_id.as_str(), content(chunk))).collect()
}

#[tokio::test]
async fn the_first_chunk_of_a_frame_has_its_schema_and_the_others_have_rows() {
    let grafana = Grafana::new().await;
    let (chunks, status) =
        grafana.chunked(one("chunk x\nchunk x\nchunk y\nchunk x")).await.unwrap().all().await;
    assert!(status.is_none(), "{status:?}");
    let data = r#""data":{"values":[[true,false,true]]}}"#;
    let schema = |name: &str| {
        let field = r#"{"type":"boolean","typeInfo":{"frame":"bool"}}"#;
        format!(r#"{{"schema":{{"name":"{name}","refId":"A","fields":[{field}]}},{data}"#)
    };
    let rows = format!("{{{data}");
    let expected =
        [("A", "x", schema("x")), ("A", "x", rows.clone()), ("A", "y", schema("y")), ("A", "x", rows)];
    assert_eq!(told(&chunks), expected);
    assert!(chunks.iter().all(|chunk| chunk.format() == DataFrameFormat::Json));
    assert_eq!(grafana.counted(CHUNKED, "ok", "plugin"), "1");
    assert!(grafana.loaded.ended.spans().iter().any(|span| span.name == "sdk.queryChunkedData"));
    assert_eq!(grafana.loaded.logged("Plugin Request Completed")[0]["endpoint"], CHUNKED);
}

#[tokio::test]
async fn each_chunk_in_arrow_is_a_file() {
    let request = QueryDataRequest { format: DataFrameFormat::Arrow.into(), ..one("chunk x\nchunk x") };
    let (chunks, status) = Grafana::new().await.chunked(request).await.unwrap().all().await;
    assert!(status.is_none() && chunks.len() == 2);
    assert!(chunks.iter().all(|chunk| chunk.format() == DataFrameFormat::Arrow));
    assert!(chunks.iter().all(|chunk| chunk.frame.starts_with(b"ARROW1") && chunk.frame == chunks[0].frame));
}

#[tokio::test]
async fn an_answer_may_be_empty() {
    let (chunks, status) = Grafana::new().await.chunked(one("say nothing")).await.unwrap().all().await;
    assert!(chunks.is_empty() && status.is_none());
}

#[tokio::test]
async fn the_error_of_a_ref_id_is_a_chunk() {
    let grafana = Grafana::new().await;
    let script = "chunk x\nchunk-fail 503 1 it is down\nchunk x\nchunk-fail 7 1 no status";
    let (chunks, status) = grafana.chunked(one(script)).await.unwrap().all().await;
    assert!(status.is_none());
    let told = told(&chunks);
    assert_eq!(told[1], ("A", "", "503 downstream it is down".to_owned()));
    assert_eq!(told[3], ("A", "", "500 downstream no status".to_owned()));
    assert!(told[2].2.starts_with(r#"{"data""#), "{}", told[2].2);
    assert_eq!(grafana.counted(CHUNKED, "error", "downstream"), "1");
    let lines = grafana.loaded.logged("Partial data response error");
    assert_eq!((lines.len(), &lines[0]["refID"], &lines[0]["status"]), (2, &"A".into(), &503.into()));
}

#[tokio::test]
async fn a_fault_ends_the_answer_after_what_was_sent() {
    for script in ["chunk x\nfail 404 1 no more", "fail 404 1 no more"] {
        let grafana = Grafana::new().await;
        let (chunks, status) = grafana.chunked(one(script)).await.unwrap().all().await;
        assert_eq!(chunks.len(), script.matches("chunk").count());
        let status = status.unwrap();
        assert_eq!((status.code(), status.message()), (Code::Unknown, "no more"));
        let blamed = String::from_utf8_lossy(status.details());
        assert!(blamed.contains("errorSource\u{12}\u{a}downstream"), "{blamed:?}");
        assert_eq!(grafana.counted(CHUNKED, "error", "downstream"), "1");
    }
    let (chunks, status) = Grafana::new().await.chunked(one("chunk x\ntrap")).await.unwrap().all().await;
    assert_eq!(chunks.len(), 1);
    assert!(status.unwrap().message().starts_with("the plugin failed: "));
}

#[tokio::test]
async fn a_component_without_chunks_says_so_and_that_is_no_failure() {
    let grafana = Grafana::of(Guest::without("data-chunked")).await;
    let status = grafana.chunked(one("")).await.err().unwrap();
    assert_eq!(status.code(), Code::Unimplemented);
    assert_eq!(status.message(), "the plugin does not export gpx:plugin/data-chunked");
    assert_eq!(grafana.counted(CHUNKED, "error", "plugin"), "none");
    assert!(grafana.loaded.logged("Plugin Request Completed").is_empty());
}

#[tokio::test]
async fn a_component_that_cannot_be_loaded_ends_the_answer() {
    let grafana = Grafana::broken().await;
    let (chunks, status) = grafana.chunked(one("")).await.unwrap().all().await;
    let status = status.unwrap();
    assert!(chunks.is_empty() && status.code() == Code::Unknown);
    assert!(status.message().contains("it is not WebAssembly"), "{status:?}");
    assert_eq!(grafana.counted(CHUNKED, "error", "plugin"), "1");
}

#[tokio::test]
async fn malformed_requests_are_told_in_a_sentence() {
    let grafana = Grafana::new().await;
    for (request, text) in [
        (QueryDataRequest { plugin_context: None, ..one("") }, "the request has no plugin context"),
        (
            QueryDataRequest { plugin_context: Some(PluginContext::default()), ..one("") },
            "the request has no settings of a data source or an app",
        ),
        (QueryDataRequest { format: 7, ..one("") }, "unsupported data frame format 7"),
    ] {
        let status = grafana.chunked(request).await.err().unwrap();
        assert_eq!((status.code(), status.message()), (Code::Unknown, text));
    }
    assert_eq!(grafana.counted(CHUNKED, "error", "plugin"), "3");
    // Go, too, passes on queries with the same refId.
    let same = queries(&[("A", "chunk x\nout sent"), ("A", "")]);
    assert_eq!(grafana.chunked(same).await.unwrap().all().await.0.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_slow_caller_slows_the_component_down() {
    let grafana = Grafana::new().await;
    let mut chunks = grafana.chunked(unread()).await.unwrap();
    a_while().await;
    let sent = grafana.loaded.logged("sent").len();
    assert!(sent < 5, "{sent} chunks were taken although none has been read");
    for _ in 0..10 {
        chunks.next().await.unwrap().unwrap();
    }
    assert!(chunks.next().await.is_none());
    assert_eq!(grafana.loaded.logged("sent").len(), 10);
}

#[tokio::test(start_paused = true)]
async fn a_caller_that_hangs_up_stops_the_component() {
    let grafana = Grafana::new().await;
    let mut chunks = grafana.chunked(one("chunk x\nwait 60000")).await.unwrap();
    chunks.next().await.unwrap().unwrap();
    drop(chunks);
    a_while().await;
    assert_eq!(grafana.counted(CHUNKED, "cancelled", "downstream"), "1");
    let response = grafana.query(one("count")).await.unwrap();
    assert_eq!(answer(&response, "A"), "1", "the instance was not discarded");
}

#[tokio::test]
async fn a_component_may_notice_that_its_caller_hung_up() {
    let grafana = Grafana::new().await;
    let mut chunks = grafana.chunked(one("chunk-on x\nout refused")).await.unwrap();
    chunks.next().await.unwrap().unwrap();
    drop(chunks);
    let counted = |status, source| grafana.counted(CHUNKED, status, source);
    while [counted("ok", "plugin"), counted("cancelled", "downstream")] == ["none", "none"] {
        tokio::task::yield_now().await;
    }
    assert_eq!(grafana.loaded.logged("refused").len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_call_ends_even_if_the_guest_keeps_its_sender() {
    let grafana = Grafana::new().await;
    let (chunks, status) = grafana.chunked(one("chunk x\nkeep")).await.unwrap().all().await;
    assert!(chunks.len() == 1 && status.is_none());
}

#[tokio::test(start_paused = true)]
async fn the_end_of_the_process_ends_an_answer_that_is_not_read() {
    let grafana = Grafana::new().await;
    let chunks = grafana.chunked(unread()).await.unwrap();
    a_while().await;
    grafana.shutdown.trigger();
    a_while().await;
    assert_eq!(grafana.counted(CHUNKED, "cancelled", "downstream"), "1");
    let (chunks, status) = chunks.all().await;
    assert!(chunks.len() < 10, "all was sent");
    let status = status.unwrap();
    assert_eq!((status.code(), status.message()), (Code::Cancelled, "the plugin is being stopped"));
}

#[tokio::test(start_paused = true)]
async fn the_callers_deadline_ends_an_answer() {
    for request in [one("wait 60000"), one("chunk x\nwait 60000"), unread()] {
        let grafana = Grafana::new().await;
        let chunks = grafana.chunked_within(Duration::from_millis(300), request).await.unwrap();
        a_while().await;
        let (chunks, status) = chunks.all().await;
        assert!(chunks.len() < 10, "all was sent");
        assert_eq!(status.unwrap().code(), Code::DeadlineExceeded);
        assert_eq!(grafana.counted(CHUNKED, "error", "plugin"), "1");
    }
}

#[tokio::test(start_paused = true)]
async fn a_caller_that_does_not_read_does_not_stop_the_clock() {
    let grafana = Grafana::new().await;
    let _chunks = grafana.chunked(unread()).await.unwrap();
    tokio::time::sleep(LIMITS.call_timeout + Duration::from_secs(1)).await;
    assert_eq!(grafana.counted(CHUNKED, "error", "plugin"), "1");
}
