//! The gRPC services that Grafana calls.

use tonic::service::RoutesBuilder;

use super::{Backend, data, diagnostics, resource, stream};

/// Registers the services that a component may export. A service that is not registered answers `Unimplemented`.
pub(crate) fn add_to(routes: &mut RoutesBuilder, backend: &Backend) {
    routes.add_service(data::server(backend.clone()));
    routes.add_service(diagnostics::server(backend.clone()));
    routes.add_service(resource::server(backend.clone()));
    routes.add_service(stream::server(backend.clone()));
}
