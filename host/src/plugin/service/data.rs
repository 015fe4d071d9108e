//! `gpx:plugin/data`: runs one query, and returns its frames in the format that Grafana asked for.

use std::sync::Arc;

use bytes::Bytes;
use wasmtime::Store;

use crate::call::Call;
use crate::capability::bindings::exports::gpx::plugin::data::Query;
use crate::capability::bindings::gpx::plugin::frames::Frame;
use crate::frame::{self, Format};
use crate::plugin::component::services::Exports;
use crate::plugin::instance::invocation::{Called, Invocation};
use crate::plugin::instance::state::State;
use crate::plugin::{CallError, Owner, Plugin};

struct QueryData(Query);

impl Plugin {
    /// Runs one query. Encoding its answer is part of the call: it uses the same time, but no longer an instance.
    pub(crate) async fn query(
        &self,
        call: &Arc<Call>,
        owner: &Arc<Owner>,
        query: Query,
        format: Format,
    ) -> Result<Vec<Bytes>, CallError> {
        let mut turn = self.turn(call, &owner.time);
        let ref_id = query.ref_id.clone();
        let (frames, memory) = self.invoke(call, owner, &mut turn, None, QueryData(query)).await?;
        let encoding = async move { frame::encode(frames, &ref_id, format, memory).await };
        match turn.run(encoding).await {
            Ok(encoded) => {
                encoded.map_err(|error| CallError::Frame(error.scrubbed(&owner.scrub).to_string()))
            }
            Err(stop) => Err(self.stopped(call, stop)),
        }
    }
}

impl Invocation for QueryData {
    type Answer = Vec<Frame>;

    async fn invoke(self, store: &mut Store<State>, exports: &Exports) -> Called<Vec<Frame>> {
        exports.data()?.call_query_data(store, &self.0).await
    }

    fn weight(frames: &Vec<Frame>) -> usize {
        frame::weight(frames)
    }
}
