//! gRPC statuses for calls that fail as a whole. If a single query fails, its own answer says so.

use tonic::Status;

use crate::plugin::{CallError, Export};
use crate::text;

/// The length of a status's message in gRPC's trailer, in bytes as encoded. Grafana accepts 16 MiB of
/// headers, other clients 16 KiB. One that is sent more ends the connection, with all calls on it.
const MAX_ENCODED: usize = 8 * 1024;

pub(crate) fn not_exported(export: Export) -> Status {
    Status::unimplemented(format!("the plugin does not export gpx:plugin/{}", export.interface()))
}

pub(crate) fn stopping() -> Status {
    Status::cancelled("the plugin is being stopped")
}

/// Returns the status for an error that cannot be reported in an answer.
pub(crate) fn failed(error: &CallError) -> Status {
    let message = message(error.to_string());
    match error {
        CallError::CallerDeadline(_) => Status::deadline_exceeded(message),
        _ => Status::unknown(message),
    }
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
