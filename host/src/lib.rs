//! gpx-host: the process that Grafana starts for a plugin whose logic is a WebAssembly component.

pub mod bindings;
pub mod call;
pub mod capability;
pub mod config;
pub mod convert;
pub mod egress;
pub mod frame;
pub mod handshake;
pub mod log;
pub mod metrics;
pub mod plugin;
pub mod process;
pub mod proto;
pub mod rpc;
pub mod serve;
pub mod shutdown;
pub mod telemetry;
