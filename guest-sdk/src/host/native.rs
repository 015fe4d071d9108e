//! What stands in for the host natively: the [`Fake`] of [`crate::test`], if a test has made one for its thread. Without one,
//! log lines go to stderr, spans and metrics nowhere, clocks and random numbers are real, and everything else panics with
//! what to do. A panic unwinds, so other tests go on.

pub(crate) mod cache;
pub(crate) mod call;
pub(crate) mod chunks;
pub(crate) mod clock;
pub(crate) mod fake;
pub(crate) mod json;
pub(crate) mod log;
pub(crate) mod metrics;
pub(crate) mod packets;
pub(crate) mod random;
pub(crate) mod response;
pub(crate) mod tracer;
pub(crate) mod wire;
