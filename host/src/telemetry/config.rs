//! What was said about tracing, interpreted. What cannot be followed is reported and never stops the plugin.

mod attributes;
mod destination;
mod endpoint;
mod facts;
mod pairs;
mod protocol;
mod tls;

use std::fmt;

use opentelemetry::KeyValue;

pub(crate) use self::destination::Destination;
pub(crate) use self::facts::Fact;
pub(crate) use self::protocol::Protocol;
pub(crate) use self::tls::TlsFiles;
use super::problem::TracingProblem;
use super::propagation::Propagation;
use super::sampler::Sampling;
use crate::config::{Given, Origin, Tracing, switch};

/// How to trace. The default is not to trace.
#[derive(Clone, Debug)]
pub(crate) struct TracingConfig {
    destination: Result<Destination, Off>,
    propagation: Given<Propagation>,
    sampling: Sampling,
    attributes: Given<Vec<KeyValue>>,
}

/// Why tracing is off.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Off {
    /// Nobody named a collector.
    #[default]
    NoEndpoint,
    /// The operator does not want it.
    Switch,
    /// The collector's address, or what TLS needs, cannot be used. With the address's origin.
    Invalid(Origin),
}

// === impl TracingConfig ===

impl TracingConfig {
    /// Never fails: what cannot be followed is returned as a problem, for the log.
    pub(crate) fn parse(given: &Tracing) -> (Self, Vec<TracingProblem>) {
        let mut problems = Vec::new();
        let Some(endpoint) = &given.endpoint else { return (Self::default(), problems) };
        // Also of use without spans: contexts still travel through the plugin.
        let propagation = Propagation::parse(given.propagation.as_ref(), &mut problems);
        let destination = match off(given, &mut problems) {
            Some(off) => Err(off),
            None => Destination::parse(given, &mut problems).ok_or(Off::Invalid(endpoint.origin)),
        };
        if destination.is_err() {
            return (Self { destination, propagation, ..Self::default() }, problems);
        }
        let sampling = Sampling::parse(given, &mut problems);
        let attributes = attributes::parse(given.resource_attributes.as_ref(), &mut problems);
        (Self { destination, propagation, sampling, attributes }, problems)
    }

    /// Where the spans go, or why they do not.
    pub(crate) fn destination(&self) -> Result<&Destination, Off> {
        self.destination.as_ref().map_err(|off| *off)
    }

    /// How contexts travel.
    pub(super) fn propagation(&self) -> Propagation {
        *self.propagation
    }

    pub(super) fn sampling(&self) -> &Sampling {
        &self.sampling
    }

    /// The operator's attributes of the resource.
    pub(super) fn attributes(&self) -> &Given<Vec<KeyValue>> {
        &self.attributes
    }
}

impl Default for TracingConfig {
    fn default() -> Self {
        Self {
            destination: Err(Off::default()),
            propagation: Given::default(),
            sampling: Sampling::default(),
            attributes: Given::default(),
        }
    }
}

// === impl Off ===

impl fmt::Display for Off {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoEndpoint => f.write_str(
                "no OTLP address was passed: Grafana's tracing is off or writes elsewhere, or a Jaeger address takes \
                 precedence; set address under [tracing.opentelemetry.otlp], or gpx_otlp_endpoint",
            ),
            Self::Switch => f.write_str("tracing = false in the plugin's section"),
            Self::Invalid(_) => f.write_str("its settings cannot be used; an earlier line says which"),
        }
    }
}

/// Reads the plugin's `tracing`. What is neither on nor off changes nothing.
fn off(given: &Tracing, problems: &mut Vec<TracingProblem>) -> Option<Off> {
    let given = given.switch.as_ref()?;
    match switch(&given.to_ascii_lowercase()) {
        Ok(on) => (!on).then_some(Off::Switch),
        Err(_) => {
            problems.push(TracingProblem::invalid(given.origin, "true or false", "it changes nothing"));
            None
        }
    }
}

#[cfg(test)]
mod tests;
