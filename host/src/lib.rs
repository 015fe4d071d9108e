//! gpx-host: the process that Grafana starts for a plugin whose logic is a WebAssembly component.

pub mod bindings;
pub mod capability;
pub mod proto;
pub mod telemetry;
