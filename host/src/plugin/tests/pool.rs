//! These tests use tokio's clock, which advances on its own to the next moment that anything waits for.

use std::time::Duration;

use crate::budget::Limits;
use crate::plugin::test::{Asker, INSTANCE, LIMITS, Loaded, PAGE};

const WAIT_1_S: &str = "wait 1000\ncount";
const WAIT_60_S: &str = "wait 60000\ncount";

const ONE: Limits = Limits { instances_max: Some(1), ..LIMITS };

async fn seconds(seconds: u64) {
    tokio::time::sleep(Duration::from_secs(seconds)).await;
}

#[tokio::test(start_paused = true)]
async fn the_instance_that_was_used_last_is_used_first() {
    let loaded = Loaded::new().await;
    let asker = Asker::of("a");
    let (one, two) = (loaded.start(&asker.to(WAIT_1_S)), loaded.start(&asker.to("wait 2000\ncount")));
    assert_eq!([one.await.unwrap().unwrap(), two.await.unwrap().unwrap()], ["1", "1"]);
    assert_eq!(loaded.ask(&asker).await.unwrap(), "2");
    assert_eq!(loaded.ask(&asker).await.unwrap(), "3");
}

#[tokio::test(start_paused = true)]
async fn calls_beyond_instances_max_wait_for_their_turn() {
    let loaded = Loaded::with(&Limits { instances_max: Some(2), ..LIMITS }).await;
    let asker = Asker::of("a");
    let calls = [(); 5].map(|()| loaded.start(&asker.to(WAIT_1_S)));
    let mut answers = Vec::new();
    for call in calls {
        answers.push(call.await.unwrap().unwrap());
    }
    assert_eq!(answers, ["1", "1", "2", "2", "3"]);
    // Another data source has its own instances.
    let busy = [(); 2].map(|()| loaded.start(&asker.to(WAIT_1_S)));
    tokio::task::yield_now().await;
    assert_eq!(loaded.ask(&Asker::of("b")).await.unwrap(), "1");
    assert!(busy.iter().all(|call| !call.is_finished()));
}

#[tokio::test(start_paused = true)]
async fn a_call_waits_for_its_turn_only_until_its_deadline() {
    let loaded = Loaded::with(&ONE).await;
    let asker = Asker::of("a");
    let running = loaded.start(&asker.to(WAIT_60_S));
    tokio::task::yield_now().await;
    let error = loaded.ask(&asker.within(Duration::from_secs(5))).await.unwrap_err();
    assert_eq!(error.status(), 504, "{error}");
    assert!(error.to_string().contains("all 1 instances were busy; raise gpx_instances_max"), "{error}");
    assert!(!running.is_finished());
    assert_eq!(running.await.unwrap().unwrap(), "1");
    assert_eq!(loaded.ask(&asker).await.unwrap(), "2");
}

#[tokio::test(start_paused = true)]
async fn a_call_whose_time_runs_out_before_its_turn_says_what_it_waited_for() {
    let loaded = Loaded::with(&Limits { call_timeout: Duration::from_secs(5), ..ONE }).await;
    let asker = Asker::of("a");
    let running = loaded.start(&asker.to(WAIT_60_S));
    tokio::task::yield_now().await;
    let error = loaded.ask(&asker).await.unwrap_err();
    let text = "the plugin did not answer within 5s, because all 1 instances were busy; raise gpx_instances_max if more \
                should run at once";
    assert_eq!((error.status(), error.to_string()), (504, text.to_owned()));
    running.abort();
}

#[tokio::test(start_paused = true)]
async fn a_call_cancelled_while_it_waits_leaves_its_turn_to_others() {
    let loaded = Loaded::with(&ONE).await;
    let asker = Asker::of("a");
    let running = loaded.start(&asker.to(WAIT_1_S));
    let (gone, next) = (loaded.start(&asker), loaded.start(&asker));
    tokio::task::yield_now().await;
    gone.abort();
    assert!(gone.await.unwrap_err().is_cancelled());
    assert_eq!(running.await.unwrap().unwrap(), "1");
    assert_eq!(next.await.unwrap().unwrap(), "2");
    assert_eq!(loaded.ask(&asker).await.unwrap(), "3");
}

#[tokio::test(start_paused = true)]
async fn a_discarded_instance_makes_room() {
    let loaded = Loaded::with(&ONE).await;
    let asker = Asker::of("a");
    loaded.ask(&asker.to("trap")).await.unwrap_err();
    assert_eq!(loaded.ask(&asker).await.unwrap(), "1");
    let running = loaded.start(&asker.to(WAIT_60_S));
    seconds(1).await;
    running.abort();
    assert!(running.await.unwrap_err().is_cancelled());
    assert_eq!(loaded.ask(&asker).await.unwrap(), "1");
}

#[tokio::test(start_paused = true)]
async fn an_instance_is_dropped_after_a_minute_without_a_call() {
    let loaded = Loaded::new().await;
    let asker = Asker::of("a");
    assert_eq!(loaded.ask(&asker).await.unwrap(), "1");
    seconds(59).await;
    assert_eq!(loaded.ask(&asker).await.unwrap(), "2");
    seconds(59).await;
    assert_eq!(loaded.ask(&asker).await.unwrap(), "3", "each call starts the minute again");
    seconds(61).await;
    assert_eq!(
        loaded.ask(&asker).await.unwrap(),
        "1",
        "the minute starts with the last call, not with the first"
    );
    // The remaining instances are dropped as well.
    seconds(61).await;
    assert_eq!(loaded.ask(&asker).await.unwrap(), "1");
}

#[tokio::test(start_paused = true)]
async fn only_instances_whose_minute_is_over_are_dropped() {
    let loaded = Loaded::new().await;
    let asker = Asker::of("a");
    let two_at_once = async || {
        let calls = [(); 2].map(|()| loaded.start(&asker.to(WAIT_1_S)));
        let mut answers = Vec::new();
        for call in calls {
            answers.push(call.await.unwrap().unwrap());
        }
        answers
    };
    assert_eq!(two_at_once().await, ["1", "1"]);
    seconds(30).await;
    assert_eq!(loaded.ask(&asker).await.unwrap(), "2");
    seconds(31).await;
    assert_eq!(two_at_once().await, ["3", "1"]);
}

#[tokio::test(start_paused = true)]
async fn an_idle_instance_makes_room_for_another() {
    let loaded = Loaded::with(&Limits { memory_total: INSTANCE + 2 * PAGE, ..LIMITS }).await;
    let (a, b) = (Asker::of("a"), Asker::of("b"));
    assert_eq!(loaded.ask(&a.to("need 2\ncount")).await.unwrap(), "1");
    assert_eq!(loaded.ask(&a).await.unwrap(), "2", "it is kept until another one needs memory");
    // Long before the other one's minute is over.
    assert_eq!(loaded.ask(&b.to("need 2\ncount").within(Duration::from_secs(5))).await.unwrap(), "1");
    assert_eq!(loaded.ask(&a).await.unwrap(), "1", "it made room for the other data source's instance");
}

#[tokio::test(start_paused = true)]
async fn an_idle_instance_makes_room_for_one_that_grows() {
    let loaded = Loaded::with(&Limits { memory_total: 2 * INSTANCE + 2 * PAGE, ..LIMITS }).await;
    let (a, b) = (Asker::of("a"), Asker::of("b"));
    loaded.ask(&a.to("need 2\ncount")).await.unwrap();
    assert_eq!(loaded.ask(&b).await.unwrap(), "1");
    assert_eq!(loaded.ask(&a).await.unwrap(), "2", "there is room for both");
    assert_eq!(loaded.ask(&b.to("need 9\ncount")).await.unwrap(), "2");
    assert_eq!(loaded.ask(&a).await.unwrap(), "1");
}

#[tokio::test(start_paused = true)]
async fn the_instance_that_has_been_idle_longest_goes_first() {
    let loaded = Loaded::with(&Limits { memory_total: 3 * INSTANCE, ..LIMITS }).await;
    let askers = ["a", "b", "c"].map(Asker::of);
    for asker in &askers {
        loaded.ask(asker).await.unwrap();
    }
    loaded.ask(&askers[0]).await.unwrap();
    loaded.ask(&Asker::of("d")).await.unwrap();
    assert_eq!(loaded.ask(&askers[0]).await.unwrap(), "3");
    assert_eq!(loaded.ask(&askers[2]).await.unwrap(), "2");
    assert_eq!(loaded.ask(&askers[1]).await.unwrap(), "1", "it was used before the others");
}

#[tokio::test(start_paused = true)]
async fn a_call_waits_for_memory_that_running_calls_use() {
    let loaded = Loaded::with(&Limits { memory_total: INSTANCE + PAGE, ..LIMITS }).await;
    let (a, b) = (Asker::of("a"), Asker::of("b"));
    let running = loaded.start(&a.to("need 1\nwait 60000"));
    seconds(1).await;
    let error = loaded.ask(&b.within(Duration::from_secs(5))).await.unwrap_err();
    assert!(error.to_string().contains("gpx_memory_total"), "{error}");
    let waiting = loaded.start(&b);
    seconds(1).await;
    assert!(!waiting.is_finished());
    running.abort();
    assert_eq!(waiting.await.unwrap().unwrap(), "1");
}

#[tokio::test(start_paused = true)]
async fn a_call_that_waits_for_memory_gets_that_of_one_that_is_done() {
    let loaded = Loaded::with(&Limits { memory_total: INSTANCE + PAGE, ..LIMITS }).await;
    let (a, b) = (Asker::of("a"), Asker::of("b"));
    let running = loaded.start(&a.to("need 1\nwait 2000\ncount"));
    seconds(1).await;
    let waiting = loaded.start(&b.within(Duration::from_secs(5)));
    assert_eq!(running.await.unwrap().unwrap(), "1");
    assert_eq!(waiting.await.unwrap().unwrap(), "1");
}

#[tokio::test(start_paused = true)]
async fn a_call_that_waits_for_memory_takes_its_owners_instance_instead() {
    let loaded = Loaded::with(&Limits { memory_total: INSTANCE + PAGE, ..LIMITS }).await;
    let asker = Asker::of("a");
    let running = loaded.start(&asker.to("wait 2000\ncount"));
    seconds(1).await;
    let waiting = [(); 3].map(|()| loaded.start(&asker));
    assert_eq!(running.await.unwrap().unwrap(), "1");
    for (call, calls) in waiting.into_iter().zip(["2", "3", "4"]) {
        assert_eq!(call.await.unwrap().unwrap(), calls);
    }
}

#[tokio::test(start_paused = true)]
async fn an_owner_that_holds_less_goes_first() {
    let loaded = Loaded::with(&Limits { memory_total: 2 * INSTANCE, ..LIMITS }).await;
    let (a, b) = (Asker::of("a"), Asker::of("b"));
    let running = [1000, 2000].map(|time| loaded.start(&a.to(&format!("wait {time}\ncount"))));
    tokio::task::yield_now().await;
    let many = [(); 5].map(|()| loaded.start(&a.to("wait 5000\ncount")));
    tokio::task::yield_now().await;
    // The first call of `a` that ends makes room for it, though the others of `a` came before.
    assert_eq!(loaded.ask(&b.within(Duration::from_millis(1500))).await.unwrap(), "1");
    for call in running.into_iter().chain(many) {
        call.await.unwrap().unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn all_calls_that_wait_for_memory_go_on_once_there_is_enough() {
    let loaded = Loaded::with(&Limits { memory_total: 3 * INSTANCE, ..LIMITS }).await;
    // What is left is enough for one of them.
    let running = loaded.start(&Asker::of("a").to("need 12\nwait 60000"));
    seconds(1).await;
    let waiting = ["b", "c", "d"].map(|uid| loaded.start(&Asker::of(uid).within(Duration::from_secs(5))));
    seconds(1).await;
    running.abort();
    for call in waiting {
        assert_eq!(call.await.unwrap().unwrap(), "1");
    }
}

#[tokio::test(start_paused = true)]
async fn one_that_grows_within_its_fair_share_waits_for_memory() {
    let loaded = Loaded::with(&Limits { memory_total: 3 * INSTANCE, ..LIMITS }).await;
    let need = INSTANCE / PAGE;
    let running = loaded.start(&Asker::of("a").to(&format!("need {need}\nwait 2000\ncount")));
    let waiting = loaded.start(&Asker::of("b").to("wait 1000\nneed 6\ncount").within(Duration::from_secs(5)));
    seconds(1).await;
    assert_eq!(waiting.await.unwrap().unwrap(), "1");
    assert_eq!(running.await.unwrap().unwrap(), "1");
}

#[tokio::test(start_paused = true)]
async fn what_waits_is_told_once_with_its_limit_and_is_measured() {
    let loaded = Loaded::with(&Limits { memory_total: INSTANCE + PAGE, ..LIMITS }).await;
    loaded.plugin.platform.measure().unwrap();
    let of = |kind: &str| loaded.metric(&format!("gpx_memory_bytes{{kind=\"{kind}\"}}"));
    assert_eq!((of("linear").as_str(), loaded.metric("gpx_memory_waiting").as_str()), ("0", "0"));
    let running = loaded.start(&Asker::of("a").to("need 1\nwait 2000\ncount"));
    seconds(1).await;
    let waiting = ["b", "c"].map(|uid| loaded.start(&Asker::of(uid)));
    tokio::task::yield_now().await;
    assert_eq!(of("linear"), (2 * PAGE).to_string());
    assert_eq!(loaded.metric("gpx_memory_waiting"), "2");
    let total = (INSTANCE + PAGE) >> 20;
    let told = format!("Calls wait: gpx_memory_total = {total} is reached; raise it if there is memory");
    let [line] = loaded.logged(&told).try_into().expect("one line");
    assert_eq!((&line["@level"], &line["setting"]), (&"warn".into(), &"gpx_memory_total".into()));
    for call in [running].into_iter().chain(waiting) {
        call.await.unwrap().unwrap();
    }
    assert_eq!(loaded.metric("gpx_memory_waiting"), "0");
}

#[tokio::test(start_paused = true)]
async fn a_wait_for_a_turn_is_told_once_with_its_limit() {
    let loaded = Loaded::with(&ONE).await;
    let calls = [(); 3].map(|()| loaded.start(&Asker::of("a").to(WAIT_1_S)));
    for call in calls {
        call.await.unwrap().unwrap();
    }
    let told = "Calls wait: gpx_instances_max = 1 is reached; raise it if there is memory";
    assert_eq!(loaded.logged(told).len(), 1);
}
