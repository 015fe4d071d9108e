//! `gpx:plugin/admission`: whether an object may be stored, and in which form.

mod object;

use std::sync::Arc;

use wasmtime::Store;

pub(crate) use self::object::AdmissionObject;
use super::denial::{self, Denial};
use crate::budget::beside_others;
use crate::call::Call;
use crate::capability::bindings::exports::gpx::plugin::admission as wit;
use crate::capability::bindings::gpx::plugin::objects::Kind;
use crate::plugin::component::services::Exports;
use crate::plugin::instance::invocation::{Called, Invocation};
use crate::plugin::instance::state::State;
use crate::plugin::{CallError, Owner, Plugin};
use crate::text::Scrub;

/// What somebody does to an object.
#[derive(Clone)]
pub(crate) struct AdmissionRequest {
    pub operation: wit::Operation,
    pub kind: Kind,
    /// As it is to be stored.
    pub object: Option<AdmissionObject>,
    /// As it is stored now.
    pub old_object: Option<AdmissionObject>,
}

/// What the component says of it: for a mutation, with another form of the object if it has one.
pub(crate) struct Admitted<T> {
    pub outcome: Result<T, Denial>,
    pub warnings: Vec<String>,
}

struct Validate(AdmissionRequest);

struct Mutate(Arc<AdmissionRequest>);

/// How many warnings are passed on. Each becomes a header of the answer to the user.
const MAX_WARNINGS: usize = 32;

/// How long a warning is, in bytes. Kubernetes cuts longer ones.
const MAX_WARNING: usize = 256;

impl Plugin {
    /// Asks the component whether the object may be stored.
    pub(crate) async fn validate_admission(
        &self,
        call: &Arc<Call>,
        owner: &Arc<Owner>,
        request: AdmissionRequest,
    ) -> Result<Admitted<()>, CallError> {
        let mut turn = self.turn(call, &owner.time);
        let (verdict, _memory) = self.invoke(call, owner, &mut turn, None, Validate(request)).await?;
        let wit::Verdict { outcome, warnings } = verdict;
        let outcome = outcome.map_err(|denial| denial::bounded(denial, &owner.scrub));
        Ok(Admitted { outcome, warnings: bounded(warnings, &owner.scrub) })
    }

    /// Asks the component whether and in which form it may be stored. `None` is the form in which it was sent.
    pub(crate) async fn mutate_admission(
        &self,
        call: &Arc<Call>,
        owner: &Arc<Owner>,
        request: AdmissionRequest,
    ) -> Result<Admitted<Option<AdmissionObject>>, CallError> {
        let mut turn = self.turn(call, &owner.time);
        let request = Arc::new(request);
        let (mutation, memory) = self.invoke(call, owner, &mut turn, None, Mutate(request.clone())).await?;
        let wit::Mutation { outcome, warnings } = mutation;
        let outcome = match outcome {
            Ok(None) => Ok(None),
            Ok(Some(object)) => {
                // The call is over, so this is the only one that has it.
                let sent = Arc::unwrap_or_clone(request).object;
                let mutated = turn.run(object::mutated(sent, object, memory)).await;
                Ok(Some(mutated.unwrap_or_else(|stop| Err(self.stopped(call, stop)))?))
            }
            Err(denial) => Err(denial::bounded(denial, &owner.scrub)),
        };
        Ok(Admitted { outcome, warnings: bounded(warnings, &owner.scrub) })
    }
}

// === impl AdmissionRequest ===

impl AdmissionRequest {
    /// Returns what the component sees of it. Ask only once there is an instance: calls that wait for one have nothing but
    /// their messages.
    fn shown(&self) -> wit::Request {
        let shown = |object: &Option<AdmissionObject>| object.as_ref().map(AdmissionObject::shown);
        let objects = || (shown(&self.object), shown(&self.old_object));
        let (object, old_object) = beside_others(objects);
        wit::Request { operation: self.operation, kind: self.kind.clone(), object, old_object }
    }
}

// === impl Validate ===

impl Invocation for Validate {
    type Answer = wit::Verdict;

    fn function(&self) -> &'static str {
        "admission.validate"
    }

    async fn invoke(self, store: &mut Store<State>, exports: &Exports) -> Called<wit::Verdict> {
        let request = self.0.shown();
        drop(self);
        exports.admission()?.call_validate(store, &request).await
    }

    fn weight(verdict: &wit::Verdict) -> usize {
        let wit::Verdict { outcome, warnings } = verdict;
        outcome.as_ref().err().map_or(0, denial::weight) + weight(warnings)
    }
}

// === impl Mutate ===

impl Invocation for Mutate {
    type Answer = wit::Mutation;

    fn function(&self) -> &'static str {
        "admission.mutate"
    }

    async fn invoke(self, store: &mut Store<State>, exports: &Exports) -> Called<wit::Mutation> {
        exports.admission()?.call_mutate(store, &self.0.shown()).await
    }

    fn weight(mutation: &wit::Mutation) -> usize {
        let wit::Mutation { outcome, warnings } = mutation;
        let own = match outcome {
            Ok(object) => object.as_ref().map_or(0, object::weight),
            Err(denial) => denial::weight(denial),
        };
        own + weight(warnings)
    }
}

fn weight(warnings: &[String]) -> usize {
    size_of_val(warnings) + warnings.iter().map(String::len).sum::<usize>()
}

/// Cuts warnings to what is passed on.
fn bounded(mut warnings: Vec<String>, scrub: &Scrub) -> Vec<String> {
    let rest = warnings.split_off(warnings.len().min(MAX_WARNINGS));
    if !rest.is_empty() {
        // There may be millions.
        beside_others(|| drop(rest));
    }
    warnings.into_iter().map(|warning| scrub.shorten(warning, MAX_WARNING)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn warnings_are_few_short_and_without_secrets() {
        let scrub = Scrub::new(["hunter2hunter2"]);
        let mut warnings = vec!["the key hunter2hunter2 is weak".to_owned(), "x".repeat(1000)];
        warnings.extend((0..100).map(|number| number.to_string()));
        let warnings = bounded(warnings, &scrub);
        assert_eq!((warnings.len(), warnings[0].as_str()), (MAX_WARNINGS, "the key [secret] is weak"));
        assert!(warnings[1].len() == MAX_WARNING && warnings[1].ends_with('…'));
    }
}
