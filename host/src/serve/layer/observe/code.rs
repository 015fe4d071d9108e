//! gRPC's codes under the names that traces and metrics use.

use tonic::Code;

/// Returns the name that OpenTelemetry's `rpc.response.status_code` has.
pub(super) fn upper_snake(code: Code) -> &'static str {
    names(code).0
}

/// Returns the name as Go prints it.
pub(super) fn camel_case(code: Code) -> &'static str {
    names(code).1
}

/// Returns whether a code means a failure of the server, by OpenTelemetry's rule for servers. The other codes describe
/// the request.
pub(super) fn is_servers_fault(code: Code) -> bool {
    matches!(
        code,
        Code::Unknown
            | Code::DeadlineExceeded
            | Code::Unimplemented
            | Code::Internal
            | Code::Unavailable
            | Code::DataLoss
    )
}

fn names(code: Code) -> (&'static str, &'static str) {
    match code {
        Code::Ok => ("OK", "OK"),
        Code::Cancelled => ("CANCELLED", "Canceled"),
        Code::Unknown => ("UNKNOWN", "Unknown"),
        Code::InvalidArgument => ("INVALID_ARGUMENT", "InvalidArgument"),
        Code::DeadlineExceeded => ("DEADLINE_EXCEEDED", "DeadlineExceeded"),
        Code::NotFound => ("NOT_FOUND", "NotFound"),
        Code::AlreadyExists => ("ALREADY_EXISTS", "AlreadyExists"),
        Code::PermissionDenied => ("PERMISSION_DENIED", "PermissionDenied"),
        Code::ResourceExhausted => ("RESOURCE_EXHAUSTED", "ResourceExhausted"),
        Code::FailedPrecondition => ("FAILED_PRECONDITION", "FailedPrecondition"),
        Code::Aborted => ("ABORTED", "Aborted"),
        Code::OutOfRange => ("OUT_OF_RANGE", "OutOfRange"),
        Code::Unimplemented => ("UNIMPLEMENTED", "Unimplemented"),
        Code::Internal => ("INTERNAL", "Internal"),
        Code::Unavailable => ("UNAVAILABLE", "Unavailable"),
        Code::DataLoss => ("DATA_LOSS", "DataLoss"),
        Code::Unauthenticated => ("UNAUTHENTICATED", "Unauthenticated"),
    }
}
