//! What a fake host knows and has recorded. There is at most one for each thread, as a component has one thread.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::panic::resume_unwind;
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
    /// How long a call may take.
    pub(crate) limit: Cell<Option<Duration>>,
    pub(crate) running: Cell<Option<Running>>,
    pub(crate) cancelled: Cell<bool>,
    /// How long an exchange with an upstream may take.
    pub(crate) patience: Cell<Option<Duration>>,
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

/// The call that runs.
#[derive(Clone, Copy)]
pub(crate) struct Running {
    /// When its caller is gone.
    pub(crate) until: Option<u64>,
    pub(crate) is_stream: bool,
}

/// What a call is unwound with when its time is over.
pub(crate) struct Over;

/// How long a stream may run on when nobody is subscribed any more.
const GRACE: Duration = Duration::from_millis(50);

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
            "{what} needs a host, and this thread has none: enable the feature `test` of gpx-sdk under \
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

/// Returns nanoseconds; 584 years are as good as more.
pub(crate) fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

// === impl Fake ===

impl Fake {
    /// Lets time pass until then. It never goes back. As the host drops the instance of a call that takes too long, the call
    /// ends here.
    pub(crate) fn wait_until(&self, then: u64) {
        let end = self.running.get().and_then(|running| running.end()).filter(|end| *end < then);
        self.now.set(self.now.get().max(end.unwrap_or(then)));
        if end.is_some() {
            // Without the message that a panic prints.
            resume_unwind(Box::new(Over));
        }
    }

    /// Returns when so much time will have passed.
    pub(crate) fn later(&self, time: Duration) -> u64 {
        self.now.get().saturating_add(nanos(time))
    }

    /// Lets the caller be gone.
    pub(crate) fn leave(&self) {
        self.running
            .set(self.running.get().map(|running| Running { until: Some(self.now.get()), ..running }));
    }
}

// === impl Running ===

impl Running {
    fn end(self) -> Option<u64> {
        let grace = if self.is_stream { nanos(GRACE) } else { 0 };
        self.until.map(|until| until.saturating_add(grace))
    }
}
