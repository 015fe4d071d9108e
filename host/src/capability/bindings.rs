//! The one `bindgen!`: the contract of `wit/` as Rust types, and the traits that `capability` implements.

wasmtime::component::bindgen!({
    path: "../wit",
    world: "data-source",
    imports: {
        default: trappable,
        "gpx:plugin/response.[method]response-sender.send": async | trappable,
    },
    exports: { default: async },
    with: {
        "gpx:plugin/tracer.span": crate::capability::tracer::Span,
        "gpx:plugin/response.response-sender": crate::capability::response::ResponseSender,
    },
    require_store_data_send: true,
});
