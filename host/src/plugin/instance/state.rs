//! What the host keeps for one instance: its handles, its limits, and the call that it is answering.

use std::sync::Arc;

use wasmtime::component::ResourceTable;
use wasmtime_wasi::{WasiCtx, WasiCtxBuilder, WasiCtxView, WasiView};
use wasmtime_wasi_http::{WasiHttpCtx, WasiHttpCtxView, WasiHttpView};

use super::output::Output;
use crate::budget::InstanceMemory;
use crate::call::Call;
use crate::capability::http::HttpHooks;
use crate::capability::response::ResponseView;
use crate::capability::scrub::Scrub;
use crate::capability::tracer::{CallSpans, TracerView};
use crate::capability::{CallView, LogView, View};
use crate::egress::Client;
use crate::log::Log;
use crate::telemetry::Tracer;

/// How many handles a component may hold at once. A component that leaks handles gets an error of its own, long before
/// the host is affected.
const MAX_HANDLES: usize = 20_000;

/// The data of a component's store.
pub(crate) struct State {
    pub table: ResourceTable,
    pub memory: InstanceMemory,
    pub stderr: Output,
    /// The secrets that the component knows.
    pub scrub: Scrub,
    stdout: Output,
    wasi: WasiCtx,
    http: WasiHttpCtx,
    hooks: HttpHooks,
    /// The log of the plugin as a whole, for what happens outside of calls.
    log: Log,
    call: Option<Arc<Call>>,
    spans: CallSpans,
}

// === impl State ===

impl State {
    /// Makes the state of an instance that can reach what `client` allows.
    pub(crate) fn new(client: Option<Client>, memory: InstanceMemory, scrub: Scrub, log: Log) -> Self {
        let mut table = ResourceTable::new();
        table.set_max_capacity(MAX_HANDLES);
        let (stdout, stderr) =
            (Output::stdout(log.clone(), scrub.clone()), Output::stderr(log.clone(), scrub.clone()));
        let wasi = WasiCtxBuilder::new().stdout(stdout.clone()).stderr(stderr.clone()).build();
        let spans = CallSpans::new(Tracer::Off, opentelemetry::Context::new());
        let hooks = HttpHooks::new(client, spans.clone());
        let (http, call) = (WasiHttpCtx::new(), None);
        Self { table, memory, stderr, scrub, stdout, wasi, http, hooks, log, call, spans }
    }

    /// From now on, everything belongs to `call`.
    pub(crate) fn begin(&mut self, call: &Arc<Call>, spans: CallSpans) {
        self.stdout.begin(call.log.clone());
        self.stderr.begin(call.log.clone());
        self.hooks.begin(spans.clone(), call.upstream.clone());
        self.spans = spans;
        self.call = Some(call.clone());
    }

    /// Ends the call: drops what belongs to it, above all the reference to its data.
    pub(crate) fn end(&mut self) {
        self.stdout.finish();
        self.stderr.finish();
        self.call = None;
    }

    /// Returns the log of the call. Outside of calls, it is the log of the plugin as a whole.
    pub(crate) fn current_log(&self) -> &Log {
        self.call.as_ref().map_or(&self.log, |call| &call.log)
    }
}

impl View for State {
    fn call(&mut self) -> CallView<'_> {
        CallView { call: self.call.as_deref() }
    }

    fn log(&mut self) -> LogView<'_> {
        LogView { log: self.current_log(), scrub: &self.scrub }
    }

    fn response(&mut self) -> ResponseView<'_> {
        ResponseView { table: &mut self.table }
    }

    fn tracer(&mut self) -> TracerView<'_> {
        TracerView { spans: &self.spans, scrub: &self.scrub, table: &mut self.table }
    }
}

impl WasiView for State {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView { ctx: &mut self.wasi, table: &mut self.table }
    }
}

impl WasiHttpView for State {
    fn http(&mut self) -> WasiHttpCtxView<'_> {
        WasiHttpCtxView { hooks: &mut self.hooks, table: &mut self.table, ctx: &mut self.http }
    }
}
