//! `gpx:plugin/tracer`: the spans that a component starts. The host keeps them.

mod convert;
mod host;
mod spans;
#[cfg(test)]
mod tests;

pub(crate) use self::convert::key_value;
pub(super) use self::convert::{MAX_KEY, MAX_LIST, text};
pub(crate) use self::host::{HasTracer, TracerView};
pub(crate) use self::spans::CallSpans;
#[expect(unreachable_pub, reason = "generated code exports it")]
pub use self::spans::Span;
