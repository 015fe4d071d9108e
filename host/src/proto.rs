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

/// The descriptors of the messages and services of `proto/`.
const DESCRIPTORS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/descriptors.bin"));

/// The services that every plugin on the Go SDK has.
pub(crate) const SERVED: [&str; 10] = [
    "grpc.health.v1.Health",
    "grpc.reflection.v1.ServerReflection",
    "grpc.reflection.v1alpha.ServerReflection",
    "plugin.GRPCBroker",
    "plugin.GRPCController",
    "plugin.GRPCStdio",
    "pluginv2.Data",
    "pluginv2.Diagnostics",
    "pluginv2.Resource",
    "pluginv2.Stream",
];

/// Those that a plugin has if it serves them.
pub(crate) const OPTIONAL: [&str; 2] = ["pluginv2.AdmissionControl", "pluginv2.ResourceConversion"];

/// The descriptors of all of them.
pub(crate) const ALL_DESCRIPTORS: [&[u8]; 4] = [
    DESCRIPTORS,
    tonic_health::pb::FILE_DESCRIPTOR_SET,
    tonic_reflection::pb::v1::FILE_DESCRIPTOR_SET,
    tonic_reflection::pb::v1alpha::FILE_DESCRIPTOR_SET,
];
