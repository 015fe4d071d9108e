//! gpx-host: the process that Grafana starts for a plugin whose logic is a WebAssembly component.
//!
//! The executable is `launch::plugin`. Another program can be a host, too: see [`Host`].

mod budget;
mod call;
mod capability;
mod config;
mod egress;
mod frame;
mod host;
pub mod launch;
mod log;
mod metrics;
mod net;
mod plugin;
mod proto;
mod rpc;
mod serve;
mod shutdown;
mod telemetry;

pub use self::config::Settings;
pub use self::host::{Builder, Error, Host};
pub use self::plugin::Component;
pub use self::serve::Listener;
