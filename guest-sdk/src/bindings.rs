//! What wit-bindgen generates from the contract in `wit/`: one world per service, so that a component exports only the
//! services that it names. All of them share the types of the first.
#![allow(missing_docs, clippy::all, clippy::restriction, unreachable_pub, reason = "generated")]

/// The `plugin` interface that every component exports, and all imports.
pub mod base {
    wit_bindgen::generate!({
        path: "wit",
        world: "base",
        pub_export_macro: true,
        export_macro_name: "export_base",
    });
}

macro_rules! service {
    ($world:tt, $export:tt $(, $interface:tt: $shared:path)*) => {
        wit_bindgen::generate!({
            path: "wit",
            world: $world,
            pub_export_macro: true,
            export_macro_name: $export,
            with: {
                "gpx:plugin/cache@0.2.0": crate::bindings::base::gpx::plugin::cache,
                "gpx:plugin/call@0.2.0": crate::bindings::base::gpx::plugin::call,
                "gpx:plugin/chunks@0.2.0": crate::bindings::base::gpx::plugin::chunks,
                "gpx:plugin/frames@0.2.0": crate::bindings::base::gpx::plugin::frames,
                "gpx:plugin/log@0.2.0": crate::bindings::base::gpx::plugin::log,
                "gpx:plugin/metrics@0.2.0": crate::bindings::base::gpx::plugin::metrics,
                "gpx:plugin/packets@0.2.0": crate::bindings::base::gpx::plugin::packets,
                "gpx:plugin/response@0.2.0": crate::bindings::base::gpx::plugin::response,
                "gpx:plugin/tracer@0.2.0": crate::bindings::base::gpx::plugin::tracer,
                "gpx:plugin/types@0.2.0": crate::bindings::base::gpx::plugin::types,
                $($interface: $shared,)*
            },
        });
    };
}

pub mod data {
    service!("data-service", "export_data");
}

pub mod data_batch {
    service!(
        "data-batch-service",
        "export_data_batch",
        "gpx:plugin/queries@0.2.0": crate::bindings::data::gpx::plugin::queries
    );
}

pub mod data_chunked {
    service!(
        "data-chunked-service",
        "export_data_chunked",
        "gpx:plugin/queries@0.2.0": crate::bindings::data::gpx::plugin::queries
    );
}

pub mod diagnostics {
    service!("diagnostics-service", "export_diagnostics");
}

pub mod outgoing {
    service!("outgoing-requests", "export_outgoing");
}

pub mod resource {
    service!("resource-service", "export_resource");
}

pub mod stream {
    service!("stream-service", "export_stream");
}

pub mod admission {
    service!("admission-service", "export_admission");
}

pub mod conversion {
    service!(
        "conversion-service",
        "export_conversion",
        "gpx:plugin/objects@0.2.0": crate::bindings::admission::gpx::plugin::objects
    );
}

pub mod query_conversion {
    service!("query-conversion-service", "export_query_conversion");
}
