//! gRPC statuses for what goes wrong as a whole. What goes wrong with one query is told in its own answer.

use tonic::Status;

use crate::plugin::Service;

pub(super) fn not_exported(service: Service) -> Status {
    let interface = match service {
        Service::Data => "data",
        Service::Diagnostics => "diagnostics",
        Service::Resource => "resource",
    };
    Status::unimplemented(format!("the plugin does not export gpx:plugin/{interface}"))
}

pub(super) fn stopping() -> Status {
    Status::cancelled("the plugin is being stopped")
}
