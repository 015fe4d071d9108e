//! Returns what a call has exchanged with its upstreams, if its caller asked for it: as an answer of its own, where Grafana
//! looks for it.

use serde_json::json;

use super::convert::DataResponses;
use crate::budget::{MemoryKind, beside_others};
use crate::call::Call;
use crate::capability::bindings::gpx::plugin::frames::Frame;
use crate::frame::{self, Format};
use crate::har::Capture;
use crate::log::Value;
use crate::plugin::Owner;

/// How the refId begins. The data source's uid follows, since Grafana puts the answers of several data sources together.
const REF_ID: &str = "__har__";

/// How many bytes bodies may take as a string within JSON: three quarters of what Grafana reads of an Arrow schema, and of what
/// an answer may take.
const ROOM_IN_ARROW: usize = 48 << 20;
const ROOM_IN_JSON: usize = 384 << 20;

/// Adds the capture. If there is no room for it, it is missing, and the log says why.
pub(super) async fn attach(call: &Call, owner: &Owner, format: Format, responses: &mut DataResponses) {
    let Some(capture) = call.capture.as_ref().filter(|capture| !capture.is_empty()) else { return };
    let uid = call.context.data_source().map_or("", |settings| settings.uid.as_str());
    let ref_id = format!("{REF_ID}{uid}");
    let result = if responses.has(&ref_id) {
        Err("a query has its refId".to_owned())
    } else {
        // Boxed, since few calls have one.
        Box::pin(encoded(capture, owner, format, &ref_id)).await
    };
    match result {
        Ok(frames) => responses.add_frames(ref_id, frames),
        Err(error) => {
            let fields = [("refID", Value::from(ref_id)), ("error", Value::from(error))];
            call.log.warn("The HAR capture of the call is missing", &fields);
        }
    }
}

async fn encoded(
    capture: &Capture,
    owner: &Owner,
    format: Format,
    ref_id: &str,
) -> Result<Vec<bytes::Bytes>, String> {
    let room = match format {
        Format::Arrow => ROOM_IN_ARROW,
        Format::Json => ROOM_IN_JSON,
    };
    let mut memory = owner.memory.nothing(MemoryKind::Answers);
    let meta = beside_others(|| {
        let document = capture.take_document(&owner.scrub, room, &mut memory)?;
        memory.try_grow(2 * document.len())?;
        Ok(json!({ "custom": { "har": document } }).to_string())
    });
    let meta = meta.map_err(|refused: crate::budget::Refused| refused.to_string())?;
    let frame =
        Frame { name: ref_id.to_owned(), ref_id: String::new(), meta: Some(meta), fields: Vec::new() };
    frame::encode(vec![frame], ref_id, format, memory).await.map_err(|error| error.to_string())
}
