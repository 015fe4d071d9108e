//! What a component may import, one module for each interface. A capability sees only its own part of a store, never
//! the whole store.

pub(crate) mod bindings;
mod call;
pub(crate) mod http;
mod log;
mod poll;
pub(crate) mod response;
pub(crate) mod scrub;
pub(crate) mod text;
pub(crate) mod tracer;

use wasmtime::component::Linker;
use wasmtime_wasi::WasiView;
use wasmtime_wasi_http::WasiHttpView;

use self::bindings::gpx::plugin as wit;
pub(crate) use self::call::{CallView, HasCall, headers};
pub(crate) use self::log::{HasLog, LogView};
use self::response::{HasResponse, ResponseView};
use self::tracer::{HasTracer, TracerView};

/// The data of a store, as the capabilities see it.
pub(crate) trait View: WasiView + WasiHttpView {
    fn call(&mut self) -> CallView<'_>;
    fn log(&mut self) -> LogView<'_>;
    fn response(&mut self) -> ResponseView<'_>;
    fn tracer(&mut self) -> TracerView<'_>;

    /// The component changes an HTTP message, so that what the host keeps of it may grow.
    fn message_changes(&mut self);
}

/// Defines everything that a component may import: WASI 0.2, outgoing HTTP, and the interfaces of `wit/`.
pub(crate) fn add_to_linker<T: View + 'static>(linker: &mut Linker<T>) -> wasmtime::Result<()> {
    wasmtime_wasi::p2::add_to_linker_async(linker)?;
    wasmtime_wasi_http::p2::add_only_http_to_linker_async(linker)?;
    http::add_to_linker(linker)?;
    poll::add_to_linker(linker)?;
    wit::types::add_to_linker::<T, HasCall>(linker, T::call)?;
    wit::call::add_to_linker::<T, HasCall>(linker, T::call)?;
    wit::log::add_to_linker::<T, HasLog>(linker, T::log)?;
    wit::response::add_to_linker::<T, HasResponse>(linker, T::response)?;
    wit::tracer::add_to_linker::<T, HasTracer>(linker, T::tracer)
}
