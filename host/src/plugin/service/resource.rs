//! `gpx:plugin/resource`: an HTTP-like request, answered chunk by chunk.

use std::sync::Arc;

use bytes::Bytes;
use sha2::{Digest as _, Sha256};
use wasmtime::Store;

use crate::call::Call;
use crate::capability::bindings::exported::resource::Request;
use crate::capability::bindings::gpx::plugin::types::Header;
use crate::capability::response::ResponseSender;
use crate::plugin::component::services::Exports;
use crate::plugin::instance::invocation::{Called, Invocation};
use crate::plugin::instance::state::State;
use crate::plugin::{CallError, Owner, Plugin};

/// A request for a resource. Its body is part of Grafana's message.
pub(crate) struct ResourceRequest {
    pub path: String,
    pub method: String,
    pub url: String,
    pub headers: Vec<Header>,
    pub body: Bytes,
}

struct CallResource {
    request: ResourceRequest,
    sender: ResponseSender,
}

impl Plugin {
    /// Returns once the component has answered through `sender`. A component may send nothing.
    pub(crate) async fn call_resource(
        &self,
        call: &Arc<Call>,
        owner: &Arc<Owner>,
        request: ResourceRequest,
        sender: ResponseSender,
    ) -> Result<(), CallError> {
        let mut turn = self.turn(call, &owner.time);
        self.invoke(call, owner, &mut turn, None, CallResource { request, sender }).await?;
        Ok(())
    }
}

impl Invocation for CallResource {
    type Answer = ();

    fn function(&self) -> &'static str {
        "resource.call"
    }

    fn digest(&self, arguments: &mut Sha256) {
        let ResourceRequest { method, url, body, .. } = &self.request;
        for part in [method.as_bytes(), url.as_bytes(), body] {
            arguments.update((part.len() as u64).to_le_bytes());
            arguments.update(part);
        }
    }

    async fn invoke(self, store: &mut Store<State>, exports: &Exports) -> Called<()> {
        let sender = store.data_mut().table.push(self.sender)?;
        let ResourceRequest { path, method, url, headers, body } = &self.request;
        let headers: Vec<_> = headers.iter().collect();
        let request = Request { path, method, url, headers: &headers, body };
        exports.resource()?.call_call(store, request, sender).await
    }
}
