//! `gpx:plugin/resource`: an HTTP-like request, answered chunk by chunk.

use std::sync::Arc;

use wasmtime::Store;

use crate::call::Call;
use crate::capability::bindings::exports::gpx::plugin::resource::Request;
use crate::capability::response::ResponseSender;
use crate::plugin::component::services::Exports;
use crate::plugin::instance::invocation::{Called, Invocation};
use crate::plugin::instance::state::State;
use crate::plugin::{CallError, Owner, Plugin};

struct CallResource {
    request: Request,
    sender: ResponseSender,
}

impl Plugin {
    /// Returns once the component has answered through `sender`. A component may send nothing.
    pub(crate) async fn call_resource(
        &self,
        call: &Arc<Call>,
        owner: &Arc<Owner>,
        request: Request,
        sender: ResponseSender,
    ) -> Result<(), CallError> {
        let mut turn = self.turn(call, &owner.time);
        self.invoke(call, owner, &mut turn, None, CallResource { request, sender }).await?;
        Ok(())
    }
}

impl Invocation for CallResource {
    type Answer = ();

    async fn invoke(self, store: &mut Store<State>, exports: &Exports) -> Called<()> {
        let sender = store.data_mut().table.push(self.sender)?;
        exports.resource()?.call_call(store, &self.request, sender).await
    }
}
