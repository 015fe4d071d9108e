//! What the host keeps for one instance: its handles, its limits, and the call that it is answering.

use std::sync::Arc;

use wasmtime::component::ResourceTable;
use wasmtime_wasi::{WasiCtx, WasiCtxBuilder, WasiCtxView, WasiView};
use wasmtime_wasi_http::{WasiHttpCtx, WasiHttpCtxView, WasiHttpView};

use super::handles::Handles;
use super::output::Output;
use crate::budget::{Charge, InstanceMemory, Refused};
use crate::call::Call;
use crate::capability::cache::{CacheSession, CacheView, SharedCache};
use crate::capability::chunks::ChunksView;
use crate::capability::http::{self, HttpHooks};
use crate::capability::packets::PacketsView;
use crate::capability::response::ResponseView;
use crate::capability::tracer::{CallSpans, TracerView};
use crate::capability::{CallView, LogView, MetricsView, View};
use crate::egress::{Caller, Client, PassedOn, user_agent};
use crate::log::Log;
use crate::metrics::ComponentMetrics;
use crate::tape::{MonotonicClock, Take, TapedRandom, WallClock};
use crate::telemetry::Tracer;
use crate::text::Scrub;

/// How many handles a component may hold at once. What they hold is charged; this also bounds their places in the tables.
pub(crate) const MAX_HANDLES: usize = 4000;

/// How many random bytes a component may ask for at once. Nothing interrupts the making of them: this many take about a
/// millisecond.
pub(crate) const MAX_RANDOM: u64 = 64 << 10;

/// The data of a component's store.
pub(crate) struct State {
    pub table: ResourceTable,
    pub memory: InstanceMemory,
    pub(super) crossing: Crossing,
    pub stderr: Output,
    /// The secrets that the component knows.
    pub scrub: Scrub,
    handles: Handles,
    stdout: Output,
    wasi: WasiCtx,
    http: WasiHttpCtx,
    hooks: HttpHooks,
    cache: CacheSession,
    /// The log of the plugin as a whole, for what happens outside of calls.
    log: Log,
    metrics: ComponentMetrics,
    call: Option<Arc<Call>>,
    spans: CallSpans,
    /// The memory that the component was refused in this call, and did without.
    refused_earlier: Option<Refused>,
}

/// Where control is.
#[derive(Default)]
pub(super) struct Crossing {
    /// How many calls of the guest's functions are running, one within another: the host may need the guest's allocator in
    /// the middle of a call.
    pub(super) depth: usize,
    /// Paid in advance for the answer that is lifted next.
    pub(super) lifting: Option<Charge>,
}

// === impl State ===

impl State {
    /// Makes the state of an instance that can reach what `client` allows. With a take, what it learns from outside is recorded
    /// or played back.
    pub(crate) fn new(
        take: Option<Take>,
        client: Option<Client>,
        cache: &SharedCache,
        memory: InstanceMemory,
        scrub: Scrub,
        log: Log,
        metrics: ComponentMetrics,
    ) -> Self {
        let mut table = ResourceTable::new();
        table.set_max_capacity(MAX_HANDLES);
        let (stdout, stderr) =
            (Output::stdout(log.clone(), scrub.clone()), Output::stderr(log.clone(), scrub.clone()));
        let mut wasi = WasiCtxBuilder::new();
        wasi.stdout(stdout.clone()).stderr(stderr.clone()).max_random_size(MAX_RANDOM);
        if let Some(take) = &take {
            let random = |interface| TapedRandom::new(take.seed(), interface);
            wasi.wall_clock(WallClock(take.clone())).monotonic_clock(MonotonicClock(take.clone()));
            wasi.secure_random(random(0)).insecure_random(random(1)).insecure_random_seed(random(2).number());
        }
        let wasi = wasi.build();
        let spans = CallSpans::new(Tracer::Off, opentelemetry::Context::new());
        let mut hooks = HttpHooks::new(client, spans.clone());
        hooks.follow(take);
        let (http, call, refused_earlier) = (http::context(), None, None);
        let (crossing, handles) = (Crossing::default(), Handles::default());
        Self {
            table,
            memory,
            crossing,
            stderr,
            scrub,
            handles,
            stdout,
            wasi,
            http,
            hooks,
            cache: cache.session(),
            log,
            metrics,
            call,
            spans,
            refused_earlier,
        }
    }

    /// From now on, everything belongs to `call`.
    pub(crate) fn begin(&mut self, call: &Arc<Call>, spans: CallSpans) {
        self.stdout.begin(call.log.clone());
        self.stderr.begin(call.log.clone());
        let priority = self.memory.owner().priority();
        let context = &call.context;
        let agent = user_agent(&context.user_agent, &context.plugin_id, &context.plugin_version);
        let endpoint = call.endpoint.name;
        let forwarded = &context.forwarded;
        let passed_on =
            PassedOn { headers: forwarded.headers().clone(), from_alert: forwarded.alert().cloned() };
        let caller = Caller { priority, endpoint, user_agent: agent.into(), passed_on, ..Caller::default() };
        self.hooks.begin(spans.clone(), call.upstream.clone(), caller);
        self.hooks.record(call.capture.as_ref().map(|capture| capture.recorder(self.memory.owner())));
        self.cache.renew();
        self.spans = spans;
        self.call = Some(call.clone());
        self.take_refused();
    }

    /// Returns the memory that the component was refused just before, and the one that it has done without in this call.
    pub(crate) fn take_refused(&mut self) -> (Option<Refused>, Option<Refused>) {
        (self.memory.take_refused(), self.refused_earlier.take())
    }

    /// The component asks the host for something. So it went on without any memory that it was refused before.
    fn goes_on(&mut self) {
        self.refused_earlier = self.memory.take_refused().or(self.refused_earlier);
    }

    /// Ends the call: drops what belongs to it, above all the reference to its data.
    pub(crate) fn end(&mut self) {
        self.stdout.finish();
        self.stderr.finish();
        self.hooks.end();
        self.cache.renew();
        self.call = None;
        self.handles.rest(&mut self.table, &mut self.memory);
    }

    /// Returns how many handles there are.
    pub(crate) fn handles(&mut self) -> usize {
        self.table.iter_mut().count()
    }

    /// The component has called the host, which has done what was asked.
    pub(super) fn left_host(&mut self) -> Result<(), Refused> {
        let changes_message = self.hooks.take_change();
        self.handles.called(changes_message, &mut self.table, &mut self.memory)
    }

    /// Returns the log of the call. Outside of calls, it is the log of the plugin as a whole.
    pub(crate) fn current_log(&self) -> &Log {
        self.call.as_ref().map_or(&self.log, |call| &call.log)
    }
}

impl Drop for State {
    fn drop(&mut self) {
        // The call may have been stopped in the middle of a line.
        self.stdout.finish();
        self.stderr.finish();
    }
}

impl View for State {
    fn cache(&mut self) -> CacheView<'_> {
        self.goes_on();
        let upstream = self.call.as_ref().map(|call| call.upstream.clone()).unwrap_or_default();
        CacheView { session: &self.cache, table: &mut self.table, upstream }
    }

    fn call(&mut self) -> CallView<'_> {
        self.goes_on();
        CallView { call: self.call.as_deref() }
    }

    fn chunks(&mut self) -> ChunksView<'_> {
        self.goes_on();
        ChunksView { table: &mut self.table, memory: self.memory.owner() }
    }

    fn log(&mut self) -> LogView<'_> {
        self.goes_on();
        LogView { log: self.current_log(), spans: &self.spans, scrub: &self.scrub }
    }

    fn metrics(&mut self) -> MetricsView<'_> {
        self.goes_on();
        MetricsView { metrics: &self.metrics, log: self.current_log(), scrub: &self.scrub }
    }

    fn packets(&mut self) -> PacketsView<'_> {
        self.goes_on();
        PacketsView { table: &mut self.table, memory: self.memory.owner() }
    }

    fn response(&mut self) -> ResponseView<'_> {
        self.goes_on();
        ResponseView { table: &mut self.table, memory: self.memory.owner() }
    }

    fn message_changes(&mut self) {
        self.hooks.message_changes();
    }

    fn tracer(&mut self) -> TracerView<'_> {
        self.goes_on();
        TracerView { spans: &self.spans, scrub: &self.scrub, table: &mut self.table }
    }
}

impl WasiView for State {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        self.goes_on();
        WasiCtxView { ctx: &mut self.wasi, table: &mut self.table }
    }
}

impl WasiHttpView for State {
    fn http(&mut self) -> WasiHttpCtxView<'_> {
        self.goes_on();
        WasiHttpCtxView { hooks: &mut self.hooks, table: &mut self.table, ctx: &mut self.http }
    }
}
