//! `wasi:otel` as Rust types.

wasmtime::component::bindgen!({
    path: "../wit/otel",
    world: "imports",
    imports: { default: trappable },
    require_store_data_send: true,
});
