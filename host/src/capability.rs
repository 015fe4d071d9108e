//! What a component may import, one module for each interface. A capability sees only its own part of a store, never
//! the whole store.

pub(crate) mod bindings;
pub(crate) mod cache;
mod call;
pub(crate) mod chunks;
pub(crate) mod http;
mod log;
mod metrics;
mod otel;
pub(crate) mod packets;
mod poll;
mod previous;
pub(crate) mod response;
pub(crate) mod tracer;
mod view;

use wasmtime::component::Linker;

use self::bindings::gpx::plugin as wit;
use self::cache::HasCache;
pub(crate) use self::call::{CallView, HasCall, headers};
use self::chunks::HasChunks;
pub(crate) use self::log::{HasLog, LogView};
pub(crate) use self::metrics::{HasMetrics, MetricsView};
use self::packets::HasPackets;
use self::response::HasResponse;
use self::tracer::HasTracer;
pub(crate) use self::view::View;

/// Defines everything that a component may import: WASI 0.2, outgoing HTTP, and the interfaces of `wit/`.
pub(crate) fn add_to_linker<T: View + 'static>(linker: &mut Linker<T>) -> wasmtime::Result<()> {
    wasmtime_wasi::p2::add_to_linker_async(linker)?;
    wasmtime_wasi_http::p2::add_only_http_to_linker_async(linker)?;
    http::add_to_linker(linker)?;
    poll::add_to_linker(linker)?;
    wit::cache::add_to_linker::<T, HasCache>(linker, T::cache)?;
    wit::types::add_to_linker::<T, HasCall>(linker, T::call)?;
    wit::call::add_to_linker::<T, HasCall>(linker, T::call)?;
    previous::gpx::plugin::call::add_to_linker::<T, HasCall>(linker, T::call)?;
    wit::chunks::add_to_linker::<T, HasChunks>(linker, T::chunks)?;
    wit::log::add_to_linker::<T, HasLog>(linker, T::log)?;
    wit::metrics::add_to_linker::<T, HasMetrics>(linker, T::metrics)?;
    wit::packets::add_to_linker::<T, HasPackets>(linker, T::packets)?;
    wit::response::add_to_linker::<T, HasResponse>(linker, T::response)?;
    otel::bindings::wasi::otel::types::add_to_linker::<T, HasTracer>(linker, T::tracer)?;
    otel::bindings::wasi::otel::tracing::add_to_linker::<T, HasTracer>(linker, T::tracer)?;
    wit::tracer::add_to_linker::<T, HasTracer>(linker, T::tracer)
}
