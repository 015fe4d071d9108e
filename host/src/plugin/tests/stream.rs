//! These tests use tokio's clock, which advances on its own to the next moment that anything waits for.

use std::time::Duration;

use tokio::time::Instant;
use wasmtime::Store;

use crate::budget::Limits;
use crate::plugin::component::services::Exports;
use crate::plugin::instance::invocation::{Called, Invocation};
use crate::plugin::instance::state::State;
use crate::plugin::test::{Asker, LIMITS, Loaded};
use crate::plugin::{CallError, Plugin, StreamRequest, WaitedFor};

const CALL_TIMEOUT: Duration = Duration::from_secs(2);

/// A stream that sends nothing, until it is stopped.
struct Silent;

impl Invocation for Silent {
    type Answer = ();

    const LASTS: bool = true;

    fn function(&self) -> &'static str {
        "stream.run"
    }

    async fn invoke(self, _: &mut Store<State>, _: &Exports) -> Called<()> {
        std::future::pending().await
    }
}

async fn loaded() -> Loaded {
    Loaded::with(&Limits { call_timeout: CALL_TIMEOUT, ..LIMITS }).await
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_pauses_has_time_left_to_begin() {
    let loaded = loaded().await;
    let (call, owner) = loaded.begin_stream(&Asker::of("a")).await;
    let path = "path".to_owned();
    for _ in 0..10 {
        owner.streams.failed_after(owner.streams.key(&path), Duration::ZERO);
    }
    let (sender, _packets) = Plugin::packets(&owner);
    let request = StreamRequest { path, data: "".into() };
    let began = Instant::now();
    let error = loaded.plugin.run_stream(call.call(), &owner, request, 0, sender).await.unwrap_err();
    // It has run: the guest has no such function.
    assert!(matches!(error, CallError::Trapped(_)), "{error}");
    assert!(began.elapsed() >= CALL_TIMEOUT / 2, "it pauses as long as it can");
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_runs_until_its_callers_deadline_blames_no_setting() {
    let loaded = loaded().await;
    let (unanswered, owner) = loaded.begin_stream(&Asker::of("a").within(10 * CALL_TIMEOUT)).await;
    let (call, plugin, time) = (unanswered.call(), &loaded.plugin, &owner.streams.time);
    let permit = plugin.stream_permit(&owner).unwrap();
    let instance = plugin.open(call, &owner, &mut plugin.turn(call, time), &permit).await.unwrap();
    let governor = &plugin.platform.governor;
    let mut turn = governor.lasting_turn(time, call.deadline.end(), call.upstream.clone());
    let error = plugin.run(call, &owner, &mut turn, permit, instance, Silent).await.unwrap_err();
    assert!(matches!(error, CallError::CallerDeadline(WaitedFor::Component)), "{error}");
    assert_eq!(error.trap(), Some("caller_deadline"));
}
