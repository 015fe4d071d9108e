#![doc = include_str!("../README.md")]

pub mod admission;
mod answer;
mod attribute;
#[doc(hidden)]
pub mod bindings;
pub mod cache;
pub mod chunks;
mod context;
pub mod conversion;
pub mod dataplane;
mod fault;
pub mod frame;
#[cfg(any(test, feature = "fuzz"))]
#[doc(hidden)]
pub mod fuzz;
mod health;
mod host;
pub mod http;
mod json;
pub mod log;
mod macros;
pub mod metrics;
pub mod plugin;
mod query;
pub mod random;
pub mod resource;
mod settings;
mod source;
pub mod span;
pub mod stream;
#[cfg(all(feature = "test", not(target_arch = "wasm32")))]
pub mod test;
#[cfg(all(not(feature = "test"), not(target_arch = "wasm32")))]
mod test;
pub mod time;
#[cfg(feature = "tracing")]
pub mod tracing;

pub use answer::{Answer, Answers};
pub use attribute::{Attribute, ToValue, Value};
pub use context::{
    Context, FlagAttribute, Grafana, GrafanaConfig, Header, OpenFeature, PluginContext, SqlConfig, User,
};
pub use fault::{Fault, FaultError, Result};
pub use frame::{Field, FieldConfig, Frame};
pub use health::{Health, HealthStatus};
pub use macros::Macros;
pub use plugin::{
    Admission, Conversion, Data, DataBatch, DataChunked, Diagnostics, Plugin, QueryConversion, Resource,
    Stream,
};
pub use query::{Model, Query, TimeRange, Unread};
pub use settings::{Settings, SettingsKind};
pub use source::Source;
pub use time::{InvalidTime, Time};
