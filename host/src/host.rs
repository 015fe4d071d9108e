//! A host: one plugin's component, served on a listener, replaced while calls run, drained at the end.

mod builder;
mod error;
#[cfg(test)]
mod tests;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::Mutex;
use tonic::service::Routes;

pub use self::builder::Builder;
pub use self::error::Error;
use crate::capability::scrub::Scrub;
use crate::capability::tracer::key_value;
use crate::egress::{Egress, Patterns};
use crate::log::{Log, Value};
use crate::plugin::{
    Component, Current, LoadError, Loaded, LoadedComponent, Loading, Platform, Plugin, precompiled,
};
use crate::rpc::{self, Backend};
use crate::serve::{self, Listener};
use crate::shutdown::Shutdown;
use crate::telemetry::{ServiceIdentity, Telemetry, TracingConfig};

/// Time for sending the last spans. Grafana kills a plugin 2 s after it asked it to stop.
const FLUSH: Duration = Duration::from_millis(1200);

/// One plugin that answers calls. Cheap to clone; all clones are the same host.
///
/// The executable that Grafana starts is one user of it; a program that embeds a plugin, such as a development server, is
/// another.
#[derive(Clone)]
pub struct Host(Arc<Inner>);

struct Inner {
    platform: Arc<Platform>,
    allow_hosts: Patterns,
    tracing: TracingConfig,
    identity: ServiceIdentity,
    loading: Loading,
    current: Current,
    backend: Backend,
    shutdown: Shutdown,
    /// How many listeners are being served.
    serving: AtomicUsize,
    /// Held while a component takes the place of another, so that the one that was asked for last stays.
    replacing: Mutex<()>,
}

/// A listener that is being served.
struct Serving<'a>(&'a AtomicUsize);

// === impl Host ===

impl Host {
    /// Serves Grafana's plugin protocol until [`Host::drain`] is called or Grafana asks the plugin to stop. Returns when
    /// nothing is left to lose, at most 1.7 s later.
    ///
    /// Calls wait until the component is loaded. One that cannot be loaded is the answer to every call.
    pub async fn serve(&self, listener: impl Into<Listener>) -> Result<(), Error> {
        let listener = listener.into();
        let Inner { platform, current, backend, shutdown, .. } = &*self.0;
        let address = listener.address().map_err(Error::serve)?;
        let layers = serve::layers(current.clone(), platform.metrics.clone(), &address, platform.log.clone());
        let mut routes = Routes::builder();
        rpc::add_go_plugin_to(&mut routes, shutdown).await.map_err(Error::serve)?;
        backend.add_to(&mut routes);
        let drain = backend.drain(FLUSH);
        let _serving = Serving::begin(&self.0.serving);
        serve::run(listener, routes.routes(), layers, shutdown.clone(), drain).await.map_err(Error::serve)
    }

    /// Waits until the component is loaded. Otherwise says why it cannot be.
    pub async fn loaded(&self) -> Result<(), Error> {
        match &self.0.current.wait().await.plugin {
            Ok(_) => Ok(()),
            Err(error) => Err(Error::component(error.clone())),
        }
    }

    /// Loads another component and answers calls with it from then on. Calls that run finish on the component that they
    /// began with. If the new one cannot be loaded, the old one stays.
    ///
    /// The attributes of the trace's resource stay those of the first component that was loaded: a resource describes a
    /// process for as long as it lives.
    pub async fn replace(&self, component: Component) -> Result<(), Error> {
        let _replacing = self.0.replacing.lock().await;
        let before = self.0.current.wait().await;
        let loaded = LoadedComponent::load(component, &self.0.platform).await.map_err(Error::component)?;
        let telemetry = match &before.plugin {
            Ok(_) => before.telemetry.clone(),
            Err(_) => self.0.telemetry(&loaded),
        };
        let plugin = self.0.plugin(loaded, &telemetry);
        self.0.loading.loaded(Loaded { plugin: Ok(plugin), telemetry });
        Ok(())
    }

    /// Ends the service: running calls are cancelled, and spans are sent. Returns when that is done, after at most 1.5 s.
    /// From then on [`Host::serve`] returns at once.
    pub async fn drain(&self) {
        let Inner { backend, shutdown, serving, .. } = &*self.0;
        shutdown.trigger();
        if serving.load(Ordering::Acquire) > 0 {
            shutdown.drained().await;
        } else {
            backend.drain(FLUSH).await;
            shutdown.finish();
        }
    }
}

// === impl Serving ===

impl<'a> Serving<'a> {
    fn begin(serving: &'a AtomicUsize) -> Self {
        serving.fetch_add(1, Ordering::AcqRel);
        Self(serving)
    }
}

impl Drop for Serving<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

// === impl Component ===

impl Component {
    /// Compiles the component for `target`, a triple such as `x86_64-unknown-linux-gnu`, so that no start has to. Writes
    /// the code, and what it was made from, beside the component's file, and returns the path of the code.
    pub fn compile_ahead(&self, target: &str) -> Result<PathBuf, Error> {
        let file = self.file().ok_or_else(|| Error::Compile("it is not in a file".into()))?;
        precompiled::compile(file, target).map_err(|error| Error::Compile(error.into()))
    }
}

// === impl Inner ===

impl Inner {
    /// Loads the first component, while calls wait.
    async fn load(&self, component: Component) {
        let (plugin, telemetry) = match LoadedComponent::load(component, &self.platform).await {
            Ok(loaded) => {
                let telemetry = self.telemetry(&loaded);
                (Ok(self.plugin(loaded, &telemetry)), telemetry)
            }
            Err(error) => {
                let text = Value::from(error.to_string());
                self.log().error("The plugin's component cannot be loaded", &[("error", text)]);
                (Err(error), self.telemetry_of([]))
            }
        };
        self.loading.loaded(Loaded { plugin, telemetry });
    }

    /// The host panicked while it loaded the component: whoever waits must get an answer.
    fn failed(&self, reason: String) {
        let plugin = Err(LoadError::Host { reason });
        self.loading.loaded(Loaded { plugin, telemetry: Telemetry::default() });
    }

    fn plugin(&self, loaded: LoadedComponent, telemetry: &Telemetry) -> Arc<Plugin> {
        let egress = Egress::new(self.allow_hosts.clone(), &self.identity.id, telemetry.clone());
        Arc::new(Plugin::new(loaded, self.platform.clone(), Arc::new(egress)))
    }

    fn telemetry(&self, loaded: &LoadedComponent) -> Telemetry {
        // The component has no secret yet.
        let scrub = Scrub::default();
        let attributes = loaded.manifest.attributes.iter().cloned();
        self.telemetry_of(attributes.map(|attribute| key_value(attribute, &scrub)))
    }

    fn telemetry_of(&self, attributes: impl IntoIterator<Item = opentelemetry::KeyValue>) -> Telemetry {
        let (identity, attributes) = (self.identity.clone(), attributes.into_iter().collect());
        Telemetry::start(&self.tracing, identity, attributes, self.log().clone())
    }

    fn log(&self) -> &Log {
        &self.platform.log
    }
}
