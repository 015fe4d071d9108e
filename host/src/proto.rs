//! The messages and services of `proto/`, as generated.

#![allow(
    clippy::allow_attributes_without_reason,
    clippy::doc_overindented_list_items,
    clippy::large_enum_variant,
    unreachable_pub,
    reason = "generated code"
)]

mod codec;

/// Grafana's services.
pub(crate) mod pluginv2 {
    tonic::include_proto!("pluginv2");
}

/// go-plugin's own services.
pub(crate) mod plugin {
    tonic::include_proto!("plugin");
}

/// The descriptors of all messages and services, for reflection.
pub(crate) const DESCRIPTORS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/descriptors.bin"));
