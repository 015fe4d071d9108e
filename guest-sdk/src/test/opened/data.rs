//! Queries, one at a time, together, and chunk by chunk.

use super::{Opened, fault};
use crate::host::native::chunks::{self, ChunkSender};
use crate::plugin::export::{self, DataAnswer, DataQuery};
use crate::query::Model;
use crate::test::QueryBuilder;
use crate::{Answer, Data, DataBatch, DataChunked, Fault, Frame, Result};

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
#[expect(clippy::large_enum_variant, reason = "a test has few, and matches them without a box")]
pub enum ChunkRecord {
    Frame { ref_id: String, frame_id: String, frame: Frame },
    Fault { ref_id: String, fault: Fault },
}

// === impl Opened ===

impl<P> Opened<'_, P> {
    /// Answers a query by [`Data`]: with frames, or with the fault. See [`Opened::answers`] for all of it. The
    /// [module](crate::test) has an example.
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
    /// ```
    /// # use gpx_sdk::*;
    /// # use gpx_sdk::test::{Host, app, query};
    /// # struct Prices;
    /// # impl Plugin for Prices { fn open(_: Settings) -> Result<Self> { Ok(Self) } }
    /// impl Data<Unread, Answer> for Prices {
    ///     fn query(&self, _: &Context, _: &Query) -> Result<Answer> {
    ///         let answer = Answer::from(Frame::new("prices")).error(Fault::downstream(503, "half of it is missing"));
    ///         Ok(answer.also("details", Frame::new("details")))
    ///     }
    /// }
    /// # plugin!(Prices: data);
    ///
    /// let host = Host::new();
    /// let answers = host.open::<Prices>(app())?.answers(query("A"))?;
    /// assert_eq!((answers[0].ref_id.as_str(), &answers[0].frames), ("A", &vec![Frame::new("prices")]));
    /// assert_eq!(answers[0].outcome, Err(Fault::downstream(503, "half of it is missing")));
    /// assert_eq!((answers[1].ref_id.as_str(), &answers[1].outcome), ("details", &Ok(200)));
    /// # Ok::<_, Fault>(())
    /// ```
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
        let answers = self.call(|| export::answer(&self.plugin, query).map_err(fault))?;
        Ok(answers.into_iter().map(|answer| AnswerRecord::new(answer, &ref_id)).collect())
    }

    /// Answers the queries of a request by [`DataBatch`].
    ///
    /// ```
    /// # use gpx_sdk::*;
    /// # use gpx_sdk::test::{Host, app, query};
    /// # struct Prices;
    /// # impl Plugin for Prices { fn open(_: Settings) -> Result<Self> { Ok(Self) } }
    /// #[derive(serde::Deserialize)]
    /// struct Model {
    ///     symbol: String,
    /// }
    ///
    /// impl DataBatch<Model> for Prices {
    ///     fn query_batch(&self, _: &Context, queries: &[Query<Model>]) -> Result<Answers> {
    ///         Ok(queries.iter().map(|query| (&query.ref_id, Frame::new(&query.model.symbol))).collect())
    ///     }
    /// }
    /// # plugin!(Prices: data_batch);
    ///
    /// let host = Host::new();
    /// let queries = [query("A").json("{}"), query("B").json(r#"{"symbol":"gold"}"#)];
    /// let answers = host.open::<Prices>(app())?.query_batch(queries)?;
    /// assert_eq!(answers[0].outcome.as_ref().unwrap_err().status, 400); // its model does not fit
    /// assert_eq!(answers[1].frames, [Frame::new("gold")]);
    /// # Ok::<_, Fault>(())
    /// ```
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
        let answers = self.call(|| export::answer_batch(&self.plugin, request(queries)).map_err(fault))?;
        Ok(answers.into_iter().map(|answer| AnswerRecord::new(answer, "")).collect())
    }

    /// Answers the queries of a request by [`DataChunked`]. Returns what was sent, and how it ended.
    ///
    /// ```
    /// # use gpx_sdk::*;
    /// # use gpx_sdk::chunks::ChunkSender;
    /// # use gpx_sdk::test::{ChunkRecord, Host, app, query};
    /// # struct Prices;
    /// # impl Plugin for Prices { fn open(_: Settings) -> Result<Self> { Ok(Self) } }
    /// impl DataChunked for Prices {
    ///     fn query_chunked(&self, _: &Context, queries: &[Query], chunks: &mut ChunkSender) -> Result<()> {
    ///         chunks.frame(&queries[0].ref_id, "prices", Frame::new("gold"))?;
    ///         Err(Fault::downstream(503, "the rest is missing"))
    ///     }
    /// }
    /// # plugin!(Prices: data_chunked);
    ///
    /// let host = Host::new();
    /// let (chunks, outcome) = host.open::<Prices>(app())?.query_chunked([query("A")]);
    /// let (ref_id, frame_id, frame) = ("A".into(), "prices".into(), Frame::new("gold"));
    /// assert_eq!(chunks, [ChunkRecord::Frame { ref_id, frame_id, frame }]);
    /// assert_eq!(outcome.unwrap_err().status, 503);
    /// # Ok::<_, Fault>(())
    /// ```
    pub fn query_chunked<M: Model>(
        &self,
        queries: impl IntoIterator<Item = QueryBuilder>,
    ) -> (Vec<ChunkRecord>, Result<()>)
    where
        P: DataChunked<M>,
    {
        let sent = chunks::Sent::default();
        let mut sender = ChunkSender::new(&sent).into();
        let outcome =
            self.call(|| export::answer_chunked(&self.plugin, request(queries), &mut sender).map_err(fault));
        (sent.take().into_iter().map(Into::into).collect(), outcome)
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
