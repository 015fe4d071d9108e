//! Why a request was not taken, and whether another attempt may help.

use std::time::{Duration, SystemTime};

use ::http::header::RETRY_AFTER;
use ::http::{HeaderMap, StatusCode};
use tonic::{Code, Status};
use tonic_types::StatusExt as _;

use crate::telemetry::cause::Cause;

/// How servers say that a request is too large. The same codes also mean that a value is invalid.
const TOO_LARGE: [&str; 9] = [
    "larger than",
    "too large",
    "too big",
    "message size",
    "maximum size",
    "max size",
    "size limit",
    "length limit",
    // A proxy's answer, as gRPC sees it.
    "status code 413",
];

/// How servers say that a quota is used up, without saying for how long.
const THROTTLED: [&str; 6] = ["rate", "quota", "throttl", "too many", "limit exceeded", "h2 protocol error"];

#[derive(Clone, Debug)]
pub(super) struct Failure {
    pub cause: Cause,
    /// What the collector or the connection said.
    pub text: String,
    pub again: Again,
}

/// Whether to send the same request again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Again {
    Never,
    Later,
    /// The collector says when.
    After(Duration),
}

// === impl Failure ===

impl Failure {
    /// `status` is the collector's own. Which codes may pass later is OTLP's list.
    pub(super) fn of_status(status: &Status) -> Self {
        let wait = status.get_details_retry_info().and_then(|info| info.retry_delay);
        let later = wait.map_or(Again::Later, Again::After);
        let (cause, again) = match status.code() {
            _ if wait.is_none() && is_too_large(status) => (Cause::TooLarge, Again::Never),
            Code::Unauthenticated => (Cause::Unauthenticated, Again::Never),
            Code::PermissionDenied => (Cause::Forbidden, Again::Never),
            Code::Unimplemented => (Cause::NotFound, Again::Never),
            Code::ResourceExhausted if wait.is_some() => (Cause::Throttled, later),
            Code::ResourceExhausted => (Cause::Throttled, Again::Never),
            Code::DeadlineExceeded => (Cause::Timeout, later),
            Code::Unavailable if wait.is_some() => (Cause::Throttled, later),
            Code::Cancelled | Code::Aborted | Code::OutOfRange | Code::Unavailable | Code::DataLoss => {
                (Cause::Unavailable, later)
            }
            _ => (Cause::Rejected, Again::Never),
        };
        let message =
            if status.message().is_empty() { status.code().description() } else { status.message() };
        Self { cause, text: format!("{:?}: {message}", status.code()), again }
    }

    /// `said` is what the answer's body says.
    pub(super) fn of_response(status: StatusCode, headers: &HeaderMap, said: &str) -> Self {
        let wait = headers.get(RETRY_AFTER).and_then(|value| retry_after(value.to_str().ok()?));
        let later = wait.map_or(Again::Later, Again::After);
        let (cause, again) = match status.as_u16() {
            401 => (Cause::Unauthenticated, Again::Never),
            403 => (Cause::Forbidden, Again::Never),
            404 | 405 | 300..=399 => (Cause::NotFound, Again::Never),
            413 => (Cause::TooLarge, Again::Never),
            429 => (Cause::Throttled, later),
            502..=504 => (Cause::Unavailable, later),
            _ => (Cause::Rejected, Again::Never),
        };
        let text = if said.is_empty() { format!("HTTP {status}") } else { format!("HTTP {status}: {said}") };
        Self { cause, text, again }
    }

    /// A fault of this side or of the network, which may be over later.
    pub(super) fn of_network(cause: Cause, text: String) -> Self {
        Self { cause, text, again: Again::Later }
    }
}

/// Returns whether a smaller request could pass. If nothing says otherwise, `ResourceExhausted` means that: it is what
/// gRPC's own limits answer.
fn is_too_large(status: &Status) -> bool {
    let message = status.message().to_lowercase();
    let says = |words: &[&str]| words.iter().any(|word| message.contains(word));
    match status.code() {
        Code::ResourceExhausted => says(&TOO_LARGE) || !says(&THROTTLED),
        Code::OutOfRange | Code::InvalidArgument | Code::Unknown => says(&TOO_LARGE),
        _ => false,
    }
}

/// Reads the header: seconds, or a date.
fn retry_after(value: &str) -> Option<Duration> {
    let value = value.trim();
    if let Ok(seconds) = value.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let date = httpdate::parse_http_date(value).ok()?;
    Some(date.duration_since(SystemTime::now()).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use tonic_types::ErrorDetails;

    use super::*;

    #[test]
    fn a_refusal_for_the_size_is_told_from_others() {
        for (code, message) in [
            (Code::ResourceExhausted, "grpc: received message larger than max (5000000 vs. 4194304)"),
            (Code::ResourceExhausted, "Received message larger than max"),
            (Code::ResourceExhausted, "no"),
            (
                Code::OutOfRange,
                "Error, decoded message length too large: found 5000000 bytes, the limit is: 4194304 bytes",
            ),
            (Code::InvalidArgument, "request body too large"),
            (Code::Unknown, "grpc-status header missing, mapped from HTTP status code 413"),
        ] {
            let failure = Failure::of_status(&Status::new(code, message));
            assert_eq!((failure.cause, failure.again), (Cause::TooLarge, Again::Never), "{message}");
        }
        for (code, message, cause) in [
            (Code::ResourceExhausted, "RATE_LIMITED: ingestion rate limit exceeded", Cause::Throttled),
            (Code::InvalidArgument, "no", Cause::Rejected),
            (Code::Unavailable, "too large a backlog", Cause::Unavailable),
        ] {
            assert_eq!(Failure::of_status(&Status::new(code, message)).cause, cause, "{message}");
        }
    }

    #[test]
    fn the_collector_says_when_to_come_back() {
        let wait = Duration::from_secs(7);
        let details = ErrorDetails::with_retry_info(Some(wait));
        for code in [Code::ResourceExhausted, Code::Unavailable] {
            let status = Status::with_error_details(code, "message size", details.clone());
            let failure = Failure::of_status(&status);
            assert_eq!((failure.cause, failure.again), (Cause::Throttled, Again::After(wait)));
        }
        let headers = |value: &str| HeaderMap::from_iter([(RETRY_AFTER, value.parse().unwrap())]);
        let again = |value| Failure::of_response(StatusCode::TOO_MANY_REQUESTS, &headers(value), "").again;
        assert_eq!(again("7"), Again::After(wait));
        assert_eq!(again("Thu, 01 Jan 1970 00:00:00 GMT"), Again::After(Duration::ZERO));
        assert_eq!((again("soon"), again("-1")), (Again::Later, Again::Later));
        let date = httpdate::fmt_http_date(SystemTime::now() + Duration::from_secs(3600));
        assert!(matches!(again(&date), Again::After(wait) if wait > Duration::from_secs(3000)));
    }

    #[test]
    fn an_http_status_has_its_cause() {
        for (status, cause, again) in [
            (301, Cause::NotFound, Again::Never),
            (400, Cause::Rejected, Again::Never),
            (401, Cause::Unauthenticated, Again::Never),
            (403, Cause::Forbidden, Again::Never),
            (404, Cause::NotFound, Again::Never),
            (413, Cause::TooLarge, Again::Never),
            (500, Cause::Rejected, Again::Never),
            (503, Cause::Unavailable, Again::Later),
        ] {
            let status = StatusCode::from_u16(status).unwrap();
            let failure = Failure::of_response(status, &HeaderMap::new(), "");
            assert_eq!((failure.cause, failure.again), (cause, again), "{status}");
        }
    }
}
