//! Converts between Grafana's messages and gRPC's statuses on one side, and calls and the plugin on the other. No other
//! module does.

mod admission;
mod context;
mod conversion;
mod data;
mod diagnostics;
mod forwarded;
mod resource;
mod status;
mod stream;

pub(super) use self::admission::{admission_request, mutated, split_admission, validated};
pub(super) use self::context::context;
pub(super) use self::conversion::{conversion_request, converted, stored_queries};
pub(super) use self::data::{
    DataResponses, chunk_failure, concurrent_queries, format, header_pairs, queries, query, rows,
};
pub(super) use self::diagnostics::{health, unhealthy, with_report};
pub(super) use self::forwarded::{forwarded, forwarded_lists};
pub(super) use self::resource::{failure, header_list_pairs, piece, resource_request, whole};
pub(super) use self::status::{failed, failed_data, replaced, stopping};
pub(super) use self::stream::{published, subscribed};
