//! `gpx:plugin/data-chunked`: the answer to the queries of a request, sent while it is made.

use std::collections::HashMap;
use std::sync::Arc;

use sha2::Sha256;
use tokio::sync::mpsc;
use wasmtime::Store;

use super::data;
use crate::budget::{Charge, MemoryKind, OwnerMemory};
use crate::call::Call;
use crate::capability::bindings::gpx::plugin::frames::Frame;
use crate::capability::bindings::gpx::plugin::queries::Query;
use crate::capability::bindings::gpx::plugin::types::{Fault, FaultSource};
use crate::capability::chunks::{Chunk, ChunkFuture, ChunkSender, Content, EncodeChunks, Rows};
use crate::frame::{self, FieldTypes, Format, FrameError, Include};
use crate::plugin::component::services::Exports;
use crate::plugin::instance::invocation::{Called, Invocation};
use crate::plugin::instance::state::State;
use crate::plugin::{CallError, Owner, Plugin};
use crate::text::{MAX_REASON, Scrub};

struct QueryChunked {
    queries: Vec<Query>,
    sender: ChunkSender,
}

/// Encodes the chunks of one call. Works within the turn of its call.
struct ChunkEncoder {
    scrub: Scrub,
    /// What its chunks are charged to. Not the owner itself: the encoder may lie in an idle instance of its pool.
    memory: OwnerMemory,
    format: Format,
    /// The frames that have begun, by refId and id.
    begun: HashMap<(String, String), FieldTypes>,
    /// What these are charged for.
    paid: Charge,
}

/// What a frame that has begun takes besides its names, in bytes.
const ENTRY: usize = 256;

impl Plugin {
    /// Returns a sender that encodes in this format, and the receiver of its chunks.
    pub(crate) fn chunks(owner: &Arc<Owner>, format: Format) -> (ChunkSender, mpsc::Receiver<Chunk>) {
        ChunkSender::channel(Box::new(ChunkEncoder {
            scrub: owner.scrub.clone(),
            memory: owner.memory.clone(),
            format,
            begun: HashMap::new(),
            paid: owner.memory.nothing(MemoryKind::Answers),
        }))
    }

    /// Returns once the component has answered through `sender`. A component may send nothing.
    pub(crate) async fn query_chunked(
        &self,
        call: &Arc<Call>,
        owner: &Arc<Owner>,
        queries: Vec<Query>,
        sender: ChunkSender,
    ) -> Result<(), CallError> {
        let mut turn = self.turn(call, &owner.time);
        self.invoke(call, owner, &mut turn, None, QueryChunked { queries, sender }).await?;
        Ok(())
    }
}

impl Invocation for QueryChunked {
    type Answer = ();

    fn function(&self) -> &'static str {
        "data-chunked.query-data"
    }

    fn digest(&self, arguments: &mut Sha256) {
        self.queries.iter().for_each(|query| data::digest(query, arguments));
    }

    async fn invoke(self, store: &mut Store<State>, exports: &Exports) -> Called<()> {
        let sender = store.data_mut().table.push(self.sender)?;
        exports.data_chunked()?.call_query_data(store, &self.queries, sender).await
    }
}

// === impl ChunkEncoder ===

impl EncodeChunks for ChunkEncoder {
    fn weight(&self, frame: &Frame) -> usize {
        frame::weight(std::slice::from_ref(frame))
    }

    fn encode(&mut self, rows: Rows, paid: Charge) -> ChunkFuture<'_> {
        Box::pin(async move {
            let Rows { ref_id, frame_id, mut frame } = rows;
            frame.ref_id.clear();
            let shape = FieldTypes::of(&frame);
            let name = (ref_id, frame_id);
            let include = match self.begun.get(&name) {
                None if self.begun.len() >= frame::MAX_FRAMES => Err(FrameError::one_too_many(&name.0)),
                None => Ok(Include::All),
                Some(begun) if *begun == shape => Ok(Include::Rows),
                Some(_) => Err(FrameError::other_fields(&frame.name, &name.0)),
            };
            let encoded = match include {
                Ok(include) => frame::encode_chunk(frame, &name.0, include, self.format, paid).await,
                Err(error) => Err(error),
            };
            let (ref_id, frame_id) = name.clone();
            let content = match encoded {
                Ok(frame) => {
                    if !self.begun.contains_key(&name) {
                        self.paid.grow(ENTRY + name.0.len() + name.1.len() + shape.bytes()).await?;
                        self.begun.insert(name, shape);
                    }
                    let frame = frame::paid_while_it_waits(frame, &self.memory).await?;
                    Content::Rows { frame_id, frame }
                }
                Err(error) => {
                    let message = error.scrubbed(&self.scrub).to_string();
                    let message = self.scrub.shorten(message, MAX_REASON);
                    Content::Fault(Fault { status: 500, message, source: FaultSource::Plugin })
                }
            };
            Ok(Chunk { ref_id, content })
        })
    }

    fn clean(&self, fault: Fault) -> Fault {
        Fault { message: self.scrub.shorten(fault.message, MAX_REASON), ..fault }
    }
}
