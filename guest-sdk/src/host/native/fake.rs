//! What a fake host knows and has recorded. There is at most one for each thread, as a component has one thread.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;
use std::time::Duration;

use crate::bindings::base::gpx::plugin::call::{GrafanaConfig, PluginContext};
use crate::bindings::base::gpx::plugin::types::Header;
use crate::test::mock::{Mock, SentRequest};
use crate::test::record::{LogRecord, Measurement, RequestSpanRecord, SpanRecord};

pub(crate) struct Fake {
    /// Nanoseconds since 1970. Only waiting makes them pass.
    pub(crate) now: Cell<u64>,
    /// The state of the random numbers.
    pub(crate) random: Cell<u64>,
    pub(crate) context: RefCell<PluginContext>,
    pub(crate) config: RefCell<GrafanaConfig>,
    pub(crate) headers: RefCell<Vec<Header>>,
    /// How long a call may take, and when the one that runs must be over.
    pub(crate) limit: Cell<Option<Duration>>,
    pub(crate) deadline: Cell<Option<u64>>,
    pub(crate) cancelled: Cell<bool>,
    pub(crate) lines: RefCell<Vec<LogRecord>>,
    pub(crate) spans: RefCell<Vec<SpanRecord>>,
    /// The spans that are current, by their index: the last one is.
    pub(crate) open: RefCell<Vec<usize>>,
    /// What was said of requests that have not been sent yet.
    pub(crate) described: RefCell<Vec<Option<RequestSpanRecord>>>,
    pub(crate) measurements: RefCell<Vec<Measurement>>,
    pub(crate) kept: RefCell<HashMap<String, Kept>>,
    /// The keys whose values are being loaded.
    pub(crate) loading: RefCell<Vec<String>>,
    pub(crate) mocks: RefCell<Vec<Mock>>,
    pub(crate) requests: RefCell<Vec<SentRequest>>,
}

/// A value in the cache.
pub(crate) struct Kept {
    pub(crate) value: Vec<u8>,
    pub(crate) until: u64,
}

thread_local! {
    static CURRENT: RefCell<Option<Rc<Fake>>> = const { RefCell::new(None) };
}

/// Returns the fake host of this thread, if there is one.
pub(crate) fn current() -> Option<Rc<Fake>> {
    CURRENT.with_borrow(Clone::clone)
}

/// Returns the fake host of this thread. `what` needs it, and begins the sentence.
#[expect(clippy::panic, reason = "it fails the test that lacks a host, and no other one")]
pub(crate) fn needed(what: &str) -> Rc<Fake> {
    match current() {
        Some(fake) => fake,
        None => panic!(
            "{what} needs a host, and this test has none: enable the feature `test` of gpx-sdk under \
             [dev-dependencies], and begin the test with `let host = gpx_sdk::test::Host::new();`"
        ),
    }
}

/// Makes it the host of this thread. Returns false if there is one already.
pub(crate) fn install(fake: &Rc<Fake>) -> bool {
    CURRENT.with_borrow_mut(|current| {
        let is_free = current.is_none();
        current.get_or_insert_with(|| Rc::clone(fake));
        is_free
    })
}

/// Leaves this thread without a host.
pub(crate) fn remove() {
    CURRENT.with_borrow_mut(Option::take);
}

// === impl Fake ===

impl Fake {
    /// Lets time pass until then. It never goes back.
    pub(crate) fn wait_until(&self, then: u64) {
        self.now.set(self.now.get().max(then));
    }
}
