//! What a component answers to queries: its frames are encoded in the format that Grafana asked for.

use std::sync::Arc;

use bytes::Bytes;

use crate::budget::{Charge, beside_others};
use crate::capability::bindings::gpx::plugin::queries::Answer;
use crate::frame::{self, Format, Room};
use crate::plugin::{CallError, Owner};

/// What Grafana gets under one refId.
#[derive(Clone, Debug)]
pub(crate) struct Answered {
    pub ref_id: String,
    pub frames: Vec<Bytes>,
    /// The HTTP status of a success, or what went wrong.
    pub outcome: Result<u16, CallError>,
}

/// How many refIds one function may answer. A dashboard asks for fewer, and Grafana keeps all that it gets.
const MAX_ANSWERS: usize = 10_000;

/// How long a refId may be that a component makes up, in bytes. Grafana's own are letters, or what a user typed.
const MAX_REF_ID: usize = 1 << 10;

/// Answers that have not been encoded yet. There may be too many to be freed quickly.
struct NotEncoded(std::vec::IntoIter<Answer>);

/// Encodes what a component answered, which is charged to `memory`. A mistake in a frame is the error of its refId. If an
/// answer has no refId, it is `ref_id`, if there is one.
pub(super) async fn encode(
    answers: Vec<Answer>,
    ref_id: Option<String>,
    format: Format,
    mut memory: Charge,
    owner: Arc<Owner>,
) -> Result<Vec<Answered>, CallError> {
    let count = answers.len();
    let mut rest = NotEncoded(answers.into_iter());
    check_ref_ids(rest.0.as_slice(), ref_id.as_deref())?;
    let mut encoded = Vec::with_capacity(count);
    let mut room = Room::new();
    for Answer { ref_id: own, frames, outcome } in rest.0.by_ref() {
        let ref_id = match &ref_id {
            Some(ref_id) if own.is_empty() => ref_id.clone(),
            None if own.is_empty() => return Err(CallError::NoRefId),
            _ => own,
        };
        let paid = memory.split(frame::weight(&frames));
        let frames = frame::encode_beside_others(frames, &ref_id, format, paid, &mut room).await;
        let outcome = match outcome {
            Ok(status) => Ok(if (100..600).contains(&status) { status } else { 200 }),
            Err(fault) => Err(CallError::Fault(fault).scrubbed(&owner.scrub)),
        };
        encoded.push(match frames {
            Ok(frames) => Answered { ref_id, frames, outcome },
            Err(error) => {
                let error = CallError::Frame(error.scrubbed(&owner.scrub).to_string());
                Answered::failed(ref_id, error)
            }
        });
        if count > 1 {
            // Each answer is a step of its own, however small it is.
            tokio::task::yield_now().await;
        }
    }
    Ok(encoded)
}

/// Returns the memory of answers, in bytes, or a little less.
pub(super) fn weight(answers: &[Answer]) -> usize {
    let own = |answer: &Answer| {
        let message = answer.outcome.as_ref().err().map_or(0, |fault| fault.message.len());
        size_of::<Answer>() + answer.ref_id.len() + message
    };
    answers.iter().map(|answer| own(answer) + frame::weight(&answer.frames)).sum()
}

/// Returns an error if there are too many refIds, or if one is too long that is not `asked`.
fn check_ref_ids(answers: &[Answer], asked: Option<&str>) -> Result<(), CallError> {
    if answers.len() > MAX_ANSWERS {
        return Err(CallError::ManyAnswers { count: answers.len(), limit: MAX_ANSWERS });
    }
    let mut own = answers.iter().map(|answer| answer.ref_id.as_str());
    match own.find(|own| own.len() > MAX_REF_ID && asked != Some(*own)) {
        Some(own) => Err(CallError::LongRefId { bytes: own.len(), limit: MAX_REF_ID }),
        None => Ok(()),
    }
}

// === impl Answered ===

impl Answered {
    /// Makes the answer to a query that failed.
    pub(crate) fn failed(ref_id: String, error: CallError) -> Self {
        Self { ref_id, frames: Vec::new(), outcome: Err(error) }
    }
}

// === impl NotEncoded ===

impl Drop for NotEncoded {
    fn drop(&mut self) {
        if self.0.len() > 0 {
            let rest = std::mem::take(&mut self.0);
            beside_others(|| drop(rest));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_query_has_a_long_ref_id() {
        let check = |bytes: usize, asked: Option<&str>| {
            let ref_id = "x".repeat(bytes);
            let answer = |ref_id| Answer { ref_id, frames: Vec::new(), outcome: Ok(200) };
            check_ref_ids(&[answer("A".to_owned()), answer(ref_id)], asked).map_err(|error| error.to_string())
        };
        assert_eq!(check(1024, None), Ok(()));
        let error = "a refId of the plugin's answer has 1025 bytes, and at most 1024 are passed on; give it that of a \
                     query";
        assert_eq!(check(1025, None), Err(error.to_owned()));
        assert_eq!(check(1025, Some("A")), Err(error.to_owned()));
        assert_eq!(check(1025, Some(&"x".repeat(1025))), Ok(()));
    }
}
