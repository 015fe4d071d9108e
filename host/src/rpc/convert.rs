//! The only place where Grafana's messages and gRPC's statuses meet calls and the plugin.

mod context;
mod data;
mod diagnostics;
mod resource;
mod status;

pub use self::context::context;
pub use self::data::{DataResponses, concurrent_queries, format, header_pairs, query};
pub use self::diagnostics::{health, unhealthy};
pub use self::resource::{failure, header_list_pairs, piece, resource_request, whole};
pub use self::status::{failed, not_exported, stopping};
