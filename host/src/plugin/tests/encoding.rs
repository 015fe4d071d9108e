//! What is done with an answer after the guest has given it is a part of the call.

use std::time::Duration;

use crate::budget::Limits;
use crate::plugin::test::{Asker, LIMITS, Loaded};

/// Answers a megabyte of bits, which are fifty megabytes of JSON, and counts the call.
const LARGE: &str = "need 20\nrows 8388608";

const ONE: Limits = Limits { instances_max: Some(1), ..LIMITS };

#[tokio::test]
async fn encoding_counts_as_processor_time() {
    let loaded = Loaded::with(&Limits { cpu_timeout: Duration::from_millis(50), ..ONE }).await;
    let asker = Asker::of("a");
    assert_eq!(loaded.ask(&asker).await.unwrap(), "1");
    let error = loaded.ask(&asker.to(LARGE)).await.unwrap_err();
    let text = "the plugin computed for more than 50ms; raise gpx_cpu_timeout if it needs more";
    assert_eq!((error.to_string().as_str(), error.status()), (text, 504));
    assert_eq!(loaded.ask(&asker).await.unwrap(), "3", "the guest was done, so its instance is kept");
}

#[tokio::test]
async fn encoding_ends_at_the_deadline() {
    let loaded = Loaded::with(&ONE).await;
    let asker = Asker::of("a");
    assert_eq!(loaded.ask(&asker).await.unwrap(), "1");
    let error = loaded.ask(&asker.to(LARGE).within(Duration::from_millis(50))).await.unwrap_err();
    assert_eq!(error.to_string(), "the plugin did not answer before the caller's deadline");
    assert_eq!(loaded.ask(&asker).await.unwrap(), "3");
}

#[tokio::test]
async fn an_answer_that_is_encoded_leaves_thread_and_instance_to_others() {
    let loaded = Loaded::with(&ONE).await;
    let asker = Asker::of("a");
    let encoding = loaded.start(&asker.to(LARGE));
    tokio::task::yield_now().await;
    // There is one instance, so it waits until the guest has answered.
    assert_eq!(loaded.ask(&asker).await.unwrap(), "2");
    assert!(!encoding.is_finished(), "the other call was answered only after this one");
    encoding.abort();
    assert!(encoding.await.unwrap_err().is_cancelled());
    assert_eq!(loaded.ask(&asker).await.unwrap(), "3");
}
