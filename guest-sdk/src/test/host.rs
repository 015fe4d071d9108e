//! The fake host, as a test uses it.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::rc::Rc;
use std::time::Duration;

use super::mock::Mock;
use super::settings::PATIENCE;
use super::{LogRecord, Matcher, ResponseTemplate, SentRequest, SpanRecord};
use crate::bindings::base::gpx::plugin::call::{Grafana, GrafanaConfig, PluginContext};
use crate::bindings::base::gpx::plugin::types::{Header, User};
use crate::host::native::fake::{self, Fake, Over, Running};
use crate::stream::PacketError;
use crate::{Fault, Result, Time};

/// A fake host: the one of its thread, until it is dropped. The [module](crate::test) has a whole test.
pub struct Host(pub(super) Rc<Fake>);

/// Requests that are about to get a scripted answer. Made by [`Host::given`].
///
/// ```
/// use gpx_sdk::http;
/// use gpx_sdk::test::{Host, get, status, text};
///
/// let host = Host::new();
/// host.given(get("/prices")).times(2).respond(status(503));
/// host.given(get("/prices")).respond_with(|request| text(request.query("symbol").collect::<String>()));
///
/// let answer = || http::get("http://prices.example/prices?symbol=gold").send().unwrap();
/// assert_eq!([answer().status().as_u16(), answer().status().as_u16()], [503, 503]);
/// assert_eq!(answer().text()?, "gold");
/// # Ok::<_, gpx_sdk::Fault>(())
/// ```
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
    #[track_caller]
    #[allow(
        clippy::new_without_default,
        reason = "it changes the thread, which a default should not; the lint knows it only with the feature"
    )]
    #[expect(clippy::panic, reason = "it fails the test that is wrong")]
    pub fn new() -> Self {
        let fake = Rc::new(Fake {
            now: Cell::new(u64::try_from(super::START).unwrap_or_default() * 1_000_000_000),
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
            running: Cell::default(),
            cancelled: Cell::default(),
            patience: Cell::new(Some(PATIENCE)),
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

    /// Scripts the answer to requests: `host.given(get("/prices")).respond(json(&prices))`. If several match, the first that
    /// is not used up counts. A request without one panics, and says what was sent.
    pub fn given(&self, matcher: Matcher) -> Given<'_> {
        Given { host: self, matcher, times: None }
    }

    /// Returns the requests that were sent, in order. A redirect is one of its own, and so is a further attempt.
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
    /// ```
    /// # use gpx_sdk::{span, test::Host, time};
    /// # use std::time::Duration;
    /// let host = Host::new();
    /// {
    ///     let _span = span!("read prices", "prices.symbol" = "gold");
    ///     time::sleep(Duration::from_secs(2));
    /// }
    /// let span = host.span("read prices");
    /// assert_eq!(span.attributes["prices.symbol"], "gold");
    /// assert_eq!(span.duration(), Some(Duration::from_secs(2)));
    /// ```
    ///
    /// # Panics
    ///
    /// If there is none. The message has the names of all.
    #[must_use]
    #[track_caller]
    pub fn span(&self, name: &str) -> SpanRecord {
        first(&self.0.spans.borrow(), "span", name, |span| &span.name)
    }

    /// Returns the log lines that were written, in order.
    #[must_use]
    pub fn logs(&self) -> Vec<LogRecord> {
        self.0.lines.borrow().clone()
    }

    /// Returns the first log line with that message.
    ///
    /// ```
    /// # use gpx_sdk::{log, test::Host};
    /// let host = Host::new();
    /// log::warn!("the price is old", "symbol" = "gold");
    /// let line = host.log("the price is old");
    /// assert_eq!((line.level, &line.attributes["symbol"]), (log::Level::Warn, &"gold".into()));
    /// ```
    ///
    /// # Panics
    ///
    /// If there is none. The message has those of all.
    #[must_use]
    #[track_caller]
    pub fn log(&self, message: &str) -> LogRecord {
        first(&self.0.lines.borrow(), "log line", message, |line| &line.message)
    }

    /// Returns the value of a counter or a gauge with these values of its labels. `None` if nothing was recorded.
    ///
    /// ```
    /// use gpx_sdk::{metrics::Counter, test::Host};
    ///
    /// static READS: Counter<1> = Counter::new("prices_reads_total", "Prices that were read").labels(["symbol"]);
    ///
    /// let host = Host::new();
    /// READS.with(["gold"]).add(2.0);
    /// assert_eq!(host.metric("prices_reads_total", &["gold"]), Some(2.0));
    /// ```
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
    ///
    /// ```
    /// # use gpx_sdk::{cache, test::Host};
    /// # use std::time::Duration;
    /// let host = Host::new();
    /// cache::set("tables", &["prices"], Duration::from_secs(60))?;
    /// host.advance(Duration::from_secs(60));
    /// assert_eq!(cache::get::<Vec<String>>("tables"), None);
    /// # Ok::<_, gpx_sdk::Fault>(())
    /// ```
    pub fn advance(&self, time: Duration) {
        self.0.wait_until(self.0.later(time));
    }

    /// Sets from where random numbers go on. Without it, they are the same in all tests.
    pub fn seed(&self, seed: u64) {
        self.0.random.set(seed);
    }

    /// Sets who calls. Without it nobody does: Grafana itself, as for an alert rule.
    ///
    /// ```
    /// # use gpx_sdk::{Context, User, test::Host};
    /// let host = Host::new();
    /// host.user(User { login: "ada".into(), name: "Ada".into(), email: String::new(), role: "Viewer".into() });
    /// host.header("X-Tenant", "a");
    /// host.context(|context| context.feature_toggles.push("newEditor".into()));
    /// host.config(|config| config.app_url = Some("http://grafana.example/".into()));
    ///
    /// let context = Context::default(); // as a call gets it
    /// assert_eq!(context.user().map(|user| user.login.as_str()), Some("ada"));
    /// assert_eq!(context.header("x-tenant"), Some("a"));
    /// assert!(context.is_enabled("newEditor") && context.config().app_url.is_some());
    /// ```
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

    /// Limits the time of each call, which [`Context::time_left`](crate::Context::time_left) then tells. A call that waits for
    /// longer ends there and fails, as the host ends it. For a stream, it is when the last subscriber leaves.
    ///
    /// ```
    /// # use gpx_sdk::*;
    /// # use gpx_sdk::test::{Host, any, app, status};
    /// # use std::time::Duration;
    /// # struct Prices;
    /// # impl Plugin for Prices { fn open(_: Settings) -> Result<Self> { Ok(Self) } }
    /// impl Diagnostics for Prices {
    ///     fn check_health(&self, _: &Context) -> Result<Health> {
    ///         http::get("http://prices.example").send()?;
    ///         Ok(Health::ok("prices can be read"))
    ///     }
    /// }
    /// # plugin!(Prices: diagnostics);
    ///
    /// let host = Host::new();
    /// host.time_limit(Duration::from_secs(5));
    /// host.given(any()).respond(status(200).delay(Duration::from_secs(6)));
    /// let fault = host.open::<Prices>(app())?.check_health().unwrap_err();
    /// assert!(fault.message.starts_with("the plugin did not answer within 5s"));
    /// # Ok::<_, Fault>(())
    /// ```
    pub fn time_limit(&self, limit: Duration) {
        self.0.limit.set(Some(limit));
    }

    /// Lets the caller be gone: [`Context::cancelled`](crate::Context::cancelled) is true from now on.
    pub fn cancel(&self) {
        self.0.cancelled.set(true);
    }

    /// Makes a call, which may take until then. Ends it, and with it the spans that it has left open.
    pub(super) fn call<T>(&self, running: Running, call: impl FnOnce() -> Result<T>) -> Result<T> {
        let limit = running.until.map(|until| until.saturating_sub(self.0.now.get()));
        self.0.running.set(Some(running));
        let outcome = catch_unwind(AssertUnwindSafe(call));
        self.0.running.set(None);
        let now = self.now();
        for index in self.0.open.borrow_mut().drain(..) {
            if let Some(span) = self.0.spans.borrow_mut().get_mut(index) {
                span.end.get_or_insert(now);
            }
        }
        match outcome {
            Ok(result) => result,
            Err(panic) if !panic.is::<Over>() => resume_unwind(panic),
            Err(_) if running.is_stream => Err(PacketError::Closed.into()),
            // The words of the host.
            Err(_) => Err(Fault::new(
                504,
                format_args!(
                    "the plugin did not answer within {:?}; raise gpx_call_timeout if it needs more",
                    Duration::from_nanos(limit.unwrap_or_default())
                ),
            )),
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

/// Returns the first record with that name.
#[track_caller]
#[expect(clippy::panic, reason = "it fails the test that expects the record")]
fn first<T: Clone>(records: &[T], what: &str, name: &str, name_of: impl Fn(&T) -> &String) -> T {
    match records.iter().find(|record| name_of(record) == name) {
        Some(record) => record.clone(),
        None => {
            let names: Vec<_> = records.iter().map(name_of).collect();
            panic!("there is no {what} `{name}`, only {names:?}")
        }
    }
}
