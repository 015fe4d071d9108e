//! How a request ended, as its span says it.

use http::Response;
use opentelemetry::KeyValue;
use opentelemetry::trace::Status;

use super::names;
use crate::config::HttpNames;
use crate::telemetry::LimitedSpan;

pub(super) fn succeed<B>(span: &LimitedSpan, names: HttpNames, response: &Response<B>) {
    let status = response.status().as_u16();
    span.set_attributes(names::of_response(names, response).into_iter());
    if status >= 400 {
        span.set_status(Status::error(format!("error with HTTP status code {status}")));
    }
}

/// `kind` is that of the error, as metrics name it.
pub(super) fn fail(span: &LimitedSpan, names: HttpNames, kind: &'static str, message: String) {
    span.set_status(Status::error("request failed"));
    span.set_attributes(names::of_failure(names, kind).into_iter());
    let attributes = [
        KeyValue::new("exception.type", "egress::RequestError"),
        KeyValue::new("exception.message", message),
    ];
    span.add_event("exception", attributes.into_iter());
}
