//! gpx-host runs the backend of a Grafana plugin whose logic is a WebAssembly component.
//!
//! The executable that Grafana starts calls [`launch::plugin`]. Another program can run a plugin too, for example a
//! development server that loads the component again after each build. It embeds a [`Host`]:
//!
//! ```no_run
//! use gpx_host::{Component, Host, Settings};
//! use tokio::net::TcpListener;
//!
//! #[tokio::main]
//! async fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     let settings: Settings = [("GF_PLUGIN_GPX_CALL_TIMEOUT", "1m")].into_iter().collect();
//!     let component = Component::from_file("gpx_prices.wasm");
//!     let host = Host::builder(component).identity("my-prices-datasource", "1.0.0").settings(settings).build()?;
//!
//!     // Calls can arrive from now on. They wait until the component is loaded.
//!     let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
//!     let serving = tokio::spawn({
//!         let host = host.clone();
//!         async move { host.serve(listener).await }
//!     });
//!     host.loaded().await?;
//!
//!     // After the next build. Running calls finish on the old component.
//!     host.replace(Component::from_file("gpx_prices.wasm")).await?;
//!
//!     // At the end, which also ends `serve`.
//!     host.drain().await;
//!     serving.await??;
//!     Ok(())
//! }
//! ```
//!
//! `examples/embed.rs` is a complete program of that kind.

mod budget;
mod call;
mod capability;
mod config;
mod egress;
mod frame;
#[cfg(any(test, feature = "fuzz"))]
#[doc(hidden)]
pub mod fuzz;
mod har;
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
mod tape;
mod telemetry;
mod text;

pub use self::config::Settings;
pub use self::host::{Builder, Error, Host};
pub use self::plugin::Component;
pub use self::serve::Listener;
