//! How a span's context travels in headers.

mod baggage;
mod jaeger;
mod w3c;

use std::fmt;

use http::HeaderMap;
use opentelemetry::Context;
use opentelemetry::trace::SpanContext;

pub(super) use self::baggage::Baggage;
use super::problem::TracingProblem;
use crate::config::Given;

/// Which headers carry a context.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Propagation {
    /// Of several, the last one that finds a context counts. All of them are written.
    formats: &'static [Format],
    /// Whether W3C Baggage travels, too.
    baggage: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Format {
    W3c,
    Jaeger,
}

/// The span that a request names as its parent.
pub(crate) fn traceparent(headers: &HeaderMap) -> Option<SpanContext> {
    w3c::extract(headers)
}

// === impl Propagation ===

impl Propagation {
    /// What Grafana itself uses if its configuration names nothing.
    const USUAL: Self = Self { formats: &[Format::W3c], baggage: true };

    /// Reads Grafana's list. As in Grafana, `w3c` includes baggage, and an empty list means `w3c`.
    pub(super) fn parse(
        given: Option<&Given<String>>,
        problems: &mut Vec<TracingProblem>,
    ) -> Given<Propagation> {
        let Some(list) = given else { return Given::default_of(Self::USUAL) };
        let (mut formats, mut unknown): (Vec<Format>, Vec<&str>) = Default::default();
        for name in list.split(',').map(str::trim).filter(|name| !name.is_empty()) {
            let format = match name {
                _ if name.eq_ignore_ascii_case("w3c") => Format::W3c,
                _ if name.eq_ignore_ascii_case("jaeger") => Format::Jaeger,
                _ => {
                    unknown.push(name);
                    continue;
                }
            };
            // A name that is there twice counts where it stands last.
            formats.retain(|other| *other != format);
            formats.push(format);
        }
        let propagation = match formats.as_slice() {
            [] => Self::USUAL,
            [Format::Jaeger] => Self { formats: &[Format::Jaeger], baggage: false },
            [Format::W3c, Format::Jaeger] => Self { formats: &[Format::W3c, Format::Jaeger], ..Self::USUAL },
            [Format::Jaeger, ..] => Self { formats: &[Format::Jaeger, Format::W3c], ..Self::USUAL },
            _ => Self::USUAL,
        };
        problems.extend(unknown.into_iter().map(|name| TracingProblem::Propagation {
            name: name.to_owned(),
            instead: propagation.in_words(),
        }));
        list.with(propagation)
    }

    fn in_words(self) -> &'static str {
        match self.formats {
            [Format::Jaeger] => "Jaeger",
            [_] | [] => "W3C",
            _ => "W3C and Jaeger",
        }
    }

    pub(super) fn extract(self, headers: &HeaderMap) -> Context {
        let mut context = Context::new();
        if self.baggage {
            context = baggage::extract(context, headers);
        }
        for format in self.formats {
            context = match format {
                Format::W3c => w3c::extract_to(context, headers),
                Format::Jaeger => jaeger::extract(context, headers),
            };
        }
        context
    }

    pub(super) fn inject(self, context: &Context, headers: &mut HeaderMap) {
        for format in self.formats {
            match format {
                Format::W3c => w3c::inject(context, headers),
                Format::Jaeger => jaeger::inject(context, headers),
            }
        }
        if self.baggage {
            baggage::inject(context, headers);
        }
    }
}

/// What is used without tracing: as in the Go SDK, the trace context alone.
impl Default for Propagation {
    fn default() -> Self {
        Self { baggage: false, ..Self::USUAL }
    }
}

impl fmt::Display for Propagation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = self.formats.iter().map(|format| match format {
            Format::W3c => "w3c",
            Format::Jaeger => "jaeger",
        });
        let names: Vec<_> = names.chain(self.baggage.then_some("baggage")).collect();
        f.write_str(&names.join(","))
    }
}

#[cfg(test)]
mod tests;
