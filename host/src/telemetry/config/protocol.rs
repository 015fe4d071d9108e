//! How spans are sent.

use std::fmt;

use crate::config::{Given, Origin, Tracing};
use crate::telemetry::problem::TracingProblem;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Protocol {
    #[default]
    Grpc,
    HttpProtobuf,
}

// === impl Protocol ===

impl Protocol {
    /// OpenTelemetry's variable counts only for its own endpoint: Grafana's takes gRPC.
    pub(super) fn parse(given: &Tracing, of: Origin, problems: &mut Vec<TracingProblem>) -> Given<Self> {
        let is_meant = |protocol: &&Given<String>| {
            matches!((protocol.origin, of), (Origin::Plugin(_), _) | (Origin::Otel(_), Origin::Otel(_)))
        };
        let Some(protocol) = given.protocol.as_ref().filter(is_meant) else { return Given::default() };
        match protocol.as_str() {
            "grpc" => protocol.with(Protocol::Grpc),
            "http/protobuf" => protocol.with(Protocol::HttpProtobuf),
            _ => {
                problems.push(TracingProblem::invalid(
                    protocol.origin,
                    "grpc or http/protobuf",
                    "grpc is used",
                ));
                Given::default()
            }
        }
    }
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Grpc => "grpc",
            Self::HttpProtobuf => "http/protobuf",
        })
    }
}
