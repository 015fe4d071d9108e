//! The attributes that the operator gives to the resource.

use opentelemetry::KeyValue;

use super::pairs;
use crate::config::Given;
use crate::telemetry::problem::TracingProblem;

/// All of an invalid list is left out, as the specification of `OTEL_RESOURCE_ATTRIBUTES` asks for.
pub(super) fn parse(
    given: Option<&Given<String>>,
    problems: &mut Vec<TracingProblem>,
) -> Given<Vec<KeyValue>> {
    let Some(given) = given else { return Given::default() };
    match pairs::parse(given) {
        Some(pairs) => given.with(pairs.into_iter().map(|(key, value)| KeyValue::new(key, value)).collect()),
        None => {
            let expected = "key=value pairs, separated by commas and percent-encoded";
            problems.push(TracingProblem::invalid(given.origin, expected, "no attribute is added"));
            Given::default()
        }
    }
}
