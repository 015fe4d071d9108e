//! `gpx:plugin/data-batch`: runs the queries of a request together.

use std::sync::Arc;

use sha2::Sha256;
use wasmtime::Store;

use super::answers::{self, Answered};
use super::data;
use crate::call::Call;
use crate::capability::bindings::gpx::plugin::queries::{Answer, Query};
use crate::capability::bindings::gpx::plugin::types::Fault;
use crate::frame::Format;
use crate::plugin::component::services::Exports;
use crate::plugin::instance::invocation::{Called, Invocation};
use crate::plugin::instance::state::State;
use crate::plugin::{CallError, Owner, Plugin};

struct QueryBatch(Vec<Query>);

impl Plugin {
    /// Runs the queries, and returns what the component answered. It may leave out some, and answer others.
    pub(crate) async fn query_batch(
        &self,
        call: &Arc<Call>,
        owner: &Arc<Owner>,
        queries: Vec<Query>,
        format: Format,
    ) -> Result<Vec<Answered>, CallError> {
        let mut turn = self.turn(call, &owner.time);
        let (answers, memory) = self.invoke(call, owner, &mut turn, None, QueryBatch(queries)).await?;
        let answers = answers.map_err(|fault| CallError::Request(fault).scrubbed(&owner.scrub))?;
        let encoding = answers::encode(answers, None, format, memory, owner.clone());
        let _step = call.steps.begin("encode");
        turn.run(encoding).await.unwrap_or_else(|stop| Err(self.stopped(call, stop)))
    }
}

impl Invocation for QueryBatch {
    type Answer = Result<Vec<Answer>, Fault>;

    fn function(&self) -> &'static str {
        "data-batch.query-data"
    }

    fn digest(&self, arguments: &mut Sha256) {
        self.0.iter().for_each(|query| data::digest(query, arguments));
    }

    async fn invoke(self, store: &mut Store<State>, exports: &Exports) -> Called<Self::Answer> {
        // A fault is told from one of `open`, which is no error of the request.
        exports.data_batch()?.call_query_data(store, &self.0).await.map(Ok)
    }

    fn weight(answers: &Self::Answer) -> usize {
        answers.as_deref().map_or(0, answers::weight)
    }
}
