//! A plugin that a fake host has opened, and its calls. They go the way of the component's exports, without the crossing.

use std::cell::OnceCell;
use std::ops::Deref;

use http::StatusCode;
use serde_json::json;

use super::{
    Host, PacketRecord, QueryBuilder, ReplyRecord, ResourceRequest, ResourceResponse, SettingsBuilder,
};
use crate::bindings::base::gpx::plugin::types;
use crate::bindings::stream::exports::gpx::plugin::stream::Reply as WitReply;
use crate::host::native::chunks::{self, ChunkSender};
use crate::host::native::packets::{self, PacketSender};
use crate::host::native::response::{self, ResponseSender};
use crate::log::Level;
use crate::plugin::export::{self, Component, DataAnswer, DataQuery};
use crate::query::Model;
use crate::resource::Router;
use crate::stream::Request;
use crate::{
    Answer, Context, Data, DataBatch, DataChunked, Diagnostics, Fault, Frame, Health, Resource, Result,
    Source, Stream,
};

/// A plugin that [`Host::open`] has made. It is also the plugin itself, for functions of your own.
pub struct Opened<'h, P> {
    host: &'h Host,
    plugin: P,
    routes: OnceCell<Router<P>>,
}

/// The answer under one refId.
#[derive(Clone, Debug, PartialEq)]
pub struct AnswerRecord {
    pub ref_id: String,
    pub frames: Vec<Frame>,
    /// The status of a success, or what went wrong.
    pub outcome: Result<u16>,
}

/// A chunk of an answer that was sent chunk by chunk.
#[derive(Clone, Debug, PartialEq)]
pub enum ChunkRecord {
    Frame { ref_id: String, frame_id: String, frame: Frame },
    Fault { ref_id: String, fault: Fault },
}

// === impl Opened ===

impl<'h, P: Component> Opened<'h, P> {
    pub(super) fn open(host: &'h Host, settings: SettingsBuilder) -> Result<Self> {
        let declared = P::manifest().secrets;
        let (settings, undeclared) = settings.with_secrets(&declared);
        // The host puts these into requests, and the plugin does not have them.
        let placed = P::additions().secret_headers;
        for name in undeclared.iter().filter(|name| placed.iter().all(|header| header.secret != **name)) {
            // A warning of the host as well.
            let message = format!(
                "the secret `{name}` is not among the `secrets` of `plugin!`, so `open` does not get it"
            );
            crate::log::log(Level::Warn, &message, &[]);
        }
        Ok(Self { host, plugin: P::open(settings.build())?, routes: OnceCell::new() })
    }
}

impl<P> Opened<'_, P> {
    /// Answers a query by [`Data`]: with frames, or with the fault. See [`Opened::answers`] for all of it.
    ///
    /// # Errors
    ///
    /// If the query's model does not fit, the plugin returns a fault, or the host would refuse a frame because its columns
    /// differ in length.
    pub fn query<M: Model, A: Into<Answer>>(&self, query: QueryBuilder) -> Result<Vec<Frame>>
    where
        P: Data<M, A>,
    {
        let mut answers = self.answers(query)?.into_iter();
        let first = answers.next().ok_or_else(|| Fault::plugin("the plugin has not answered the query"))?;
        first.outcome.map(|_| first.frames)
    }

    /// Answers a query by [`Data`]: with its own answer, and with those under other refIds after it.
    ///
    /// # Errors
    ///
    /// If the query's model does not fit, or the plugin returns a fault instead of an answer.
    pub fn answers<M: Model, A: Into<Answer>>(&self, query: QueryBuilder) -> Result<Vec<AnswerRecord>>
    where
        P: Data<M, A>,
    {
        let query = query.into_wit();
        let ref_id = query.ref_id.clone();
        let answers = self.call(|| export::answer(&self.plugin, query))?;
        Ok(answers.into_iter().map(|answer| AnswerRecord::new(answer, &ref_id)).collect())
    }

    /// Answers the queries of a request by [`DataBatch`].
    ///
    /// # Errors
    ///
    /// If the plugin returns a fault, which fails the whole request.
    pub fn query_batch<M: Model>(
        &self,
        queries: impl IntoIterator<Item = QueryBuilder>,
    ) -> Result<Vec<AnswerRecord>>
    where
        P: DataBatch<M>,
    {
        let answers = self.call(|| export::answer_batch(&self.plugin, request(queries)))?;
        Ok(answers.into_iter().map(|answer| AnswerRecord::new(answer, "")).collect())
    }

    /// Answers the queries of a request by [`DataChunked`]. Returns what was sent, and how it ended.
    pub fn query_chunked<M: Model>(
        &self,
        queries: impl IntoIterator<Item = QueryBuilder>,
    ) -> (Vec<ChunkRecord>, Result<()>)
    where
        P: DataChunked<M>,
    {
        let sent = chunks::Sent::default();
        let mut sender = ChunkSender::new(&sent).into();
        let outcome = self.call(|| export::answer_chunked(&self.plugin, request(queries), &mut sender));
        (sent.take().into_iter().map(Into::into).collect(), outcome)
    }

    /// Runs the health check.
    ///
    /// # Errors
    ///
    /// If the plugin returns a fault, which Grafana shows like an error.
    pub fn check_health(&self) -> Result<Health>
    where
        P: Diagnostics,
    {
        self.within(|| self.plugin.check_health(&Context::default()))
    }

    /// Answers a resource call. A fault becomes a response, as the host makes it.
    ///
    /// # Errors
    ///
    /// If the plugin returns a fault after it has begun to answer.
    pub fn call_resource(&self, request: ResourceRequest) -> Result<ResourceResponse>
    where
        P: Resource,
    {
        let routes = self.routes.get_or_init(P::routes);
        let sent = response::Sent::default();
        let mut sender = ResponseSender::new(&sent).into();
        let outcome = self.within(|| {
            routes.answer(&self.plugin, &Context::default(), request.into_wit().try_into()?, &mut sender)
        });
        let response::Answer { head, body } = sent.take();
        match (outcome, head) {
            (Ok(()), head) => {
                let (status, headers) = head.unwrap_or((200, Vec::new()));
                Ok(ResourceResponse { status: status_code(status), headers, body })
            }
            (Err(fault), None) => {
                let body = json!({ "message": fault.message }).to_string().into_bytes();
                let (name, value) = ("Content-Type".to_owned(), "application/json".to_owned());
                let headers = vec![crate::Header { name, value }];
                Ok(ResourceResponse { status: status_code(fault.status), headers, body })
            }
            (Err(fault), Some(_)) => Err(fault),
        }
    }

    /// Asks to subscribe to a stream: `subscribe("gold")`.
    ///
    /// # Errors
    ///
    /// If the plugin returns a fault.
    pub fn subscribe(&self, request: impl Into<Request>) -> Result<ReplyRecord>
    where
        P: Stream,
    {
        let reply = self.within(|| self.plugin.subscribe(&Context::default(), &request.into()))?;
        Ok(WitReply::from(reply).into())
    }

    /// Asks to publish to a stream.
    ///
    /// # Errors
    ///
    /// If the plugin returns a fault.
    pub fn publish(&self, request: impl Into<Request>) -> Result<ReplyRecord>
    where
        P: Stream,
    {
        let reply = self.within(|| self.plugin.publish(&Context::default(), &request.into()))?;
        Ok(WitReply::from(reply).into())
    }

    /// Runs a stream until it has sent so many packets. Then the last subscriber leaves, so that sending one more fails. Returns
    /// the packets, and how the stream ended: usually with a fault of status 499.
    pub fn run(&self, request: impl Into<Request>, packets: usize) -> (Vec<PacketRecord>, Result<()>)
    where
        P: Stream,
    {
        let sent = packets::Sent::default();
        let mut sender = PacketSender::new(&sent, packets).into();
        let outcome = self.within(|| self.plugin.run(&Context::default(), &request.into(), &mut sender));
        (sent.take().into_iter().map(Into::into).collect(), outcome)
    }

    /// Makes a call.
    fn within<T>(&self, call: impl FnOnce() -> T) -> T {
        self.host.begin();
        let result = call();
        self.host.end();
        result
    }

    /// Makes a call that fails as the component's export does.
    fn call<T>(&self, call: impl FnOnce() -> Result<T, types::Fault>) -> Result<T> {
        self.within(call).map_err(fault)
    }
}

impl<P> Deref for Opened<'_, P> {
    type Target = P;

    fn deref(&self) -> &P {
        &self.plugin
    }
}

impl<P> std::fmt::Debug for Opened<'_, P> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Opened").finish_non_exhaustive()
    }
}

// === impl AnswerRecord ===

impl AnswerRecord {
    /// An answer without a refId is that of the query.
    fn new(answer: DataAnswer, ref_id: &str) -> Self {
        let DataAnswer { ref_id: own, frames, outcome } = answer;
        let ref_id = if own.is_empty() { ref_id.to_owned() } else { own };
        let frames: Vec<Frame> = frames.into_iter().map(Frame::from).collect();
        let refused = frames.iter().find(|frame| frame.rows().is_none());
        let outcome = match refused {
            Some(frame) => Err(Fault::plugin(format_args!(
                "the columns of a frame differ in length, which the host refuses: {frame:?}"
            ))),
            None => outcome.map_err(fault),
        };
        Self { ref_id, frames, outcome }
    }
}

// === impl ChunkRecord ===

impl From<chunks::Chunk> for ChunkRecord {
    fn from(chunk: chunks::Chunk) -> Self {
        match chunk {
            chunks::Chunk::Frame { ref_id, frame_id, frame } => {
                Self::Frame { ref_id, frame_id, frame: frame.into() }
            }
            chunks::Chunk::Fault { ref_id, fault: sent } => Self::Fault { ref_id, fault: fault(sent) },
        }
    }
}

/// Numbers queries as those of one request.
fn request(queries: impl IntoIterator<Item = QueryBuilder>) -> Vec<DataQuery> {
    let queries: Vec<_> = queries.into_iter().collect();
    let count = u32::try_from(queries.len()).unwrap_or(u32::MAX);
    queries.into_iter().zip(0..).map(|(query, index)| query.position(index, count).into_wit()).collect()
}

fn fault(fault: types::Fault) -> Fault {
    let source = match fault.source {
        types::FaultSource::Plugin => Source::Plugin,
        types::FaultSource::Downstream => Source::Downstream,
    };
    Fault { status: fault.status, message: fault.message, source }
}

/// As the host does with what is no status.
fn status_code(status: u16) -> StatusCode {
    match status {
        100..=599 => StatusCode::from_u16(status).unwrap_or_default(),
        _ => StatusCode::INTERNAL_SERVER_ERROR,
    }
}
