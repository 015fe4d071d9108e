//! The gRPC services that Grafana calls.

use tonic::service::RoutesBuilder;

use super::{Backend, admission, conversion, data, diagnostics, resource, stream};

/// Registers the services that a component may export. A call of one that it does not export answers `Unimplemented`.
pub(crate) fn add_to(routes: &mut RoutesBuilder, backend: &Backend) {
    routes.add_service(data::server(backend.clone()));
    routes.add_service(diagnostics::server(backend.clone()));
    routes.add_service(resource::server(backend.clone()));
    routes.add_service(stream::server(backend.clone()));
    routes.add_service(admission::server(backend.clone()));
    routes.add_service(conversion::server(backend.clone()));
}
