//! The host of one plugin: it serves a component on a listener, replaces it while calls run, and drains at the end.

mod builder;
mod error;
mod problems;
#[cfg(test)]
mod tests;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Mutex, watch};
use tokio::time::{Instant, timeout_at};
use tonic::service::{Routes, RoutesBuilder};

pub use self::builder::Builder;
pub use self::error::Error;
pub(crate) use self::problems::problems;
use crate::capability::tracer::key_value;
use crate::config::SpanChoices;
use crate::egress::{AllConnections, Egress, OperatorPolicy, ProcessHttp};
use crate::log::{Log, Value};
use crate::plugin::{
    Component, Current, LoadError, Loaded, LoadedComponent, Loading, Platform, Plugin, code,
};
use crate::rpc::{self, Backend};
use crate::serve::{self, LayerParts, Listener, OpenSpans};
use crate::shutdown::Shutdown;
use crate::telemetry::{ServiceIdentity, Telemetry, TracingConfig};
use crate::text::Scrub;

/// How long the end may take: calls end, and the last spans are sent. Grafana kills a plugin 2 s after asking it to stop.
const DRAIN: Duration = Duration::from_millis(1200);

/// How much of that is left for sending the spans, however long the calls take to end.
const FLUSH: Duration = Duration::from_millis(400);

/// One plugin that answers Grafana's calls. Cheap to clone; all clones are the same host.
///
/// The executable that Grafana starts runs one. So does a program that embeds a plugin, such as a development server.
/// [`Host::builder`] makes one; the example in the [crate's documentation](crate) shows its whole life.
#[derive(Clone)]
pub struct Host(Arc<Inner>);

struct Inner {
    platform: Arc<Platform>,
    operator: OperatorPolicy,
    http: ProcessHttp,
    connections: Arc<AllConnections>,
    tracing: TracingConfig,
    spans: Arc<SpanChoices>,
    identity: ServiceIdentity,
    loading: Loading,
    current: Current,
    backend: Backend,
    /// The server spans of calls that have not ended.
    open: OpenSpans,
    shutdown: Shutdown,
    /// How many listeners are being served.
    serving: watch::Sender<usize>,
    /// Held while a component takes the place of another, so that the one that was asked for last stays.
    replacing: Mutex<()>,
}

/// A listener that is being served.
struct Serving<'a>(&'a watch::Sender<usize>);

// === impl Host ===

impl Host {
    /// Serves Grafana's plugin protocol, which is gRPC, until [`Host::drain`] is called or Grafana asks the plugin to
    /// stop. Then running calls are cancelled, the last spans are sent, and this returns, after at most 1.7 s.
    ///
    /// Calls wait until the component is loaded. If it cannot be loaded, each call is answered with the reason.
    ///
    /// `listener` is a bound [`TcpListener`](tokio::net::TcpListener) or `UnixListener` of tokio's. The executable
    /// passes the socket that its handshake names; an embedding program chooses its own.
    ///
    /// Fails with [`Error::Serve`] if the listener has no address or the server fails.
    pub async fn serve(&self, listener: impl Into<Listener>) -> Result<(), Error> {
        let mut routes = Routes::builder();
        let Inner { current, shutdown, .. } = &*self.0;
        rpc::add_go_plugin_to(&mut routes, current, shutdown).await.map_err(Error::serve)?;
        self.serve_with(listener.into(), routes).await
    }

    /// Serves Grafana's services without those of go-plugin. So Grafana, which stops its plugins through one of these, does not
    /// end a process that it has not started.
    pub(crate) async fn serve_held(&self, listener: Listener) -> Result<(), Error> {
        self.serve_with(listener, Routes::builder()).await
    }

    /// Serves Grafana's services beside these.
    async fn serve_with(&self, listener: Listener, mut routes: RoutesBuilder) -> Result<(), Error> {
        let Inner { platform, current, backend, shutdown, open, .. } = &*self.0;
        let address = listener.address().map_err(Error::serve)?;
        let layers = serve::layers(LayerParts {
            current: current.clone(),
            shutdown: shutdown.clone(),
            metrics: platform.metrics.clone(),
            address: &address,
            log: platform.log.clone(),
            open: open.clone(),
        });
        rpc::add_to(&mut routes, backend);
        let _serving = Serving::begin(&self.0.serving);
        serve::run(listener, routes.routes(), layers, shutdown.clone(), self.0.drain())
            .await
            .map_err(Error::serve)
    }

    /// Waits until the component is loaded, which may take seconds if it must be compiled.
    ///
    /// Fails with [`Error::Component`] if it cannot be loaded, unless [`Host::replace`] has replaced it. An embedding
    /// program uses this to report a broken component before the first call; the executable only answers calls with the
    /// reason.
    pub async fn loaded(&self) -> Result<(), Error> {
        match &self.0.current.wait().await.plugin {
            Ok(_) => Ok(()),
            Err(error) => Err(Error::component(error.clone())),
        }
    }

    /// Waits until the component is loaded, and returns what it says of itself, as JSON.
    pub(crate) async fn describe(&self) -> Result<serde_json::Value, Error> {
        match &self.0.current.wait().await.plugin {
            Ok(plugin) => Ok(plugin.describe()),
            Err(error) => Err(Error::component(error.clone())),
        }
    }

    /// Loads another component. Once it is loaded, new calls are answered with it. Running calls finish on the
    /// component that they began with. Streams may never finish, so they end with `Unavailable`, after which Grafana runs them
    /// again. What the old component has in memory, or has cached, is gone with it.
    ///
    /// Fails with [`Error::Component`] if the new component cannot be loaded. The old one then stays, and health checks say so
    /// in their details.
    ///
    /// A development server calls this after each build; the executable only does if the operator has set `gpx_watch`. Attributes that the component gives
    /// to the resource of its traces stay those of the first component that was loaded, since a resource describes a
    /// process for its whole life.
    pub async fn replace(&self, component: Component) -> Result<(), Error> {
        let replaced = self.put(component).await;
        replaced.map_err(|error| {
            self.keep(Some(error.clone()));
            Error::component(error)
        })
    }

    /// Replaces the component as [`Host::replace`] does, but leaves it to the caller to tell of a failure.
    pub(crate) async fn put(&self, component: Component) -> Result<(), LoadError> {
        let _replacing = self.0.replacing.lock().await;
        let before = self.0.current.wait().await;
        let loaded = LoadedComponent::load(component, &self.0.platform).await?;
        self.0.tell(&loaded);
        let telemetry = match &before.plugin {
            Ok(_) => before.telemetry.clone(),
            Err(_) => {
                // Its spans are of a resource that does not know the component's attributes.
                let earlier = before.telemetry.clone();
                tokio::spawn(async move { earlier.flush(DRAIN).await });
                self.0.telemetry(&loaded)
            }
        };
        let plugin = self.0.plugin(loaded, &telemetry);
        self.0.loading.loaded(Loaded { plugin: Ok(plugin), telemetry, refused: None });
        Ok(())
    }

    /// Goes on with the component that is loaded. A health check's details say why a newer one was refused.
    pub(crate) fn keep(&self, refused: Option<LoadError>) {
        self.0.loading.refused(refused);
    }

    /// Ends the service: running calls are cancelled, and the last spans are sent. Returns when that is done, after at
    /// most 1.5 s. [`Host::serve`] returns soon afterwards, and the host cannot serve again.
    ///
    /// An embedding program calls this when it ends; for the executable, Grafana's request to stop does the same.
    pub async fn drain(&self) {
        let Inner { shutdown, serving, .. } = &*self.0;
        shutdown.trigger();
        let mut serving = serving.subscribe();
        tokio::select! {
            biased;
            () = shutdown.drained() => {}
            // Nothing is served, or no longer.
            _ = serving.wait_for(|serving| *serving == 0) => {
                self.0.drain().await;
                shutdown.finish();
            }
        }
    }
}

// === impl Serving ===

impl<'a> Serving<'a> {
    fn begin(serving: &'a watch::Sender<usize>) -> Self {
        serving.send_modify(|serving| *serving += 1);
        Self(serving)
    }
}

impl Drop for Serving<'_> {
    fn drop(&mut self) {
        self.0.send_modify(|serving| *serving -= 1);
    }
}

// === impl Component ===

impl Component {
    /// Compiles the component ahead of time for `target`, a triple such as `x86_64-unknown-linux-gnu`, so that it is
    /// not compiled at each start. The code runs on every machine of that target, and only with this version of
    /// gpx-host.
    ///
    /// For `gpx_prices.wasm`, writes `gpx_prices.cwasm` beside it and returns that path. A file that is there is replaced
    /// as a whole. Plugins that were started with it do not notice.
    ///
    /// Fails with [`Error::Compile`] if the component was not made by [`Component::from_file`], if its file is not a
    /// component that this host can run, if the target is not supported, if a file cannot be read or written, or if the
    /// library is built without its feature `compiler`.
    ///
    /// The executable's command `compile` and build tools that package a plugin use it.
    pub fn compile_ahead(&self, target: &str) -> Result<PathBuf, Error> {
        let file = self.file().ok_or_else(|| Error::Compile("the component is not in a file".into()))?;
        code::compile(file, target).map_err(|error| Error::Compile(error.into()))
    }
}

// === impl Inner ===

impl Inner {
    /// Loads the first component. Calls wait meanwhile.
    async fn load(&self, component: Component) {
        let (plugin, telemetry) = match LoadedComponent::load(component, &self.platform).await {
            Ok(loaded) => {
                self.tell(&loaded);
                let telemetry = self.telemetry(&loaded);
                (Ok(self.plugin(loaded, &telemetry)), telemetry)
            }
            Err(error) => {
                let text = Value::from(error.to_string());
                self.log().error("Cannot load the plugin's component", &[("error", text)]);
                (Err(error), self.telemetry_of([]))
            }
        };
        self.loading.loaded(Loaded { plugin, telemetry, refused: None });
    }

    /// Records that the host panicked while loading the component: calls that wait must get an answer.
    fn failed(&self, reason: String) {
        let plugin = Err(LoadError::Host { reason });
        self.loading.loaded(Loaded { plugin, telemetry: Telemetry::default(), refused: None });
    }

    /// Waits until the calls that are being cancelled have ended, and sends the last spans.
    async fn drain(&self) {
        let end = Instant::now() + DRAIN;
        let _ = timeout_at(end - FLUSH, self.backend.ended()).await;
        self.open.end().await;
        if let Some(loaded) = self.current.now() {
            loaded.telemetry.flush(end.saturating_duration_since(Instant::now())).await;
        }
    }

    /// Says in the log what runs, as the first question to somebody with a problem is for these versions.
    fn tell(&self, loaded: &LoadedComponent) {
        let ServiceIdentity { id, version } = &self.identity;
        let text = |text: &str| Value::from(text.to_owned());
        self.log().info(
            "The plugin is loaded",
            &[
                ("plugin", text(id)),
                ("version", text(version)),
                ("sdk", text(&loaded.manifest.sdk)),
                ("contract", text(&loaded.contract)),
                ("host", text(env!("CARGO_PKG_VERSION"))),
            ],
        );
    }

    fn plugin(&self, loaded: LoadedComponent, telemetry: &Telemetry) -> Arc<Plugin> {
        let egress = Egress::new(
            self.operator.clone(),
            &self.identity.id,
            telemetry.clone(),
            self.http.clone(),
            self.connections.clone(),
            self.platform.metrics.upstream.clone(),
        );
        let egress = egress.wishing(&loaded.manifest.origins);
        Arc::new(Plugin::new(loaded, self.platform.clone(), Arc::new(egress)))
    }

    fn telemetry(&self, loaded: &LoadedComponent) -> Telemetry {
        // The component has been given no secrets yet.
        let scrub = Scrub::default();
        let attributes = loaded.manifest.attributes.iter().cloned();
        self.telemetry_of(attributes.map(|attribute| key_value(attribute, &scrub)))
    }

    fn telemetry_of(&self, attributes: impl IntoIterator<Item = opentelemetry::KeyValue>) -> Telemetry {
        let (identity, attributes) = (self.identity.clone(), attributes.into_iter().collect());
        Telemetry::start(&self.tracing, identity, attributes, self.spans.clone(), self.log().clone())
    }

    fn log(&self) -> &Log {
        &self.platform.log
    }
}
