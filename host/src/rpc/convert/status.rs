//! gRPC statuses for calls that fail as a whole. If a single query fails, its own answer says so.

use std::collections::HashMap;

use prost::Message as _;
use tonic::{Code, Status};

use crate::plugin::CallError;
use crate::text;

/// The length of a status's message in gRPC's trailer, in bytes as encoded. Grafana accepts 16 MiB of
/// headers, other clients 16 KiB. One that is sent more ends the connection, with all calls on it.
const MAX_ENCODED: usize = 8 * 1024;

/// Grafana reads from a status who is to blame for it, as Go plugins tell it.
const ERROR_INFO: &str = "type.googleapis.com/google.rpc.ErrorInfo";

/// `google.rpc.Status`, which a trailer with details carries besides code and message.
#[derive(Clone, PartialEq, prost::Message)]
struct DetailedStatus {
    #[prost(int32, tag = "1")]
    code: i32,
    #[prost(string, tag = "2")]
    message: String,
    #[prost(message, repeated, tag = "3")]
    details: Vec<prost_types::Any>,
}

/// The part of `google.rpc.ErrorInfo` that is sent.
#[derive(Clone, PartialEq, prost::Message)]
struct ErrorInfo {
    #[prost(map = "string, string", tag = "3")]
    metadata: HashMap<String, String>,
}

pub(crate) fn stopping() -> Status {
    Status::cancelled("the plugin is being stopped")
}

/// Grafana runs a stream again that ends with an error.
pub(crate) fn replaced() -> Status {
    Status::unavailable("another component has taken the place of the one that ran the stream")
}

/// Returns the status for an error that cannot be reported in an answer.
pub(crate) fn failed(error: &CallError) -> Status {
    let message = message(error.to_string());
    match error {
        CallError::CallerDeadline(_) => Status::deadline_exceeded(message),
        CallError::Unserved(_) => Status::unimplemented(message),
        _ => Status::unknown(message),
    }
}

/// Returns the status for an error of a request for data, which says who is to blame if that is known.
pub(crate) fn failed_data(error: &CallError) -> Status {
    let status = failed(error);
    match error {
        CallError::CallerDeadline(_) | CallError::Fault(_) | CallError::Request(_) => {
            blaming(error.source().name(), status.code(), status.message())
        }
        _ => status,
    }
}

fn blaming(source: &str, code: Code, message: &str) -> Status {
    let metadata = HashMap::from([("errorSource".to_owned(), source.to_owned())]);
    let info =
        prost_types::Any { type_url: ERROR_INFO.to_owned(), value: ErrorInfo { metadata }.encode_to_vec() };
    let detailed = DetailedStatus { code: code.into(), message: message.to_owned(), details: vec![info] };
    Status::with_details(code, message, detailed.encode_to_vec().into())
}

/// Returns what gRPC's trailer has room for.
fn message(text: String) -> String {
    let (mut encoded, mut end) = (0, 0);
    for (at, byte) in text.bytes().enumerate() {
        // gRPC encodes all but some characters as `%` and two digits.
        encoded += if byte.is_ascii_alphanumeric() { 1 } else { 3 };
        if encoded + 3 * text::CUT.len_utf8() <= MAX_ENCODED {
            end = at + 1;
        } else if encoded > MAX_ENCODED {
            return text::unfinished(text, end + text::CUT.len_utf8());
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_fits_into_the_trailer_whatever_it_says() {
        for char in ["x", " ", "%", "\n", "é", "😀"] {
            let encoded = |text: &str| tonic::Status::unknown(message(text.to_owned())).into_http::<()>();
            let long = encoded(&char.repeat(1 << 20));
            let length = long.headers()["grpc-message"].len();
            assert!((MAX_ENCODED / 2..=MAX_ENCODED).contains(&length), "{char}: {length}");
        }
        assert_eq!(message("no more".to_owned()), "no more");
        assert_eq!(message("x".repeat(MAX_ENCODED)), "x".repeat(MAX_ENCODED));
        assert!(message("x".repeat(MAX_ENCODED + 1)).ends_with("x…"));
    }
}
