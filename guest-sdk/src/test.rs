//! Tests of a plugin without a host: `query`, `check_health`, resources and streams run under plain `cargo test`, natively.
//!
//! Enable it with `[dev-dependencies] gpx-sdk = { …, features = ["test"] }`. A component contains nothing of it.
//!
//! A [`Host`] is the host of its thread for as long as it lives. It answers requests by what the test has scripted, and
//! records them with all spans, log lines and metrics. [`Host::open`] makes the plugin as the host does, and what it
//! returns calls it in the same way.
//!
//! ```
//! use gpx_sdk::test::{self, Host, data_source, get, query};
//! use gpx_sdk::*;
//!
//! struct Prices {
//!     url: String,
//! }
//!
//! #[derive(serde::Deserialize)]
//! struct Model {
//!     symbol: String,
//! }
//!
//! impl Plugin for Prices {
//!     fn open(settings: Settings) -> Result<Self> {
//!         Ok(Self { url: settings.url().to_owned() })
//!     }
//! }
//!
//! impl Data<Model, Frame> for Prices {
//!     fn query(&self, _: &Context, query: &Query<Model>) -> Result<Frame> {
//!         let _span = span!("read prices", "prices.symbol" = query.model.symbol);
//!         let request = http::get(&self.url).path(["prices"]).query("symbol", &query.model.symbol);
//!         let prices: Vec<f64> = request.send()?.json()?;
//!         Ok(Frame::new("prices").field("price", prices))
//!     }
//! }
//!
//! plugin!(Prices: data);
//!
//! // #[test]
//! fn prices_become_a_frame() -> Result<()> {
//!     let host = Host::new();
//!     host.given(get("/prices").query("symbol", "gold")).respond(test::json(&[1.5, 2.5]));
//!     let prices = host.open::<Prices>(data_source("http://prices.example"))?;
//!
//!     let frames = prices.query(query("A").model(&serde_json::json!({ "symbol": "gold" })))?;
//!
//!     assert_eq!(frames, [Frame::new("prices").field("price", [1.5, 2.5])]);
//!     assert_eq!(host.span("read prices").attributes["prices.symbol"], "gold");
//!     assert_eq!(host.requests()[0].span.as_deref(), Some("read prices"));
//!     Ok(())
//! }
//! # prices_become_a_frame().unwrap();
//! ```
//!
//! **Time** stands still at 2026-01-01T00:00:00Z, and passes only while the plugin waits: for a response that is scripted
//! with a [delay](ResponseTemplate::delay), and in [`time::sleep`](crate::time::sleep). So no test really waits. Random numbers
//! are the same in every run. Both holds for this crate, and for what the plugin asks it for: [`Time::now`](crate::Time::now),
//! [`time::monotonic`](crate::time::monotonic), [`random::number`](crate::random::number). What reads the clock of `std` gets the
//! machine's.
//!
//! **What is not checked:** which origins the operator grants, the limits of memory and processor time, and which headers a
//! component may see. The data source's own credentials and headers are not added to requests.
//!
//! Without a [`Host`], log lines go to stderr and spans and metrics nowhere. A request, the cache and the context panic then, and
//! say what to do; other tests go on.
#![cfg_attr(
    not(feature = "test"),
    allow(dead_code, unreachable_pub, unused_imports, reason = "only the feature makes it public")
)]

pub(crate) mod mock;
mod opened;
mod query;
pub(crate) mod record;
mod resource;
mod rows;
mod settings;
mod stream;
#[cfg(test)]
mod tests;

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;
use std::time::Duration;

use self::mock::Mock;
use crate::bindings::base::gpx::plugin::call::{Grafana, GrafanaConfig, PluginContext};
use crate::bindings::base::gpx::plugin::types::{Header, User};
use crate::host::native::clock::nanos;
use crate::host::native::fake::{self, Fake};
use crate::plugin::export::Component;
use crate::{Result, Time};

pub use self::mock::{Matcher, ResponseTemplate, SentRequest, any, failure, get, json, post, status, text};
pub use self::opened::{AnswerRecord, ChunkRecord, Opened};
pub use self::query::{QueryBuilder, query};
pub use self::record::{EventRecord, LogRecord, RequestSpanRecord, SpanRecord, SpanStatus};
pub use self::resource::{ResourceRequest, ResourceResponse};
pub use self::rows::rows;
pub use self::settings::{SettingsBuilder, app, data_source};
pub use self::stream::{PacketRecord, ReplyRecord};

/// 2026-01-01T00:00:00Z, in seconds since 1970.
pub(crate) const START: i64 = 1_767_225_600;

/// A fake host: the one of its thread, until it is dropped.
pub struct Host(Rc<Fake>);

/// Requests that are about to get a scripted answer. Made by [`Host::given`].
#[must_use = "nothing is scripted without `respond`"]
#[derive(Debug)]
pub struct Given<'h> {
    host: &'h Host,
    matcher: Matcher,
    times: Option<usize>,
}

// === impl Host ===

impl Host {
    /// Makes the host of this thread.
    ///
    /// # Panics
    ///
    /// If the thread has one. Drop that one first.
    #[must_use]
    #[expect(clippy::new_without_default, reason = "it changes the thread, which a default should not")]
    #[expect(clippy::panic, reason = "it fails the test that is wrong")]
    pub fn new() -> Self {
        let fake = Rc::new(Fake {
            now: Cell::new(u64::try_from(START).unwrap_or_default() * 1_000_000_000),
            random: Cell::new(0),
            context: RefCell::new(PluginContext {
                org_id: 1,
                plugin_id: "test-datasource".to_owned(),
                plugin_version: Some("1.0.0".to_owned()),
                user: None,
                api_version: None,
                namespace: Some("default".to_owned()),
                grafana: Some(Grafana {
                    version: "12.4.0".to_owned(),
                    os: "linux".to_owned(),
                    arch: "amd64".to_owned(),
                }),
                feature_toggles: Vec::new(),
            }),
            config: RefCell::new(GrafanaConfig {
                app_url: None,
                concurrent_query_count: None,
                user_facing_default_error: None,
                sql: None,
                response_limit: None,
                live_client_queue_max_size: None,
                open_feature: None,
            }),
            headers: RefCell::default(),
            limit: Cell::default(),
            deadline: Cell::default(),
            cancelled: Cell::default(),
            lines: RefCell::default(),
            spans: RefCell::default(),
            open: RefCell::default(),
            described: RefCell::default(),
            measurements: RefCell::default(),
            kept: RefCell::new(HashMap::new()),
            loading: RefCell::default(),
            mocks: RefCell::default(),
            requests: RefCell::default(),
        });
        if !fake::install(&fake) {
            panic!("this thread has a gpx_sdk::test::Host already: use that one, or drop it first");
        }
        Self(fake)
    }

    /// Makes a plugin from settings, as the host does: it has only those secrets that `plugin!` names.
    ///
    /// # Errors
    ///
    /// If the plugin's `open` fails.
    pub fn open<P: Component>(&self, settings: SettingsBuilder) -> Result<Opened<'_, P>> {
        Opened::open(self, settings)
    }

    /// Scripts the answer to requests: `host.given(get("/prices")).respond(json(&prices))`. If several match, the first that
    /// is not used up counts. A request without one panics, and says what was sent.
    pub fn given(&self, matcher: Matcher) -> Given<'_> {
        Given { host: self, matcher, times: None }
    }

    /// Returns the requests that were sent, in order. A redirect is one of its own.
    #[must_use]
    pub fn requests(&self) -> Vec<SentRequest> {
        self.0.requests.borrow().clone()
    }

    /// Returns the spans that were started, in order.
    #[must_use]
    pub fn spans(&self) -> Vec<SpanRecord> {
        self.0.spans.borrow().clone()
    }

    /// Returns the first span with that name.
    ///
    /// # Panics
    ///
    /// If there is none. The message has the names of all.
    #[must_use]
    #[expect(clippy::panic, reason = "it fails the test that expects the span")]
    pub fn span(&self, name: &str) -> SpanRecord {
        let spans = self.0.spans.borrow();
        match spans.iter().find(|span| span.name == name) {
            Some(span) => span.clone(),
            None => {
                let names: Vec<_> = spans.iter().map(|span| &span.name).collect();
                panic!("there is no span `{name}`, only {names:?}")
            }
        }
    }

    /// Returns the log lines that were written, in order.
    #[must_use]
    pub fn logs(&self) -> Vec<LogRecord> {
        self.0.lines.borrow().clone()
    }

    /// Returns the value of a counter or a gauge with these values of its labels. `None` if nothing was recorded.
    #[must_use]
    pub fn metric(&self, name: &str, labels: &[&str]) -> Option<f64> {
        self.observations(name, labels).last().copied()
    }

    /// Returns what a histogram with these values of its labels has observed, in order.
    #[must_use]
    pub fn observations(&self, name: &str, labels: &[&str]) -> Vec<f64> {
        let measurements = self.0.measurements.borrow();
        let mut found = measurements.iter().filter(|known| known.name == name && known.labels == labels);
        found.next().map(|known| known.values.clone()).unwrap_or_default()
    }

    /// Returns the time of the fake clock.
    #[must_use]
    pub fn now(&self) -> Time {
        Time::from_unix_nanos(i64::try_from(self.0.now.get()).unwrap_or(i64::MAX))
    }

    /// Lets time pass, for example until a value in the cache is too old.
    pub fn advance(&self, time: Duration) {
        self.0.wait_until(self.0.now.get().saturating_add(nanos(time)));
    }

    /// Sets from where random numbers go on. Without it, they are the same in all tests.
    pub fn seed(&self, seed: u64) {
        self.0.random.set(seed);
    }

    /// Sets who calls. Without it nobody does: Grafana itself, as for an alert rule.
    pub fn user(&self, user: User) {
        self.0.context.borrow_mut().user = Some(user);
    }

    /// Adds a header of the calls. The real host passes on only those that the component may see.
    pub fn header(&self, name: &str, value: impl Into<String>) {
        self.0.headers.borrow_mut().push(Header { name: name.to_owned(), value: value.into() });
    }

    /// Changes the organisation, the plugin's version, Grafana's version and the like.
    pub fn context(&self, change: impl FnOnce(&mut PluginContext)) {
        change(&mut self.0.context.borrow_mut());
    }

    /// Changes what Grafana says of its own configuration. Without it, that is nothing.
    pub fn config(&self, change: impl FnOnce(&mut GrafanaConfig)) {
        change(&mut self.0.config.borrow_mut());
    }

    /// Limits the time of each call, which [`Context::time_left`](crate::Context::time_left) then tells. Nothing ends a call
    /// that takes longer.
    pub fn time_limit(&self, limit: Duration) {
        self.0.limit.set(Some(limit));
    }

    /// Lets the caller be gone: [`Context::cancelled`](crate::Context::cancelled) is true from now on.
    pub fn cancel(&self) {
        self.0.cancelled.set(true);
    }

    /// Begins a call.
    fn begin(&self) {
        let limit = self.0.limit.get();
        self.0.deadline.set(limit.map(|limit| self.0.now.get().saturating_add(nanos(limit))));
    }

    /// Ends a call, and with it the spans that it has left open.
    fn end(&self) {
        self.0.deadline.set(None);
        let now = self.now();
        for index in self.0.open.borrow_mut().drain(..) {
            if let Some(span) = self.0.spans.borrow_mut().get_mut(index) {
                span.end.get_or_insert(now);
            }
        }
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        fake::remove();
    }
}

impl std::fmt::Debug for Host {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Host").field("now", &self.now()).finish_non_exhaustive()
    }
}

// === impl Given ===

impl Given<'_> {
    /// Answers only so many requests like that. Then the next matcher counts.
    pub fn times(self, times: usize) -> Self {
        Self { times: Some(times), ..self }
    }

    /// Answers one request like that.
    pub fn once(self) -> Self {
        self.times(1)
    }

    /// Sets the answer.
    pub fn respond(self, answer: ResponseTemplate) {
        self.respond_with(move |_| answer.clone());
    }

    /// Sets a function that makes the answer.
    pub fn respond_with(self, respond: impl Fn(&SentRequest) -> ResponseTemplate + 'static) {
        let Self { host, matcher, times } = self;
        host.0.mocks.borrow_mut().push(Mock { matcher, left: times, respond: Rc::new(respond) });
    }
}
