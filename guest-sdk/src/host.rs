//! The one seam between this crate and the host: what a component imports. In a component these are the bindings; natively,
//! where there is no host, they are the fake one of [`crate::test`]. Both sides have the same functions and resources, and
//! the records are those of the bindings.

#[cfg(target_arch = "wasm32")]
mod component;
#[cfg(not(target_arch = "wasm32"))]
pub(crate) mod native;

#[cfg(target_arch = "wasm32")]
pub(crate) use component::{
    cache, call, chunks, clock, log, metrics, packets, random, response, tracer, wire,
};
#[cfg(not(target_arch = "wasm32"))]
pub(crate) use native::{cache, call, chunks, clock, log, metrics, packets, random, response, tracer, wire};
