//! What a component may import, a module each. All of them work on `plugin::State`, the data of one instance.

pub mod call;
pub mod http;
pub mod log;
pub mod response;
pub mod scrub;
pub mod tracer;

use wasmtime::component::{HasSelf, Linker};

use crate::bindings::gpx::plugin as wit;
use crate::plugin::State;

/// Gives a component everything that it may import: WASI 0.2, outgoing HTTP, and the interfaces of `wit/`.
pub fn add_to_linker(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    wasmtime_wasi::p2::add_to_linker_async(linker)?;
    wasmtime_wasi_http::p2::add_only_http_to_linker_async(linker)?;
    wit::types::add_to_linker::<State, HasSelf<State>>(linker, |state| state)?;
    wit::call::add_to_linker::<State, HasSelf<State>>(linker, |state| state)?;
    wit::log::add_to_linker::<State, HasSelf<State>>(linker, |state| state)?;
    wit::response::add_to_linker::<State, HasSelf<State>>(linker, |state| state)?;
    wit::tracer::add_to_linker::<State, HasSelf<State>>(linker, |state| state)
}
