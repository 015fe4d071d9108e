//! `gpx:plugin/conversion` and `gpx:plugin/query-conversion`: stored objects in another version of their kind.

use std::sync::Arc;

use bytes::Bytes;
use wasmtime::Store;

use super::denial::{self, Denial};
use crate::budget::{Charge, beside_others};
use crate::call::Call;
use crate::capability::bindings::exports::gpx::plugin::conversion as wit;
use crate::capability::bindings::gpx::plugin::objects;
use crate::frame;
use crate::plugin::component::services::Exports;
use crate::plugin::instance::invocation::{Called, Invocation};
use crate::plugin::instance::state::State;
use crate::plugin::{CallError, Owner, Plugin};

/// Objects, and the version that they should have.
pub(crate) struct ConversionRequest {
    pub group: String,
    pub version: String,
    pub objects: Vec<StoredObject>,
}

/// A serialized object and its media type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct StoredObject {
    pub raw: Bytes,
    pub content_type: String,
}

/// The converted objects, or why there are none.
pub(crate) type Conversion = Result<Vec<StoredObject>, Denial>;

/// The media type of queries.
pub(crate) const JSON: &str = "application/json";

struct Convert(ConversionRequest);

struct ConvertQueries(Vec<String>);

/// How many objects one call may return.
const MAX_OBJECTS: usize = 10_000;

/// How long a media type may be, in bytes.
const MAX_TYPE: usize = 256;

impl Plugin {
    /// Has the component convert objects.
    pub(crate) async fn convert_objects(
        &self,
        call: &Arc<Call>,
        owner: &Arc<Owner>,
        request: ConversionRequest,
    ) -> Result<Conversion, CallError> {
        let mut turn = self.turn(call, &owner.time);
        let (converted, mut memory) = self.invoke(call, owner, &mut turn, None, Convert(request)).await?;
        let objects = match converted {
            Ok(objects) => few(objects)?,
            Err(denial) => return Ok(Err(denial::bounded(denial, &owner.scrub))),
        };
        let kept = |object: wit::RawObject| StoredObject {
            raw: memory.split(object.raw.len()).keep(object.raw),
            content_type: owner.scrub.shorten(object.content_type, MAX_TYPE),
        };
        Ok(Ok(objects.into_iter().map(kept).collect()))
    }

    /// Has the component convert the queries of one request.
    pub(crate) async fn convert_queries(
        &self,
        call: &Arc<Call>,
        owner: &Arc<Owner>,
        queries: Vec<String>,
    ) -> Result<Vec<StoredObject>, CallError> {
        let mut turn = self.turn(call, &owner.time);
        let convert = ConvertQueries(queries);
        let (queries, memory) = self.invoke(call, owner, &mut turn, None, convert).await?;
        let checking = checked(few(queries)?, memory);
        turn.run(checking).await.unwrap_or_else(|stop| Err(self.stopped(call, stop)))
    }
}

/// Returns an error if there are too many.
fn few<T: Send>(objects: Vec<T>) -> Result<Vec<T>, CallError> {
    let count = objects.len();
    if count <= MAX_OBJECTS {
        return Ok(objects);
    }
    beside_others(|| drop(objects));
    Err(CallError::ManyObjects { count, limit: MAX_OBJECTS })
}

/// Checks that Grafana can read the queries.
async fn checked(queries: Vec<String>, mut memory: Charge) -> Result<Vec<StoredObject>, CallError> {
    let mut objects = Vec::with_capacity(queries.len());
    for (number, query) in queries.into_iter().enumerate() {
        let is_object = query.trim_ascii_start().starts_with('{');
        let paid = memory.split(query.len());
        let raw = match frame::check_json(query, paid).await {
            Ok(raw) if is_object => raw,
            Ok(_) => return Err(no_query(number, "is not a JSON object; return one for each query")),
            Err(mistake) => return Err(no_query(number, &mistake.to_string())),
        };
        objects.push(StoredObject { raw, content_type: JSON.to_owned() });
    }
    Ok(objects)
}

fn no_query(number: usize, why: &str) -> CallError {
    CallError::Object(format!("converted query {}: it {why}", number + 1))
}

// === impl ConversionRequest ===

impl From<ConversionRequest> for wit::Request {
    fn from(ConversionRequest { group, version, objects }: ConversionRequest) -> Self {
        let raw = |StoredObject { raw, content_type }| wit::RawObject { raw: raw.into(), content_type };
        let target = objects::GroupVersion { group, version };
        Self { target, objects: objects.into_iter().map(raw).collect() }
    }
}

// === impl Convert ===

impl Invocation for Convert {
    type Answer = Result<Vec<wit::RawObject>, objects::Denial>;

    fn function(&self) -> &'static str {
        "conversion.convert"
    }

    async fn invoke(self, store: &mut Store<State>, exports: &Exports) -> Called<Self::Answer> {
        // Copied only now: calls that wait for an instance have nothing but their messages.
        let request = beside_others(|| self.0.into());
        exports.conversion()?.call_convert(store, &request).await
    }

    fn weight(converted: &Self::Answer) -> usize {
        let own = |object: &wit::RawObject| object.raw.len() + object.content_type.len();
        match converted {
            Ok(objects) => size_of_val(objects.as_slice()) + objects.iter().map(own).sum::<usize>(),
            Err(denial) => denial::weight(denial),
        }
    }
}

// === impl ConvertQueries ===

impl Invocation for ConvertQueries {
    type Answer = Vec<String>;

    fn function(&self) -> &'static str {
        "query-conversion.convert"
    }

    async fn invoke(self, store: &mut Store<State>, exports: &Exports) -> Called<Self::Answer> {
        exports.query_conversion()?.call_convert(store, &self.0).await
    }

    fn weight(queries: &Self::Answer) -> usize {
        size_of_val(queries.as_slice()) + queries.iter().map(String::len).sum::<usize>()
    }
}
