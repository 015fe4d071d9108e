//! The exports that do not depend on what a plugin names as its model. Natively nobody calls them.

use std::any::Any;
use std::cell::OnceCell;

use super::opened;
use crate::bindings::base::gpx::plugin::types;
use crate::bindings::diagnostics::exports::gpx::plugin::diagnostics as wit_diagnostics;
use crate::bindings::resource::exports::gpx::plugin::resource as wit_resource;
use crate::bindings::stream::exports::gpx::plugin::stream as wit_stream;
use crate::host::{packets, response};
use crate::resource::{Request, Router};
use crate::{Context, Diagnostics, Resource, Stream};

thread_local! {
    /// The plugin's [`Router`], once it has answered a resource call.
    static ROUTES: OnceCell<&'static dyn Any> = const { OnceCell::new() };
}

fn routes<P: Resource>() -> &'static Router<P> {
    let known = ROUTES.with(|routes| routes.get().copied());
    known.and_then(|routes| routes.downcast_ref()).unwrap_or_else(|| {
        let routes: &'static Router<P> = Box::leak(Box::new(P::routes()));
        let _ = ROUTES.with(|known| known.set(routes));
        routes
    })
}

impl<P: Diagnostics> wit_diagnostics::Guest for P {
    fn check_health() -> Result<wit_diagnostics::Health, types::Fault> {
        Ok(opened::<P>()?.check_health(&Context::default())?)
    }
}

impl<P: Resource> wit_resource::Guest for P {
    fn call(request: wit_resource::Request, response: response::ResponseSender) -> Result<(), types::Fault> {
        let (plugin, request) = (opened::<P>()?, Request::try_from(request)?);
        Ok(routes::<P>().answer(plugin, &Context::default(), request, &mut response.into())?)
    }
}

impl<P: Stream> wit_stream::Guest for P {
    fn subscribe(request: wit_stream::Request) -> Result<wit_stream::Reply, types::Fault> {
        Ok(opened::<P>()?.subscribe(&Context::default(), &request.into())?.into())
    }

    fn publish(request: wit_stream::Request) -> Result<wit_stream::Reply, types::Fault> {
        Ok(opened::<P>()?.publish(&Context::default(), &request.into())?.into())
    }

    fn run(request: wit_stream::Request, packets: packets::PacketSender) -> Result<(), types::Fault> {
        Ok(opened::<P>()?.run(&Context::default(), &request.into(), &mut packets.into())?)
    }
}
