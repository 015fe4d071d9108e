//! The services that a component may export, and the code that is generated from that list.

use wasmtime::Store;
use wasmtime::component::{Instance, InstancePre};

use crate::capability::bindings::exported;
use crate::plugin::instance::state::State;

/// The only list: the name of each service, its module in the bindings, and its interface in `wit/`. Code that is needed
/// once per service is a macro; its name is passed to this one, which calls it with the list.
///
/// A new service needs a line here, and its calls in `plugin/service`, a file with the module's name. `outgoing` has none: it is
/// asked once, when the component describes itself.
macro_rules! services {
    ($use:ident) => {
        $use! {
            Data = data "data",
            DataBatch = data_batch "data-batch",
            DataChunked = data_chunked "data-chunked",
            Diagnostics = diagnostics "diagnostics",
            Outgoing = outgoing "outgoing",
            Resource = resource "resource",
            Stream = stream "stream",
            Admission = admission "admission",
            Conversion = conversion "conversion",
            QueryConversion = query_conversion "query-conversion",
        }
    };
}
macro_rules! exports {
    ($($service:ident = $module:ident $interface:literal,)*) => {
        /// A service that a component may export.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum Export {
            $($service,)*
        }

        /// Where a component's exports are. They are looked up once for all instances.
        pub(crate) struct Indices {
            plugin: exported::plugin::GuestIndices,
            $($module: Option<exported::$module::GuestIndices>,)*
        }

        /// The functions of one instance.
        pub(crate) struct Exports {
            pub plugin: exported::plugin::Guest,
            $($module: Option<exported::$module::Guest>,)*
        }

        impl Export {
            /// The interface's name, such as `data-batch`.
            pub(crate) fn interface(self) -> &'static str {
                match self {
                    $(Self::$service => $interface,)*
                }
            }
        }

        impl Indices {
            /// Looks up the exports of a component that exports `interfaces` of the contract.
            pub(crate) fn of(component: &InstancePre<State>, interfaces: &[String]) -> wasmtime::Result<Self> {
                let has = |name: &str| interfaces.iter().any(|interface| interface == name);
                Ok(Self {
                    plugin: exported::plugin::GuestIndices::new(component)?,
                    $($module: has($interface)
                        .then(|| exported::$module::GuestIndices::new(component))
                        .transpose()?,)*
                })
            }

            /// Returns whether the component exports a service.
            pub(crate) fn have(&self, export: Export) -> bool {
                match export {
                    $(Export::$service => self.$module.is_some(),)*
                }
            }

            /// Returns the functions of an instance of the component.
            pub(crate) fn load(&self, store: &mut Store<State>, instance: &Instance) -> wasmtime::Result<Exports> {
                Ok(Exports {
                    plugin: self.plugin.load(&mut *store, instance)?,
                    $($module: self
                        .$module
                        .as_ref()
                        .map(|indices| indices.load(&mut *store, instance))
                        .transpose()?,)*
                })
            }
        }

        impl Exports {
            $(/// Fails if the service is not exported, which callers check beforehand.
            pub(crate) fn $module(&self) -> wasmtime::Result<&exported::$module::Guest> {
                self.$module.as_ref().ok_or_else(|| not_exported(Export::$service))
            })*
        }
    };
}

services!(exports);

fn not_exported(export: Export) -> wasmtime::Error {
    wasmtime::Error::msg(format!("the component does not export gpx:plugin/{}", export.interface()))
}
