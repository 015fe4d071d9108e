//! The span of a request while the response's body is read, if the operator wants that to be part of it.

use std::sync::Arc;

use super::outcome::fail;
use super::{names, wording};
use crate::config::HttpNames;
use crate::egress::error::RequestError;
use crate::telemetry::{LimitedSpan, SPAN_TEXT};
use crate::text::Scrub;

/// The span of a request whose response has begun. It ends when this is dropped.
pub(in crate::egress) struct OpenSpan {
    pub(super) span: Arc<LimitedSpan>,
    pub(super) names: HttpNames,
    pub(super) scrub: Scrub,
    pub(super) bytes: u64,
    /// All of them have been read.
    pub(super) is_whole: bool,
}

// === impl OpenSpan ===

impl OpenSpan {
    /// So many bytes more have been read, which may be the last.
    pub(in crate::egress) fn received(&mut self, bytes: usize, is_whole: bool) {
        self.bytes += bytes as u64;
        self.is_whole = is_whole;
    }

    pub(in crate::egress) fn failed(&self, error: &RequestError) {
        fail(
            &self.span,
            self.names,
            error.kind().name(),
            self.scrub.shorten(wording::of_request(error), SPAN_TEXT),
        );
    }
}

impl Drop for OpenSpan {
    fn drop(&mut self) {
        if self.is_whole && self.bytes > 0 {
            // As for a response without a body, which has this event already.
            self.span.add_event("http.receive.done", [].into_iter());
        }
        self.span.set_attributes([names::of_body(self.names, self.bytes)].into_iter());
        self.span.end(None);
    }
}
