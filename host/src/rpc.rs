//! Grafana's services, one module for each, and what they share.

mod admission;
mod capture;
mod conversion;
mod convert;
mod data;
mod diagnostics;
#[cfg(any(test, feature = "fuzz"))]
pub(crate) mod fuzz;
mod go_plugin;
mod reflection;
mod resource;
mod routes;
mod running;
mod stream;
mod streaming;
#[cfg(test)]
mod test;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use opentelemetry::Context;
use tonic::metadata::MetadataMap;
use tonic::{Request, Response, Status};

use self::running::Running;
use crate::budget::OwnerMemory;
use crate::call::{
    Arrival, Call, CallContext, CallerDeadline, Deadline, Endpoint, Outcome, ServerContext, Unanswered,
};
use crate::config::APP_URL;
use crate::log::Log;
use crate::metrics::Metrics;
use crate::plugin::{CallError, Current, Export, Loaded, Owner, Plugin};
use crate::shutdown::Shutdown;

pub(crate) use self::go_plugin::add_to as add_go_plugin_to;
pub(crate) use self::routes::add_to;

/// What all services share. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Backend {
    parts: Arc<BackendParts>,
    running: Arc<Running>,
}

/// The parts of a backend.
pub(crate) struct BackendParts {
    pub current: Current,
    /// What is wrong with the operator's settings, for the health check.
    pub problems: Vec<String>,
    pub call_timeout: Duration,
    /// Grafana's own URL, for calls that do not have it.
    pub app_url: Option<String>,
    pub metrics: Metrics,
    pub log: Log,
    pub shutdown: Shutdown,
}

/// What the layers and gRPC itself know about a request.
struct Door {
    metadata: MetadataMap,
    deadline: Option<CallerDeadline>,
    /// The server span's context.
    parent: Context,
    /// Whether the call lasts until its caller ends it.
    lasts: bool,
}

/// A call that has begun, and what answers it.
struct Begun {
    unanswered: Unanswered,
    target: Result<Target, CallError>,
}

/// What answers a call.
struct Target {
    plugin: Arc<Plugin>,
    owner: Arc<Owner>,
}

// === impl Backend ===

impl Backend {
    pub(crate) fn new(parts: BackendParts) -> Self {
        Self { parts: Arc::new(parts), running: Arc::default() }
    }

    /// Used when the process ends: waits until the calls that are being cancelled have ended.
    pub(crate) async fn ended(&self) {
        self.running.ended().await;
    }

    /// Begins a call that any of these services can answer, once the component is loaded. If loading failed, the call begins
    /// anyway, so that its answer can say why. A call that cannot be answered at all is recorded like others.
    async fn begin(
        &self,
        exports: &[Export],
        endpoint: Endpoint,
        door: Door,
        context: Option<CallContext>,
    ) -> Result<Begun, Status> {
        let loaded = self.parts.current.wait().await;
        let has_context = context.is_some();
        let mut unanswered = self.arrived(&loaded, endpoint, door, context);
        let target = match &loaded.plugin {
            Ok(plugin) if !exports.iter().any(|export| plugin.exports(*export)) => Err(unserved(exports)),
            _ if !has_context => Err(CallError::Malformed("the request has no plugin context".to_owned())),
            Ok(plugin) => {
                let owner = plugin.owner(&unanswered.call().context).await;
                Ok(Target { plugin: plugin.clone(), owner })
            }
            Err(error) => Err(CallError::Load(error.clone())),
        };
        unanswered.started(target.as_ref().ok().map(|target| &target.owner.log));
        match target {
            Err(error) if error.ends_call() => Err(fail(unanswered, &error)),
            target => Ok(Begun { unanswered, target }),
        }
    }

    /// Fails if the component exports none of these services. Such a call is not recorded.
    async fn serves(&self, exports: &[Export]) -> Result<(), Status> {
        match &self.parts.current.wait().await.plugin {
            Ok(plugin) if !exports.iter().any(|export| plugin.exports(*export)) => {
                Err(convert::failed(&unserved(exports)))
            }
            _ => Ok(()),
        }
    }

    fn arrived(
        &self,
        loaded: &Loaded,
        endpoint: Endpoint,
        door: Door,
        context: Option<CallContext>,
    ) -> Unanswered {
        let parts = &self.parts;
        let mut context = context.unwrap_or_default();
        if let Some(url) = &parts.app_url {
            context.grafana_config.entry(APP_URL.to_owned()).or_insert_with(|| url.clone());
        }
        let context = match &loaded.plugin {
            Ok(plugin) => {
                CallContext { headers: context.headers.seen_with(&plugin.header_grants), ..context }
            }
            Err(_) => context,
        };
        let deadline = Deadline::new(door.deadline, parts.call_timeout);
        let deadline = if door.lasts { deadline.lasting() } else { deadline };
        let arrival = Arrival { endpoint, context, deadline, parent: door.parent };
        Call::begin(arrival, loaded.telemetry.clone(), parts.metrics.clone(), &parts.log)
    }

    /// Runs `work`, unless the process is asked to stop meanwhile.
    async fn until_shutdown<T>(&self, work: impl Future<Output = Result<T, Status>>) -> Result<T, Status> {
        let _running = self.running.begin();
        tokio::select! {
            // A call that ends lets others go on, which end too: they must not begin anything.
            biased;
            () = self.parts.shutdown.triggered() => Err(convert::stopping()),
            result = work => result,
        }
    }

    /// Runs `work`, which may never end, unless another component takes the place of the one that does it.
    async fn until_replaced<T>(
        &self,
        plugin: Option<&Arc<Plugin>>,
        work: impl Future<Output = Result<T, Status>>,
    ) -> Result<T, Status> {
        let Some(plugin) = plugin else { return work.await };
        tokio::select! {
            result = work => result,
            () = self.parts.current.replaced(plugin) => Err(convert::replaced()),
        }
    }
}

fn unserved(exports: &[Export]) -> CallError {
    let interfaces: Vec<_> =
        exports.iter().map(|export| format!("gpx:plugin/{}", export.interface())).collect();
    CallError::Unserved(format!("the plugin does not export {}", interfaces.join(" or ")))
}

/// Ends a call that fails as a whole.
fn fail(unanswered: Unanswered, error: &CallError) -> Status {
    unanswered.answered(Outcome::failed(error.source(), error.to_string()));
    convert::failed(error)
}

/// Makes a response that stays charged to its owner until it has been sent.
fn paid_by<T>(memory: Option<OwnerMemory>, message: T) -> Response<T> {
    let mut response = Response::new(message);
    if let Some(memory) = memory {
        response.extensions_mut().insert(memory);
    }
    response
}

// === impl Door ===

impl Door {
    /// Splits a request into its message and everything else.
    fn enter<T>(request: Request<T>) -> (Self, T) {
        let (metadata, extensions, message) = request.into_parts();
        let deadline = extensions.get::<CallerDeadline>().copied();
        let parent = extensions.get::<ServerContext>().map(|context| context.0.clone()).unwrap_or_default();
        (Self { metadata, deadline, parent, lasts: false }, message)
    }

    /// Returns the same for a call that lasts until its caller ends it.
    fn lasting(self) -> Self {
        Self { lasts: true, ..self }
    }
}
