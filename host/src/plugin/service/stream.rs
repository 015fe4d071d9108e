//! `gpx:plugin/stream`: who may subscribe and publish, and the stream itself.

use std::sync::Arc;

use bytes::Bytes;
use sha2::{Digest as _, Sha256};
use tokio::sync::mpsc;
use tokio::time::Instant;
use wasmtime::Store;

use super::packets::{PacketEncoder, encode, told};
use crate::budget::MemoryKind;
use crate::call::Call;
use crate::capability::bindings::exports::gpx::plugin::stream::{Reply, Request};
use crate::capability::packets::PacketSender;
use crate::log::{Value, duration};
use crate::plugin::component::services::Exports;
use crate::plugin::instance::invocation::{Called, Invocation};
use crate::plugin::instance::state::State;
use crate::plugin::streams::Pause;
use crate::plugin::{CallError, Owner, Permit, Plugin};

/// A channel, and what its frontend sends along.
pub(crate) struct StreamRequest {
    pub path: String,
    pub data: Bytes,
}

/// What a user asks for.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Ask {
    Subscribe,
    Publish,
}

/// Whether a user may subscribe or publish.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum StreamReply {
    /// With the packet that goes with it. Empty if there is none.
    Accepted(Bytes),
    NotFound,
    PermissionDenied,
}

struct Asked {
    ask: Ask,
    request: Request,
}

struct RunStream {
    request: Request,
    sender: PacketSender,
}

impl Plugin {
    /// Asks the component whether a user may do so.
    pub(crate) async fn ask(
        &self,
        call: &Arc<Call>,
        owner: &Arc<Owner>,
        ask: Ask,
        request: StreamRequest,
    ) -> Result<StreamReply, CallError> {
        let mut turn = self.turn(call, &owner.time);
        let asked = Asked { ask, request: request.into() };
        let (reply, memory) = self.invoke(call, owner, &mut turn, None, asked).await?;
        let packet = match reply {
            Reply::NotFound => return Ok(StreamReply::NotFound),
            Reply::PermissionDenied => return Ok(StreamReply::PermissionDenied),
            Reply::Accepted(None) => return Ok(StreamReply::Accepted(Bytes::new())),
            Reply::Accepted(Some(packet)) => packet,
        };
        let encoded = turn.run(encode(packet, memory)).await.map_err(|stop| self.stopped(call, stop))?;
        let told = |mistake| CallError::Frame(told(mistake, &owner.scrub));
        encoded.map(StreamReply::Accepted).map_err(told)
    }

    /// Returns a sender for the packets of a stream, and the receiver of what it has encoded.
    pub(crate) fn packets(owner: &Owner) -> (PacketSender, mpsc::Receiver<Bytes>) {
        PacketSender::channel(Box::new(PacketEncoder {
            scrub: owner.scrub.clone(),
            memory: owner.streams.memory.clone(),
        }))
    }

    /// Returns once the stream is over. It has an instance of its own, which is used for nothing else. `bytes` is what the
    /// caller's message takes, and is charged as long as the stream runs.
    ///
    /// A stream that fails again and again pauses before it runs, as long as its caller waits for it.
    pub(crate) async fn run_stream(
        &self,
        call: &Arc<Call>,
        owner: &Arc<Owner>,
        request: StreamRequest,
        bytes: usize,
        sender: PacketSender,
    ) -> Result<(), CallError> {
        let permit = self.stream_permit(owner)?;
        let key = owner.streams.key(&request.path);
        if let Some(Pause { failures, until }) = owner.streams.pause(key) {
            let now = Instant::now();
            // The beginning needs the rest of its time.
            let until = until.min(now + call.deadline.at.saturating_duration_since(now) / 2);
            let pause = duration(until.saturating_duration_since(now));
            let fields = [("failures", Value::from(i64::from(failures))), ("pause", Value::from(pause))];
            call.log.info("The stream pauses before it runs again, since it has failed", &fields);
            tokio::time::sleep_until(until).await;
        }
        let began = Instant::now();
        let result = self.run_stream_now(call, owner, permit, request, bytes, sender).await;
        match &result {
            Err(_) if !call.caller_is_gone() => owner.streams.failed_after(key, began.elapsed()),
            _ => owner.streams.ended(key),
        }
        result
    }

    async fn run_stream_now(
        &self,
        call: &Arc<Call>,
        owner: &Arc<Owner>,
        permit: Permit,
        request: StreamRequest,
        bytes: usize,
        sender: PacketSender,
    ) -> Result<(), CallError> {
        // The message itself, and the copy of its data.
        let _paid = owner.streams.memory.try_charge(MemoryKind::Instance, bytes + request.data.len())?;
        let mut turn = self.turn(call, &owner.streams.time);
        let run = RunStream { request: request.into(), sender };
        let take = self.take(owner, &run);
        let instance = self.open(call, owner, &mut turn, &permit, take).await?;
        let mut turn = self.platform.governor.lasting_turn(
            &owner.streams.time,
            call.deadline.end(),
            call.upstream.clone(),
        );
        self.run(call, owner, &mut turn, permit, instance, run).await?;
        Ok(())
    }
}

impl From<StreamRequest> for Request {
    fn from(StreamRequest { path, data }: StreamRequest) -> Self {
        Self { path, data: data.into() }
    }
}

fn digest(Request { path, data }: &Request, arguments: &mut Sha256) {
    arguments.update((path.len() as u64).to_le_bytes());
    arguments.update(path);
    arguments.update(data);
}

impl Invocation for Asked {
    type Answer = Reply;

    fn function(&self) -> &'static str {
        match self.ask {
            Ask::Subscribe => "stream.subscribe",
            Ask::Publish => "stream.publish",
        }
    }

    fn digest(&self, arguments: &mut Sha256) {
        digest(&self.request, arguments);
    }

    async fn invoke(self, store: &mut Store<State>, exports: &Exports) -> Called<Reply> {
        let stream = exports.stream()?;
        match self.ask {
            Ask::Subscribe => stream.call_subscribe(store, &self.request).await,
            Ask::Publish => stream.call_publish(store, &self.request).await,
        }
    }

    fn weight(reply: &Reply) -> usize {
        match reply {
            Reply::Accepted(Some(packet)) => super::packets::weight(packet),
            _ => 0,
        }
    }
}

impl Invocation for RunStream {
    type Answer = ();

    const LASTS: bool = true;

    fn function(&self) -> &'static str {
        "stream.run"
    }

    fn digest(&self, arguments: &mut Sha256) {
        digest(&self.request, arguments);
    }

    async fn invoke(self, store: &mut Store<State>, exports: &Exports) -> Called<()> {
        let sender = store.data_mut().table.push(self.sender)?;
        exports.stream()?.call_run(store, &self.request, sender).await
    }
}
