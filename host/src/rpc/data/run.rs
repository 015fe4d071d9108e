//! The queries of a request: one at a time and side by side, or all together, as the component wants them.

use std::collections::HashSet;
use std::sync::Arc;

use tokio::task::JoinSet;

use super::super::{Target, convert};
use crate::call::{Call, ErrorSource};
use crate::frame::Format;
use crate::plugin::{Answered, CallError, Export};
use crate::proto::pluginv2::DataQuery;

/// The answers that one query was given: its own, and any under further refIds.
type QueryAnswers = Result<Vec<Answered>, CallError>;

/// Runs the queries. Returns one answer for each refId, or the error that ends the call as a whole.
pub(super) async fn run(
    target: Target,
    call: &Arc<Call>,
    queries: Vec<DataQuery>,
    format: Format,
) -> Result<Vec<Answered>, CallError> {
    if target.plugin.exports(Export::DataBatch) {
        // Boxed, since few components want it: the future of each call would have room for it, and is moved.
        return Box::pin(run_together(&target, call, queries, format)).await.map(last_of_each);
    }
    let ref_ids = queries.iter().map(|query| query.ref_id.clone()).collect();
    let answers = run_each(&Arc::new(target), call, queries, format).await;
    match end_of_call(&answers) {
        Some(error) => Err(error.clone()),
        None => Ok(last_of_each(by_rank(ref_ids, answers))),
    }
}

/// Answers each query with an error.
pub(super) fn failed(queries: Vec<DataQuery>, error: &CallError) -> Vec<Answered> {
    let failed = queries.into_iter().map(|query| Answered::failed(query.ref_id, error.clone()));
    last_of_each(failed.collect())
}

async fn run_together(
    target: &Target,
    call: &Arc<Call>,
    queries: Vec<DataQuery>,
    format: Format,
) -> Result<Vec<Answered>, CallError> {
    let ref_ids: Vec<_> = queries.iter().map(|query| query.ref_id.clone()).collect();
    match target.plugin.query_batch(call, &target.owner, convert::queries(queries), format).await {
        Err(error) if !error.ends_call() => {
            Ok(ref_ids.into_iter().map(|ref_id| Answered::failed(ref_id, error.clone())).collect())
        }
        result => result,
    }
}

/// Returns all answers, those last that count most: a query's own, and of these those of later queries. Each query has one.
fn by_rank(ref_ids: Vec<String>, answers: Vec<Option<QueryAnswers>>) -> Vec<Answered> {
    let (mut further, mut own) = (Vec::new(), Vec::with_capacity(ref_ids.len()));
    for (ref_id, answers) in ref_ids.into_iter().zip(answers) {
        match answers {
            Some(Ok(answers)) => {
                let (mut named, others): (Vec<_>, Vec<_>) =
                    answers.into_iter().partition(|answer| answer.ref_id == ref_id);
                further.extend(others);
                let empty = || Answered { ref_id, frames: Vec::new(), outcome: Ok(200) };
                own.push(named.pop().unwrap_or_else(empty));
            }
            Some(Err(error)) => own.push(Answered::failed(ref_id, error)),
            None => {
                let error = CallError::Host("a query's task ended early".to_owned());
                own.push(Answered::failed(ref_id, error));
            }
        }
    }
    further.extend(own);
    further
}

/// Returns the last answer of each refId. That queries have the same one is their caller's mistake.
fn last_of_each(mut answers: Vec<Answered>) -> Vec<Answered> {
    let mut later = HashSet::with_capacity(answers.len());
    let mut is_last: Vec<_> =
        answers.iter().rev().map(|answer| later.insert(answer.ref_id.as_str())).collect();
    answers.retain(|_| is_last.pop().unwrap_or(true));
    answers
}

/// Runs the queries, as many at once as Grafana allows, and returns their answers in order. An answer is `None` if its
/// task panicked. Dropping the future stops all queries.
async fn run_each(
    target: &Arc<Target>,
    call: &Arc<Call>,
    queries: Vec<DataQuery>,
    format: Format,
) -> Vec<Option<QueryAnswers>> {
    let count = queries.len();
    let at_once = convert::concurrent_queries(&call.context);
    let queries = queries.into_iter().enumerate();
    let mut waiting = queries.map(|(index, query)| (index, convert::query(query, index, count)));
    if count == 1 {
        // The usual request has one query, which does not need a separate task.
        let Some((_, query)) = waiting.next() else { return Vec::new() };
        return vec![Some(target.plugin.query(call, &target.owner, query, format).await)];
    }
    let mut answers = vec![None; count];
    let mut running = JoinSet::new();
    loop {
        while running.len() < at_once
            && let Some((index, query)) = waiting.next()
        {
            let (target, call) = (target.clone(), call.clone());
            running.spawn(
                async move { (index, target.plugin.query(&call, &target.owner, query, format).await) },
            );
        }
        match running.join_next().await {
            Some(Ok((index, answer))) => {
                if let Some(place) = answers.get_mut(index) {
                    *place = Some(answer);
                }
            }
            Some(Err(_)) => {}
            None => return answers,
        }
    }
}

/// The error that ends the call as a whole, if there is one. If any query waited for an upstream, so did the call.
fn end_of_call(answers: &[Option<QueryAnswers>]) -> Option<&CallError> {
    let errors = || answers.iter().flatten().filter_map(|answer| answer.as_ref().err());
    let ends = || errors().filter(|error| error.ends_call());
    ends().find(|error| error.source() == ErrorSource::Downstream).or_else(|| ends().next())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plugin::WaitedFor;

    #[test]
    fn a_querys_own_answer_counts_more_than_one_beside_another_query() {
        let answer = |ref_id: &str, status| Answered {
            ref_id: ref_id.to_owned(),
            frames: Vec::new(),
            outcome: Ok(status),
        };
        let ref_ids = ["A", "B", "B", "C", "D"].map(str::to_owned).into();
        let answers = vec![
            Some(Ok(vec![answer("A", 201), answer("B", 202), answer("C", 203), answer("X", 204)])),
            Some(Ok(vec![answer("B", 205)])),
            Some(Ok(vec![answer("X", 206), answer("B", 207), answer("B", 208)])),
            Some(Ok(vec![])),
            None,
        ];
        let counted = last_of_each(by_rank(ref_ids, answers));
        let counted: Vec<_> =
            counted.iter().map(|answer| (answer.ref_id.as_str(), answer.outcome.as_ref().ok())).collect();
        let expected = [("X", Some(206)), ("A", Some(201)), ("B", Some(208)), ("C", Some(200)), ("D", None)];
        assert_eq!(counted, expected.each_ref().map(|(ref_id, status)| (*ref_id, status.as_ref())));
    }

    #[test]
    fn a_call_that_ends_late_waited_for_an_upstream_if_any_query_did() {
        let late = |awaited| Some(Err(CallError::CallerDeadline(awaited)));
        let queries = [
            Some(Ok(Vec::new())),
            Some(Err(CallError::Host(String::new()))),
            late(WaitedFor::Instance { max: 1 }),
            late(WaitedFor::Component),
            late(WaitedFor::Upstream),
        ];
        let source = |queries: &[_]| end_of_call(queries).map(CallError::source);
        assert_eq!(source(&queries), Some(ErrorSource::Downstream));
        assert_eq!(source(&queries[..4]), Some(ErrorSource::Plugin));
        assert_eq!(source(&queries[..2]), None);
    }
}
