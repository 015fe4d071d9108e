//! The contract of `wit/` as Rust types, and the traits that `capability` implements.

wasmtime::component::bindgen!({
    path: "../wit",
    world: "all",
    imports: {
        default: trappable,
        "gpx:plugin/cache.load": async | trappable,
        "gpx:plugin/chunks.[method]chunk-sender.send-fault": async | trappable,
        "gpx:plugin/chunks.[method]chunk-sender.send-frame": async | trappable,
        "gpx:plugin/packets.[method]packet-sender.send": async | trappable,
        "gpx:plugin/response.[method]response-sender.send": async | trappable,
    },
    exports: { default: async },
    with: {
        "gpx:plugin/cache.loader": crate::capability::cache::CacheLoader,
        "gpx:plugin/tracer.span": crate::capability::tracer::Span,
        "gpx:plugin/chunks.chunk-sender": crate::capability::chunks::ChunkSender,
        "gpx:plugin/packets.packet-sender": crate::capability::packets::PacketSender,
        "gpx:plugin/response.response-sender": crate::capability::response::ResponseSender,
    },
    require_store_data_send: true,
});

/// The interface `resource` with arguments that are borrowed: a body of 16 MiB goes from the message into the component's
/// memory without another copy.
mod borrowed {
    wasmtime::component::bindgen!({
        path: "../wit",
        world: "resource-service",
        ownership: Borrowing { duplicate_if_necessary: false },
        exports: { default: async },
        with: {
            "gpx:plugin/cache": super::gpx::plugin::cache,
            "gpx:plugin/call": super::gpx::plugin::call,
            "gpx:plugin/log": super::gpx::plugin::log,
            "gpx:plugin/response": super::gpx::plugin::response,
            "gpx:plugin/tracer": super::gpx::plugin::tracer,
            "gpx:plugin/types": super::gpx::plugin::types,
        },
        require_store_data_send: true,
    });
}

/// The interfaces that a component may export.
pub(crate) mod exported {
    pub(crate) use super::borrowed::exports::gpx::plugin::resource;
    pub(crate) use super::exports::gpx::plugin::*;
}
