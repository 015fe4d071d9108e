//! Which traces are recorded, if no caller has decided it. The arithmetic is that of the Go SDK and its libraries, so that
//! a plugin records what a Go plugin beside it would.

mod decision;
mod limiter;
mod operations;
mod ratio;
mod remote;
mod strategy;

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use http::Uri;
use opentelemetry::trace::{Link, SpanKind, TraceId};
use opentelemetry::{Context, KeyValue};
use opentelemetry_sdk::trace::{ParentBasedSampler, Sampler, SamplingResult, ShouldSample};

use self::decision::result;
use self::limiter::Limiter;
use self::ratio::Ratio;
use self::remote::Remote;
use super::problem::TracingProblem;
use crate::config::{Expected, Given, Tracing};
use crate::log::Log;

/// What the operator asks for, with the origin of each value.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Sampling {
    pub kind: Given<SamplerKind>,
    pub param: Given<f64>,
    /// Where `remote` asks.
    pub url: Option<Given<Uri>>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum SamplerKind {
    /// All traces, or none.
    #[default]
    Const,
    /// A part of all traces, chosen by their ids.
    Probabilistic,
    /// So many traces a second.
    RateLimiting,
    /// What a server says.
    Remote,
}

/// The sampler `rateLimiting`.
#[derive(Clone, Debug)]
struct RateLimiting(Arc<Mutex<Limiter>>);

// === impl Sampling ===

impl Sampling {
    /// What cannot be followed records every trace.
    pub(super) fn parse(given: &Tracing, problems: &mut Vec<TracingProblem>) -> Self {
        let kind = kind(given.sampler_type.as_ref(), problems);
        let mut param = match given.sampler_param.as_ref().map(|param| (param, param.parse::<f64>())) {
            None => Given::default_of(1.0),
            Some((param, Ok(value))) if !value.is_nan() => param.with(value),
            Some((param, _)) => {
                problems.push(TracingProblem::invalid(param.origin, "a number", "1 is used"));
                Given::default_of(1.0)
            }
        };
        if *kind == SamplerKind::Const && *param > 0.0 && *param < 1.0 {
            let expected = "0 or 1 for a const sampler";
            problems.push(TracingProblem::invalid(param.origin, expected, EVERYTHING));
            param = Given::default_of(1.0);
        }
        let url = given.sampler_url.as_ref().filter(|_| *kind == SamplerKind::Remote).and_then(|url| {
            let uri = url.parse().ok().filter(is_server);
            if uri.is_none() {
                let expected = "a URL that starts with http:// or https://, without user and password";
                problems.push(TracingProblem::invalid(url.origin, expected, NOBODY_ASKED));
            }
            Some(url.with(uri?))
        });
        if *kind == SamplerKind::Remote && given.sampler_url.is_none() {
            problems.push(TracingProblem::NoSamplerUrl(kind.origin));
        }
        Self { kind, param, url }
    }

    /// Must run inside the runtime: `remote` asks from there, for the strategy of `service`.
    pub(super) fn start(&self, service: &str, log: &Log) -> ParentBasedSampler {
        let param = *self.param;
        match *self.kind {
            SamplerKind::Const if param >= 1.0 => Sampler::parent_based(Sampler::AlwaysOn),
            SamplerKind::Const => Sampler::parent_based(Sampler::AlwaysOff),
            SamplerKind::Probabilistic => Sampler::parent_based(Ratio::new(param)),
            SamplerKind::RateLimiting => Sampler::parent_based(RateLimiting::new(param)),
            SamplerKind::Remote => {
                let url = self.url.as_ref().map(|url| &url.value);
                Sampler::parent_based(Remote::start(url, service, Ratio::new(param), log))
            }
        }
    }
}

const EVERYTHING: Expected = "every trace is recorded";
const NOBODY_ASKED: Expected = "no server is asked";

fn kind(given: Option<&Given<String>>, problems: &mut Vec<TracingProblem>) -> Given<SamplerKind> {
    let Some(given) = given else { return Given::default() };
    let kinds =
        [SamplerKind::Const, SamplerKind::Probabilistic, SamplerKind::RateLimiting, SamplerKind::Remote];
    match kinds.into_iter().find(|kind| given.eq_ignore_ascii_case(kind.name())) {
        Some(kind) => given.with(kind),
        None => {
            let expected = "const, probabilistic, rateLimiting or remote";
            problems.push(TracingProblem::invalid(given.origin, expected, "const is used"));
            Given::default()
        }
    }
}

fn is_server(uri: &Uri) -> bool {
    let authority = uri.authority().map_or("", |authority| authority.as_str());
    matches!(uri.scheme_str(), Some("http" | "https")) && !authority.is_empty() && !authority.contains('@')
}

// === impl SamplerKind ===

impl SamplerKind {
    /// As grafana.ini names it.
    fn name(self) -> &'static str {
        match self {
            Self::Const => "const",
            Self::Probabilistic => "probabilistic",
            Self::RateLimiting => "rateLimiting",
            Self::Remote => "remote",
        }
    }
}

impl fmt::Display for SamplerKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

// === impl RateLimiting ===

impl RateLimiting {
    fn new(per_second: f64) -> Self {
        Self(Arc::new(Mutex::new(Limiter::new(per_second))))
    }
}

impl ShouldSample for RateLimiting {
    fn should_sample(
        &self,
        _parent: Option<&Context>,
        _trace_id: TraceId,
        _name: &str,
        _kind: &SpanKind,
        _attributes: &[KeyValue],
        _links: &[Link],
    ) -> SamplingResult {
        result(self.0.lock().unwrap_or_else(PoisonError::into_inner).admit(), Vec::new())
    }
}

#[cfg(test)]
mod tests;
