//! What was said about tracing, interpreted. What cannot be followed is reported and never stops the plugin.

mod destination;
mod endpoint;
mod pairs;

use opentelemetry_sdk::trace::Sampler;

pub(crate) use self::destination::Destination;
use super::problem::TracingProblem;
use super::propagation::Propagation;
use super::sampler::Root;
use crate::config::{Given, Tracing, switch};

/// How to trace. The default is not to trace.
#[derive(Clone, Debug, Default)]
pub(crate) struct TracingConfig {
    destination: Option<Destination>,
    propagation: Propagation,
    root: Root,
}

// === impl TracingConfig ===

impl TracingConfig {
    /// Never fails: what cannot be followed is returned as a problem, for the log.
    pub(crate) fn parse(given: &Tracing) -> (Self, Vec<TracingProblem>) {
        let mut problems = Vec::new();
        if is_off(given, &mut problems) {
            return (Self::default(), problems);
        }
        let Some(destination) = Destination::parse(given, &mut problems) else {
            return (Self::default(), problems);
        };
        let text = |given: &Option<Given<String>>| given.as_ref().map_or("", |given| &given.value).to_owned();
        let propagation = Propagation::parse(&text(&given.propagation), &mut problems);
        let root = Root::parse(&text(&given.sampler_type), given.sampler_param.as_ref(), &mut problems);
        (Self { destination: Some(destination), propagation, root }, problems)
    }

    /// Where the spans go. `None` if tracing is off.
    pub(crate) fn destination(&self) -> Option<&Destination> {
        self.destination.as_ref()
    }

    /// How contexts travel.
    pub(crate) fn propagation(&self) -> Propagation {
        self.propagation
    }

    pub(super) fn sampler(&self) -> Sampler {
        self.root.sampler()
    }
}

/// Reads the plugin's `tracing`. What is neither on nor off changes nothing.
fn is_off(given: &Tracing, problems: &mut Vec<TracingProblem>) -> bool {
    let Some(given) = &given.switch else { return false };
    switch(&given.to_ascii_lowercase()).map(|on| !on).unwrap_or_else(|_| {
        problems.push(TracingProblem::invalid(given.origin, "true or false", "it changes nothing"));
        false
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_an_address_tracing_is_off_whatever_else_is_set() {
        let settings: crate::config::Settings =
            [("GF_INSTANCE_OTLP_PROPAGATION", "b3"), ("GF_INSTANCE_OTLP_SAMPLER_TYPE", "odd")]
                .into_iter()
                .collect();
        let (config, problems) = TracingConfig::parse(&settings.tracing);
        assert!(config.destination().is_none());
        assert_eq!(problems, []);
    }
}
