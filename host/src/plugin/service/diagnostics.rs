//! `gpx:plugin/diagnostics`: the health of a data source or app.

use std::sync::Arc;

use wasmtime::Store;

use crate::call::Call;
use crate::capability::bindings::exports::gpx::plugin::diagnostics::Health;
use crate::plugin::component::services::Exports;
use crate::plugin::instance::invocation::{Called, Invocation};
use crate::plugin::instance::state::State;
use crate::plugin::{CallError, Owner, Plugin};
use crate::text::MAX_REASON;

struct CheckHealth;

/// How many bytes the details of a health check may take. They are JSON, which cannot be cut.
const MAX_DETAILS: usize = 1 << 20;

impl Plugin {
    pub(crate) async fn check_health(
        &self,
        call: &Arc<Call>,
        owner: &Arc<Owner>,
    ) -> Result<Health, CallError> {
        let pass = owner.checks.pass();
        let time = if pass.is_some() { &owner.checks.time } else { &owner.time };
        let mut turn = self.turn(call, time);
        let (mut health, _) = self.invoke(call, owner, &mut turn, pass, CheckHealth).await?;
        health.message = owner.scrub.shorten(health.message, MAX_REASON);
        // Grafana, too, takes both for no details.
        health.details = health.details.filter(|details| !matches!(details.trim_ascii(), "" | "null"));
        match health.details.as_ref().map(String::len) {
            Some(bytes) if bytes > MAX_DETAILS => {
                Err(CallError::TooLong { what: "the details", bytes, limit: MAX_DETAILS })
            }
            _ => {
                if let Some(what) = health.details.as_deref().and_then(not_an_object) {
                    return Err(CallError::Details(what));
                }
                health.details = health.details.map(|details| owner.scrub.json(details));
                Ok(health)
            }
        }
    }
}

/// Says what the text is unless it is a JSON object.
fn not_an_object(details: &str) -> Option<&'static str> {
    if serde_json::from_str::<serde::de::IgnoredAny>(details).is_err() {
        return Some("not valid JSON");
    }
    match details.trim_ascii_start().bytes().next() {
        Some(b'{') => None,
        Some(b'[') => Some("a list"),
        Some(b'"') => Some("a string"),
        _ => Some("a value"),
    }
}

impl Invocation for CheckHealth {
    type Answer = Health;

    fn function(&self) -> &'static str {
        "diagnostics.check-health"
    }

    async fn invoke(self, store: &mut Store<State>, exports: &Exports) -> Called<Health> {
        exports.diagnostics()?.call_check_health(store).await
    }
}
