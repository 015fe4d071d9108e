//! The answer to a query: frames, an error, or both; and the answers to all queries of a request.

use crate::bindings::data::gpx::plugin::queries as wit;
use crate::{Fault, Frame};

/// The answer to a query, where frames alone do not say all of it.
///
/// A plugin whose every query is answered with frames or a fault does not need it: see [`Data`](crate::Data).
///
/// ```
/// use gpx_sdk::*;
///
/// struct Prices;
/// # impl Plugin for Prices { fn open(_: Settings) -> Result<Self> { Ok(Self) } }
/// # impl Prices { fn read(&self) -> (Frame, Option<Fault>) { (Frame::new("prices"), None) } }
///
/// impl Data<Unread, Answer> for Prices {
///     fn query(&self, _: &Context, query: &Query) -> Result<Answer> {
///         let (frame, problem) = self.read();
///         let answer = Answer::from(frame);
///         Ok(match problem {
///             Some(fault) => answer.error(fault), // the panel shows both
///             None => answer.status(206).also(format!("{}-details", query.ref_id), Frame::new("details")),
///         })
///     }
/// }
/// # plugin!(Prices: data);
/// ```
#[derive(Clone, Debug)]
pub struct Answer {
    frames: Vec<Frame>,
    outcome: Result<u16, Fault>,
    further: Vec<(String, Answer)>,
}

/// The answers to the queries of a request, by refId: see [`DataBatch`](crate::DataBatch).
#[derive(Clone, Debug, Default)]
pub struct Answers(Vec<(String, Answer)>);

// === impl Answer ===

impl Answer {
    /// Adds what went wrong. The frames are shown all the same.
    pub fn error(self, fault: impl Into<Fault>) -> Self {
        Self { outcome: Err(fault.into()), ..self }
    }

    /// Sets the HTTP status of a success, 100 to 599. Without it, the status is 200. An error has a status of its own, which
    /// this does not change.
    pub fn status(self, status: u16) -> Self {
        Self { outcome: self.outcome.map(|_| status), ..self }
    }

    /// Adds an answer under another refId. If a query of the request has that refId, its own answer counts.
    pub fn also(mut self, ref_id: impl Into<String>, answer: impl Into<Answer>) -> Self {
        self.further.push((ref_id.into(), answer.into()));
        self
    }

    /// Writes the answer, and those under other refIds after it.
    pub(crate) fn write(self, ref_id: String, answers: &mut Vec<wit::Answer>) {
        let Self { frames, outcome, further } = self;
        let frames = frames.into_iter().map(Into::into).collect();
        answers.push(wit::Answer { ref_id, frames, outcome: outcome.map_err(Into::into) });
        for (ref_id, answer) in further {
            answer.write(ref_id, answers);
        }
    }
}

impl From<Vec<Frame>> for Answer {
    fn from(frames: Vec<Frame>) -> Self {
        Self { frames, outcome: Ok(200), further: Vec::new() }
    }
}

impl From<Frame> for Answer {
    fn from(frame: Frame) -> Self {
        vec![frame].into()
    }
}

impl From<Fault> for Answer {
    fn from(fault: Fault) -> Self {
        Self { frames: Vec::new(), outcome: Err(fault), further: Vec::new() }
    }
}

/// A fault is the error of this answer only.
impl<A: Into<Answer>> From<Result<A, Fault>> for Answer {
    fn from(result: Result<A, Fault>) -> Self {
        result.map_or_else(Into::into, Into::into)
    }
}

// === impl Answers ===

impl Answers {
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds the answer to the query with this refId, or one under a refId of your own: frames, an [`Answer`], a fault, or a
    /// `Result` of these.
    pub fn add(&mut self, ref_id: impl Into<String>, answer: impl Into<Answer>) {
        self.0.push((ref_id.into(), answer.into()));
    }

    pub(crate) fn write(self) -> Vec<wit::Answer> {
        let mut answers = Vec::with_capacity(self.0.len());
        for (ref_id, answer) in self.0 {
            answer.write(ref_id, &mut answers);
        }
        answers
    }
}

/// Collects pairs of a refId and its answer.
impl<R: Into<String>, A: Into<Answer>> FromIterator<(R, A)> for Answers {
    fn from_iter<I: IntoIterator<Item = (R, A)>>(pairs: I) -> Self {
        Self(pairs.into_iter().map(|(ref_id, answer)| (ref_id.into(), answer.into())).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(answer: impl Into<Answer>) -> Vec<(String, usize, Result<u16, u16>)> {
        let mut answers = Vec::new();
        answer.into().write("A".to_owned(), &mut answers);
        let outcome = |answer: &wit::Answer| {
            answer.outcome.as_ref().map(|status| *status).map_err(|fault| fault.status)
        };
        answers.iter().map(|answer| (answer.ref_id.clone(), answer.frames.len(), outcome(answer))).collect()
    }

    #[test]
    fn frames_alone_are_a_success_and_a_fault_alone_has_none() {
        assert_eq!(written(Frame::new("")), [("A".to_owned(), 1, Ok(200))]);
        assert_eq!(written(vec![Frame::new(""), Frame::new("")]), [("A".to_owned(), 2, Ok(200))]);
        assert_eq!(written(Fault::bad_request("no")), [("A".to_owned(), 0, Err(400))]);
    }

    #[test]
    fn an_error_counts_more_than_a_status_of_success() {
        let failed = || Answer::from(Frame::new("")).error(Fault::bad_request("no"));
        assert_eq!(written(failed().status(206)), [("A".to_owned(), 1, Err(400))]);
        assert_eq!(written(Answer::from(vec![]).status(206).error(Fault::bad_request("no")))[0].2, Err(400));
    }

    #[test]
    fn a_request_has_an_answer_for_each_ref_id() {
        let one = |ok: bool| if ok { Ok(Frame::new("")) } else { Err(Fault::bad_request("no")) };
        let mut answers: Answers = [("A", one(true)), ("B", one(false))].into_iter().collect();
        answers.add("X", Answer::from(vec![]).status(204));
        let told = |answer: wit::Answer| (answer.ref_id, answer.outcome.map_err(|fault| fault.status));
        let expected = [("A", Ok(200)), ("B", Err(400)), ("X", Ok(204))];
        assert_eq!(
            answers.write().into_iter().map(told).collect::<Vec<_>>(),
            expected.map(|(ref_id, outcome)| (ref_id.to_owned(), outcome))
        );
    }

    #[test]
    fn an_answer_has_frames_and_an_error_and_others_beside_it() {
        let partial = Answer::from(Frame::new("")).error(Fault::downstream(503, "half of it is missing"));
        let answer = Answer::from(vec![]).status(206).also("B", partial.also("C", Frame::new("")));
        let (b, c) = (("B".to_owned(), 1, Err(503)), ("C".to_owned(), 1, Ok(200)));
        assert_eq!(written(answer), [("A".to_owned(), 0, Ok(206)), b, c]);
    }
}
