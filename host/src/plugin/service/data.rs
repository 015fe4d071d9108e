//! `gpx:plugin/data`: runs one query.

use std::sync::Arc;

use sha2::{Digest as _, Sha256};
use wasmtime::Store;

use super::answers::{self, Answered};
use crate::call::Call;
use crate::capability::bindings::gpx::plugin::queries::{Answer, Query};
use crate::frame::Format;
use crate::plugin::component::services::Exports;
use crate::plugin::instance::invocation::{Called, Invocation};
use crate::plugin::instance::state::State;
use crate::plugin::{CallError, Owner, Plugin};

struct QueryData(Query);

impl Plugin {
    /// Runs one query. Encoding the answers is part of the call: it uses the same time, but no longer an instance.
    pub(crate) async fn query(
        &self,
        call: &Arc<Call>,
        owner: &Arc<Owner>,
        query: Query,
        format: Format,
    ) -> Result<Vec<Answered>, CallError> {
        let mut turn = self.turn(call, &owner.time);
        let ref_id = query.ref_id.clone();
        let (answers, memory) = self.invoke(call, owner, &mut turn, None, QueryData(query)).await?;
        let encoding = answers::encode(answers, Some(ref_id), format, memory, owner.clone());
        let _step = call.steps.begin("encode");
        turn.run(encoding).await.unwrap_or_else(|stop| Err(self.stopped(call, stop)))
    }
}

/// Adds what tells queries apart.
pub(super) fn digest(query: &Query, arguments: &mut Sha256) {
    let Query { ref_id, query_type, max_data_points, interval_ms, time_range, json, index, count } = query;
    for number in
        [*max_data_points, *interval_ms, time_range.start, time_range.end, (*index).into(), (*count).into()]
    {
        arguments.update(number.to_le_bytes());
    }
    for text in [ref_id.as_bytes(), query_type.as_bytes(), json] {
        arguments.update((text.len() as u64).to_le_bytes());
        arguments.update(text);
    }
}

impl Invocation for QueryData {
    type Answer = Vec<Answer>;

    fn function(&self) -> &'static str {
        "data.query-data"
    }

    fn ref_id(&self) -> Option<&str> {
        Some(&self.0.ref_id)
    }

    fn digest(&self, arguments: &mut Sha256) {
        digest(&self.0, arguments);
    }

    async fn invoke(self, store: &mut Store<State>, exports: &Exports) -> Called<Vec<Answer>> {
        exports.data()?.call_query_data(store, &self.0).await
    }

    fn weight(answers: &Vec<Answer>) -> usize {
        answers::weight(answers)
    }
}
