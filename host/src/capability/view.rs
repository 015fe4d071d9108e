//! The data of a store, as the capabilities see it.

use wasmtime_wasi::WasiView;
use wasmtime_wasi_http::WasiHttpView;

use super::cache::CacheView;
use super::call::CallView;
use super::chunks::ChunksView;
use super::log::LogView;
use super::metrics::MetricsView;
use super::packets::PacketsView;
use super::response::ResponseView;
use super::tracer::TracerView;

/// The data of a store, as the capabilities see it.
pub(crate) trait View: WasiView + WasiHttpView {
    fn cache(&mut self) -> CacheView<'_>;
    fn call(&mut self) -> CallView<'_>;
    fn chunks(&mut self) -> ChunksView<'_>;
    fn log(&mut self) -> LogView<'_>;
    fn metrics(&mut self) -> MetricsView<'_>;
    fn packets(&mut self) -> PacketsView<'_>;
    fn response(&mut self) -> ResponseView<'_>;
    fn tracer(&mut self) -> TracerView<'_>;

    /// The component changes an HTTP message, so that what the host keeps of it may grow.
    fn message_changes(&mut self);
}
