//! `gpx:plugin/diagnostics`: the health of a data source or app.

use std::sync::Arc;

use wasmtime::Store;

use crate::call::Call;
use crate::capability::bindings::exports::gpx::plugin::diagnostics::Health;
use crate::plugin::component::services::Exports;
use crate::plugin::instance::invocation::{Called, Invocation};
use crate::plugin::instance::state::State;
use crate::plugin::{CallError, Owner, Plugin};

struct CheckHealth;

impl Plugin {
    pub(crate) async fn check_health(
        &self,
        call: &Arc<Call>,
        owner: &Arc<Owner>,
    ) -> Result<Health, CallError> {
        let (health, _) = self.invoke(call, owner, &mut self.turn(call, owner), CheckHealth).await?;
        Ok(health)
    }
}

impl Invocation for CheckHealth {
    type Answer = Health;

    async fn invoke(self, store: &mut Store<State>, exports: &Exports) -> Called<Health> {
        exports.diagnostics()?.call_check_health(store).await
    }
}
