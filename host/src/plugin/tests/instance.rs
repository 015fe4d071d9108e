use std::time::Duration;

use opentelemetry::trace::Status;

use crate::budget::Limits;
use crate::plugin::test::{Asker, LIMITS, Loaded};

/// What a guest's abort means if nothing else is known.
const ABORTED: &str =
    "the plugin failed: it aborted in command without a message (wasm `unreachable` instruction)";

/// What a guest's abort means if it needed more memory than it may have.
const REFUSED: &str = "the plugin failed: it aborted in command after more than 2 MiB of memory was refused; \
                       raise gpx_memory_max if it needs more";

fn a() -> Asker {
    Asker::of("a")
}

#[tokio::test]
async fn an_instance_is_opened_once_with_its_settings() {
    let loaded = Loaded::new().await;
    let asker = Asker::of("my-uid").to("setting 16\nsay : opened \nopened\nsay , called \ncount");
    assert_eq!(loaded.ask(&asker).await.unwrap(), "my-uid: opened 1, called 1");
    assert_eq!(loaded.ask(&asker).await.unwrap(), "my-uid: opened 1, called 2");
}

#[tokio::test]
async fn a_fault_of_open_answers_the_call_and_the_next_one_tries_again() {
    let loaded = Loaded::new().await;
    let mut asker = a();
    asker.settings().json_data = "out opening\nfail 403 1 no token".into();
    for tries in 1..=3 {
        let error = loaded.ask(&asker).await.unwrap_err();
        assert_eq!((error.to_string().as_str(), error.status()), ("no token", 403));
        assert_eq!(error.source().name(), "downstream");
        assert_eq!(loaded.logged("opening").len(), tries);
    }
}

#[tokio::test]
async fn a_trap_in_open_answers_the_call() {
    let loaded = Loaded::new().await;
    let mut asker = a();
    asker.settings().json_data = "trap".into();
    for _ in 0..2 {
        let error = loaded.ask(&asker).await.unwrap_err().to_string();
        assert_eq!(error, ABORTED);
    }
}

#[tokio::test]
async fn a_fault_keeps_the_instance() {
    let loaded = Loaded::new().await;
    let error = loaded.ask(&a().to("fail 418 0 a teapot")).await.unwrap_err();
    assert_eq!((error.to_string().as_str(), error.status()), ("a teapot", 418));
    assert_eq!(error.source().name(), "plugin");
    assert_eq!(loaded.ask(&a()).await.unwrap(), "2");
}

#[tokio::test]
async fn a_trap_discards_the_instance() {
    let loaded = Loaded::new().await;
    let error = loaded.ask(&a().to("trap")).await.unwrap_err();
    let text = error.to_string();
    assert_eq!((text.as_str(), error.status()), (ABORTED, 500));
    let lines = loaded.logged("The plugin's instance was discarded");
    assert!(matches!(lines.as_slice(), [line] if line["error"] == text), "{lines:?}");
    assert_eq!(loaded.ask(&a()).await.unwrap(), "1");
}

#[tokio::test(start_paused = true)]
async fn a_cancelled_call_discards_the_instance() {
    let loaded = Loaded::new().await;
    assert_eq!(loaded.ask(&a()).await.unwrap(), "1");
    let waiting = loaded.start(&a().to("wait 60000"));
    tokio::time::sleep(Duration::from_secs(1)).await;
    waiting.abort();
    assert!(waiting.await.unwrap_err().is_cancelled());
    assert_eq!(loaded.ask(&a()).await.unwrap(), "1");
}

#[tokio::test]
async fn spans_left_open_end_with_the_call() {
    let loaded = Loaded::new().await;
    loaded.ask(&a().to("span outer\nspan inner")).await.unwrap();
    let spans = loaded.ended.spans();
    let [inner, outer, call] = spans.as_slice() else { panic!("{spans:?}") };
    assert_eq!([&inner.name, &outer.name, &call.name], ["inner", "outer", "sdk.queryData"]);
    assert_eq!([&inner.status, &outer.status], [&Status::Unset; 2]);
    assert_eq!(inner.parent_span_id, outer.span_context.span_id());
    assert_eq!(outer.parent_span_id, call.span_context.span_id());
}

#[tokio::test(start_paused = true)]
async fn spans_of_a_stopped_call_say_why() {
    let loaded = Loaded::new().await;
    let error = loaded.ask(&a().to("span trapped\ntrap")).await.unwrap_err();
    let waiting = loaded.start(&a().to("span cancelled\nwait 60000"));
    tokio::time::sleep(Duration::from_secs(1)).await;
    waiting.abort();
    assert!(waiting.await.unwrap_err().is_cancelled());
    let spans = loaded.ended.spans();
    let status = |name| &spans.iter().find(|span| span.name == name).unwrap().status;
    assert_eq!(status("trapped"), &Status::error(error.to_string()));
    assert_eq!(status("cancelled"), &Status::error("the call was cancelled"));
}

#[tokio::test]
async fn computing_for_too_long_names_the_setting() {
    let loaded = Loaded::with(&Limits { cpu_timeout: Duration::from_millis(30), ..LIMITS }).await;
    let error = loaded.ask(&a().to("loop")).await.unwrap_err();
    let text = "the plugin computed for more than 30ms; raise gpx_cpu_timeout if it needs more";
    assert_eq!((error.to_string().as_str(), error.status()), (text, 504));
    assert_eq!(loaded.ask(&a()).await.unwrap(), "1");
}

#[tokio::test]
async fn a_guest_that_computes_ends_at_the_callers_deadline() {
    let loaded = Loaded::with(&Limits { cpu_timeout: Duration::from_secs(3), ..LIMITS }).await;
    assert_eq!(loaded.ask(&a()).await.unwrap(), "1");
    let error = loaded.ask(&a().to("loop").within(Duration::from_millis(30))).await.unwrap_err();
    assert_eq!(error.to_string(), "the plugin did not answer before the caller's deadline");
    assert_eq!((error.status(), error.source().name()), (504, "plugin"));
    assert_eq!(loaded.ask(&a()).await.unwrap(), "1");
}

#[tokio::test(start_paused = true)]
async fn waiting_for_too_long_names_the_setting() {
    let loaded = Loaded::new().await;
    let error = loaded.ask(&a().to("wait 1000000")).await.unwrap_err();
    let text = "the plugin did not answer within 300s; raise gpx_call_timeout if it needs more";
    assert_eq!((error.to_string().as_str(), error.status()), (text, 504));
    assert_eq!(loaded.ask(&a()).await.unwrap(), "1");
}

#[tokio::test]
async fn a_limit_that_stops_open_is_named() {
    let cpu = Limits { cpu_timeout: Duration::from_millis(30), ..LIMITS };
    let memory = Limits { memory_max: 2 << 20, ..LIMITS };
    let wall = Limits { call_timeout: Duration::from_millis(30), ..LIMITS };
    for (limits, script, told) in [
        (cpu, "loop", "the plugin computed for more than 30ms; raise gpx_cpu_timeout if it needs more"),
        (memory, "need 32", REFUSED),
        (
            wall,
            "wait 60000",
            "the plugin did not answer within 30ms; raise gpx_call_timeout if it needs more",
        ),
    ] {
        let loaded = Loaded::with(&limits).await;
        let mut asker = a();
        asker.settings().json_data = script.into();
        assert_eq!(loaded.ask(&asker).await.unwrap_err().to_string(), told);
    }
    // The caller's own deadline is not the operator's.
    let mut asker = a().within(Duration::from_millis(30));
    asker.settings().json_data = "wait 60000".into();
    let told = Loaded::new().await.ask(&asker).await.unwrap_err().to_string();
    assert_eq!(told, "the plugin did not answer before the caller's deadline");
}

#[tokio::test]
async fn needing_too_much_memory_names_the_setting() {
    let loaded = Loaded::with(&Limits { memory_max: 2 << 20, ..LIMITS }).await;
    let error = loaded.ask(&a().to("need 32")).await.unwrap_err();
    assert_eq!((error.to_string().as_str(), error.status()), (REFUSED, 500));
    assert_eq!(loaded.ask(&a()).await.unwrap(), "1");
    assert_eq!(loaded.ask(&a().to("need 30\ncount")).await.unwrap(), "2", "the guest starts with one page");
}

#[tokio::test]
async fn a_guest_may_handle_a_refusal_of_memory() {
    let loaded = Loaded::with(&Limits { memory_max: 2 << 20, ..LIMITS }).await;
    assert_eq!(loaded.ask(&a().to("try 32\ncount")).await.unwrap(), "1");
    assert_eq!(loaded.ask(&a()).await.unwrap(), "2");
}

#[tokio::test]
async fn what_a_call_printed_explains_its_own_trap_only() {
    let loaded = Loaded::new().await;
    let panic = "err thread main panicked at src/lib.rs:1:2:\nerr no rows";
    let error = loaded.ask(&a().to(&format!("{panic}\ntrap"))).await.unwrap_err();
    assert_eq!(error.to_string(), "the plugin panicked: no rows (src/lib.rs:1:2, in command)");
    loaded.ask(&a().to(panic)).await.unwrap();
    let error = loaded.ask(&a().to("trap")).await.unwrap_err().to_string();
    assert!(error.starts_with("the plugin failed: "), "{error}");
}

#[tokio::test]
async fn a_fault_reveals_no_secret() {
    let loaded = Loaded::new().await;
    let mut asker = a().to("fail 401 0 hunter2 is not the token");
    asker.settings().secrets.insert("token".to_owned(), "hunter2".to_owned());
    assert_eq!(loaded.ask(&asker).await.unwrap_err().to_string(), "[secret] is not the token");
}
