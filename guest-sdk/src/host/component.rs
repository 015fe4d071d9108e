//! What a component imports: the bindings, and WASI for HTTP, clocks and random numbers.

pub(crate) mod clock;
pub(crate) mod random;
pub(crate) mod wire;

pub(crate) use crate::bindings::base::gpx::plugin::{
    cache, call, chunks, log, metrics, packets, response, tracer,
};
