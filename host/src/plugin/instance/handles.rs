//! What the host keeps for the handles of an instance, in bytes.
//!
//! Handles come and go in many functions of WASI, so they are not counted one by one. Each call of the host adds the most
//! that it can leave behind. Once the sum exceeds what is charged, the table is weighed.

use std::any::Any;

use wasmtime::component::ResourceTable;
use wasmtime_wasi_http::FieldMap;
use wasmtime_wasi_http::p2::body::{HostFutureTrailers, HostIncomingBody, HostOutgoingBody};
use wasmtime_wasi_http::p2::types::{HostFutureIncomingResponse, HostIncomingResponse, HostOutgoingRequest};

use crate::budget::{InstanceMemory, Refused};
use crate::capability::http::{MAX_FIELDS, OUTGOING_PIECE};
use crate::capability::response::ResponseSender;
use crate::egress::limits::CONNECTION_BYTES;

/// An upper bound of what an instance's handles hold.
#[derive(Default)]
pub(super) struct Handles {
    bound: usize,
    charged: usize,
}

/// What a call of the host can leave behind besides the contents of HTTP messages: a handle or two, with their places in
/// the tables of the host and of the component.
const PLAIN: usize = 512;

/// The most that a change of an HTTP message can add: a copy of its fields, and a path. A map of fields needs up to twice
/// what the limit counts.
const MESSAGE: usize = 2 * MAX_FIELDS + (64 << 10);

/// A request that is under way, or a response with its body: its connection, or the head of the response and a piece of
/// its body, as they were read from there.
const EXCHANGE: usize = CONNECTION_BYTES;

/// A piece of a request's body that waits to be sent, and one that is being written.
const SENT: usize = 2 * OUTGOING_PIECE;

/// A place in a header map, and the place of a further value of the same name.
const FIELD: usize = 112;
const FURTHER_VALUE: usize = 80;

/// Up to so many fields, a map is measured. A larger one counts as full.
const MEASURED: usize = 64;

/// The least that is charged beyond what was weighed, so that the table is weighed rarely.
const SLACK: usize = 16 << 10;

/// What an idle instance may keep beyond that: it soon needs it again.
const KEPT: usize = 32 << 10;

// === impl Handles ===

impl Handles {
    /// Counts a call of the host, which may have changed an HTTP message. Charges the instance if need be.
    pub(super) fn called(
        &mut self,
        changes_message: bool,
        table: &mut ResourceTable,
        memory: &mut InstanceMemory,
    ) -> Result<(), Refused> {
        self.bound = self.bound.saturating_add(if changes_message { MESSAGE } else { PLAIN });
        if self.bound <= self.charged {
            return Ok(());
        }
        self.bound = weight(table);
        if self.bound > self.charged {
            let charge = self.bound.saturating_add(SLACK.max(self.bound / 4));
            memory.set_handles(charge)?;
            self.charged = charge;
        }
        Ok(())
    }

    /// The call is over: only what its handles hold is still charged.
    pub(super) fn rest(&mut self, table: &mut ResourceTable, memory: &mut InstanceMemory) {
        self.bound = weight(table);
        if self.bound + KEPT < self.charged && memory.set_handles(self.bound).is_ok() {
            self.charged = self.bound;
        }
    }
}

/// Returns what all handles in the table hold, or more.
fn weight(table: &mut ResourceTable) -> usize {
    table.iter_mut().map(|entry| PLAIN / 2 + weight_of(entry)).sum()
}

fn weight_of(entry: &dyn Any) -> usize {
    if let Some(fields) = entry.downcast_ref::<FieldMap>() {
        return fields_weight(fields);
    }
    if let Some(request) = entry.downcast_ref::<HostOutgoingRequest>() {
        let texts = [&request.authority, &request.path_with_query];
        return fields_weight(&request.headers)
            + texts.iter().map(|text| text.as_ref().map_or(0, String::capacity)).sum::<usize>();
    }
    if entry.is::<HostOutgoingBody>() {
        return SENT;
    }
    if entry.is::<HostFutureIncomingResponse>() {
        return EXCHANGE;
    }
    let is_part = entry.is::<HostIncomingResponse>()
        || entry.is::<HostIncomingBody>()
        || entry.is::<HostFutureTrailers>()
        || entry.is::<ResponseSender>();
    if is_part { EXCHANGE / 2 } else { 0 }
}

fn fields_weight(fields: &FieldMap) -> usize {
    if fields.len() > MEASURED {
        return MESSAGE;
    }
    let texts = fields.iter().map(|(name, value)| name.as_str().len() + value.len());
    texts.sum::<usize>() + fields.capacity() * FIELD + fields.len() * FURTHER_VALUE
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use http_body_util::{BodyExt as _, Empty};

    use super::*;

    fn response() -> HostIncomingBody {
        HostIncomingBody::new(Empty::<Bytes>::new().map_err(|never| match never {}).boxed_unsync())
    }

    /// Returns what a handle weighs beside its place in the table.
    fn weight_with<T: Send + 'static>(entry: T) -> usize {
        let mut table = ResourceTable::new();
        table.push(entry).unwrap();
        weight(&mut table) - PLAIN / 2
    }

    #[test]
    fn whatever_keeps_a_response_weighs_as_much_as_one() {
        assert_eq!(weight_with(response()), EXCHANGE / 2);
        assert_eq!(weight_with(response().into_future_trailers()), EXCHANGE / 2);
        assert_eq!(weight_with(ResponseSender::channel().0), EXCHANGE / 2);
        assert_eq!(weight_with(()), 0);
    }
}
