//! A plugin that a fake host has opened, and its calls. They go the way of the component's exports, without the crossing.

mod data;
mod objects;
mod stream;

use std::cell::OnceCell;
use std::ops::Deref;
use std::time::Duration;

use http::StatusCode;
use serde_json::json;

pub use self::data::{AnswerRecord, ChunkRecord};
use super::{Host, ResourceRequest, ResourceResponse, SettingsBuilder};
use crate::bindings::base::gpx::plugin::types;
use crate::host::native::fake::Running;
use crate::host::native::response::{self, ResponseSender};
use crate::log::Level;
use crate::plugin::export::Component;
use crate::resource::Router;
use crate::{Context, Diagnostics, Fault, Health, Resource, Result, Source};

/// A plugin that [`Host::open`] has made. It is also the plugin itself, for functions of your own.
///
/// ```
/// # use gpx_sdk::*;
/// # use gpx_sdk::test::{Host, data_source};
/// struct Prices {
///     url: String,
/// }
///
/// impl Prices {
///     fn is_local(&self) -> bool {
///         self.url.starts_with("http://localhost")
///     }
/// }
///
/// impl Plugin for Prices {
///     fn open(settings: Settings) -> Result<Self> {
///         Ok(Self { url: settings.url().to_owned() })
///     }
/// }
/// # plugin!(Prices);
///
/// let host = Host::new();
/// assert!(host.open::<Prices>(data_source("http://localhost:8086"))?.is_local());
/// # Ok::<_, Fault>(())
/// ```
pub struct Opened<'h, P> {
    host: &'h Host,
    plugin: P,
    routes: OnceCell<Router<P>>,
    /// How long the data source waits for its upstream.
    patience: Option<Duration>,
}

// === impl Host ===

impl Host {
    /// Makes a plugin from settings, as the host does: it has only those secrets that `plugin!` names.
    ///
    /// ```
    /// # use gpx_sdk::*;
    /// # use gpx_sdk::test::{Host, data_source};
    /// struct Prices {
    ///     token: Option<String>,
    /// }
    ///
    /// impl Plugin for Prices {
    ///     fn open(settings: Settings) -> Result<Self> {
    ///         Ok(Self { token: settings.secret("apiToken").map(str::to_owned) })
    ///     }
    /// }
    ///
    /// plugin!(Prices; secrets: ["apiToken"]);
    ///
    /// let host = Host::new();
    /// let prices = host.open::<Prices>(data_source("http://prices.example").secret("apiToken", "abc"))?;
    /// assert_eq!(prices.token.as_deref(), Some("abc"));
    /// # Ok::<_, Fault>(())
    /// ```
    ///
    /// # Errors
    ///
    /// If the plugin's `open` fails.
    pub fn open<P: Component>(&self, settings: SettingsBuilder) -> Result<Opened<'_, P>> {
        Opened::open(self, settings)
    }
}

// === impl Opened ===

impl<'h, P: Component> Opened<'h, P> {
    fn open(host: &'h Host, settings: SettingsBuilder) -> Result<Self> {
        let declared = P::manifest().secrets;
        let patience = settings.patience();
        let (settings, undeclared) = settings.with_secrets(&declared);
        // The host puts these into requests, and the plugin does not have them.
        let placed = P::additions().secret_headers;
        for name in undeclared.iter().filter(|name| placed.iter().all(|header| header.secret != **name)) {
            // A warning of the host as well.
            let message = format!(
                "the secret `{name}` is not among the `secrets` of `plugin!`, so `open` does not get it"
            );
            crate::log::log(Level::Warn, &message, &[]);
        }
        host.0.patience.set(patience);
        Ok(Self { host, plugin: P::open(settings.build())?, routes: OnceCell::new(), patience })
    }
}

impl<P> Opened<'_, P> {
    /// Runs the health check.
    ///
    /// ```
    /// # use gpx_sdk::*;
    /// # use gpx_sdk::test::{Host, any, data_source, status};
    /// # struct Prices(String);
    /// # impl Plugin for Prices { fn open(settings: Settings) -> Result<Self> { Ok(Self(settings.url().to_owned())) } }
    /// impl Diagnostics for Prices {
    ///     fn check_health(&self, _: &Context) -> Result<Health> {
    ///         http::get(&self.0).send()?.error_for_status()?;
    ///         Ok(Health::ok("prices can be read"))
    ///     }
    /// }
    /// # plugin!(Prices: diagnostics);
    ///
    /// let host = Host::new();
    /// host.given(any()).once().respond(status(200));
    /// host.given(any()).respond(status(401));
    /// let prices = host.open::<Prices>(data_source("http://prices.example"))?;
    /// assert_eq!(prices.check_health()?.message, "prices can be read");
    /// assert_eq!(prices.check_health().unwrap_err().status, 401);
    /// # Ok::<_, Fault>(())
    /// ```
    ///
    /// # Errors
    ///
    /// If the plugin returns a fault, which Grafana shows like an error.
    pub fn check_health(&self) -> Result<Health>
    where
        P: Diagnostics,
    {
        self.call(|| self.plugin.check_health(&Context::default()))
    }

    /// Answers a resource call. A fault becomes a response, as the host makes it.
    ///
    /// ```
    /// # use gpx_sdk::*;
    /// # use gpx_sdk::test::{Host, ResourceRequest, app};
    /// # struct Prices;
    /// # impl Plugin for Prices { fn open(_: Settings) -> Result<Self> { Ok(Self) } }
    /// impl Resource for Prices {
    ///     fn routes() -> resource::Router<Self> {
    ///         resource::Router::new().get("/tables/{table}", |_, _, request, response| {
    ///             response.json(&request.parameter::<String>("table")?)
    ///         })
    ///     }
    /// }
    /// # plugin!(Prices: resource);
    ///
    /// let host = Host::new();
    /// let prices = host.open::<Prices>(app())?;
    /// assert_eq!(prices.call_resource(ResourceRequest::get("tables/gold"))?.text(), "\"gold\"");
    /// assert_eq!(prices.call_resource(ResourceRequest::get("rows"))?.status, 404);
    /// # Ok::<_, Fault>(())
    /// ```
    ///
    /// # Errors
    ///
    /// If the plugin returns a fault after it has begun to answer.
    pub fn call_resource(&self, request: ResourceRequest) -> Result<ResourceResponse>
    where
        P: Resource,
    {
        let routes = self.routes.get_or_init(P::routes);
        let sent = response::Sent::default();
        let mut sender = ResponseSender::new(&sent).into();
        let outcome = self.call(|| {
            routes.answer(&self.plugin, &Context::default(), request.into_wit().try_into()?, &mut sender)
        });
        let response::Answer { head, body } = sent.take();
        match (outcome, head) {
            (Ok(()), head) => {
                let (status, headers) = head.unwrap_or((200, Vec::new()));
                Ok(ResourceResponse { status: status_code(status), headers, body })
            }
            (Err(fault), None) => {
                let body = json!({ "message": fault.message }).to_string().into_bytes();
                let (name, value) = ("Content-Type".to_owned(), "application/json".to_owned());
                let headers = vec![crate::Header { name, value }];
                Ok(ResourceResponse { status: status_code(fault.status), headers, body })
            }
            (Err(fault), Some(_)) => Err(fault),
        }
    }

    /// Makes a call.
    fn call<T>(&self, call: impl FnOnce() -> Result<T>) -> Result<T> {
        let until = self.host.0.limit.get().map(|limit| self.host.0.later(limit));
        self.run_as(Running { until, is_stream: false }, call)
    }

    fn run_as<T>(&self, running: Running, call: impl FnOnce() -> Result<T>) -> Result<T> {
        self.host.0.patience.set(self.patience);
        self.host.call(running, call)
    }
}

impl<P> Deref for Opened<'_, P> {
    type Target = P;

    fn deref(&self) -> &P {
        &self.plugin
    }
}

impl<P> std::fmt::Debug for Opened<'_, P> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Opened").finish_non_exhaustive()
    }
}

/// Returns the fault that an export has made.
fn fault(fault: types::Fault) -> Fault {
    let source = match fault.source {
        types::FaultSource::Plugin => Source::Plugin,
        types::FaultSource::Downstream => Source::Downstream,
    };
    Fault { status: fault.status, message: fault.message, source }
}

/// As the host does with what is no status.
fn status_code(status: u16) -> StatusCode {
    match status {
        100..=599 => StatusCode::from_u16(status).unwrap_or_default(),
        _ => StatusCode::INTERNAL_SERVER_ERROR,
    }
}
