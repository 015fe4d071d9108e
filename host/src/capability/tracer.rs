//! `gpx:plugin/tracer`: the spans that a component starts. The host keeps them.

mod convert;
mod host;
mod spans;

pub use self::convert::key_value;
pub use self::host::{HasTracer, TracerView};
pub use self::spans::{CallSpans, Span};
