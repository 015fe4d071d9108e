//! The services that a component may export, and what the host makes of the list.

use wasmtime::Store;
use wasmtime::component::{Instance, InstancePre};

use crate::capability::bindings::exports::gpx::plugin as exported;
use crate::plugin::instance::state::State;

/// The one list: each service's name and its interface in `wit/`. Whoever needs something per service passes the name of
/// a macro that takes the list.
///
/// A new service is one line here, the calls that it makes in `plugin/service`, its server in `rpc`, and its messages in
/// `rpc/convert`: one file each, under the interface's name.
macro_rules! services {
    ($use:ident) => {
        $use! {
            Data = data,
            Diagnostics = diagnostics,
            Resource = resource,
        }
    };
}
pub(crate) use services;

macro_rules! exports {
    ($($service:ident = $interface:ident,)*) => {
        /// A service that a component may export.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum Export {
            $($service,)*
        }

        /// Where a component's exports are. Looked up once for all instances.
        pub(crate) struct Indices {
            plugin: exported::plugin::GuestIndices,
            $($interface: Option<exported::$interface::GuestIndices>,)*
        }

        /// The functions of one instance.
        pub(crate) struct Exports {
            pub plugin: exported::plugin::Guest,
            $($interface: Option<exported::$interface::Guest>,)*
        }

        impl Export {
            /// As in `data`.
            pub(crate) fn interface(self) -> &'static str {
                match self {
                    $(Self::$service => stringify!($interface),)*
                }
            }
        }

        impl Indices {
            /// Of a component that exports `interfaces` of the contract.
            pub(crate) fn of(component: &InstancePre<State>, interfaces: &[String]) -> wasmtime::Result<Self> {
                let has = |name: &str| interfaces.iter().any(|interface| interface == name);
                Ok(Self {
                    plugin: exported::plugin::GuestIndices::new(component)?,
                    $($interface: has(stringify!($interface))
                        .then(|| exported::$interface::GuestIndices::new(component))
                        .transpose()?,)*
                })
            }

            /// Whether the component exports a service.
            pub(crate) fn have(&self, export: Export) -> bool {
                match export {
                    $(Export::$service => self.$interface.is_some(),)*
                }
            }

            /// The functions of an instance of the component.
            pub(crate) fn load(&self, store: &mut Store<State>, instance: &Instance) -> wasmtime::Result<Exports> {
                Ok(Exports {
                    plugin: self.plugin.load(&mut *store, instance)?,
                    $($interface: self
                        .$interface
                        .as_ref()
                        .map(|indices| indices.load(&mut *store, instance))
                        .transpose()?,)*
                })
            }
        }

        impl Exports {
            $(/// Otherwise an error, which no caller sees that asked first whether the service is exported.
            pub(crate) fn $interface(&self) -> wasmtime::Result<&exported::$interface::Guest> {
                self.$interface.as_ref().ok_or_else(|| not_exported(Export::$service))
            })*
        }
    };
}

services!(exports);

fn not_exported(export: Export) -> wasmtime::Error {
    wasmtime::Error::msg(format!("the component does not export gpx:plugin/{}", export.interface()))
}
