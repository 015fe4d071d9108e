//! Traces that begin within a call that may last for ever. In the call's own trace they would make it grow without end, and
//! no viewer could show it.

use opentelemetry::Context;
use opentelemetry::trace::{Link, SpanBuilder, SpanContext, TraceContextExt as _};

use super::owner::SpanOwner;
use super::propagation::Baggage;
use super::tenant::Tenant;

/// In a context without a span: the span to which those that begin a trace are linked.
#[derive(Clone, Debug)]
struct LinkOrigin(SpanContext);

/// Returns a context without a span, of the same owner and tenant and with the same baggage. Spans that are started in it
/// begin a trace, and are linked to the span of `context`.
pub(super) fn context(context: &Context) -> Context {
    let apart = Context::new().with_value(LinkOrigin(context.span().span_context().clone()));
    let apart = keep::<SpanOwner>(apart, context);
    let apart = keep::<Tenant>(apart, context);
    keep::<Baggage>(apart, context)
}

fn keep<T: Clone + Send + Sync + 'static>(to: Context, from: &Context) -> Context {
    match from.get::<T>() {
        Some(value) => to.with_value(value.clone()),
        None => to,
    }
}

/// Returns, for such a context, the span to which a span that begins a trace in it is linked.
pub(crate) fn link_origin(context: &Context) -> Option<&SpanContext> {
    let origin = (!context.has_active_span()).then(|| context.get::<LinkOrigin>()).flatten();
    origin.map(|LinkOrigin(origin)| origin)
}

/// Links a span that begins a trace in such a context. Returns it with what it is linked to.
pub(super) fn linked(builder: SpanBuilder, parent: &Context) -> (SpanBuilder, Option<SpanContext>) {
    match link_origin(parent) {
        Some(origin) => (builder.with_links(vec![Link::with_context(origin.clone())]), Some(origin.clone())),
        None => (builder, None),
    }
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, HeaderName, HeaderValue};

    use super::*;
    use crate::telemetry::test::recording;
    use crate::telemetry::{Propagation, SpanAllowance};

    #[test]
    fn what_begins_apart_is_linked_and_what_is_below_is_not() {
        let (telemetry, ended) = recording();
        let tracer = telemetry.plugin();
        let call = tracer.start(SpanBuilder::from_name("call"), &Context::new());
        let (apart, allowance) = (context(&call), SpanAllowance::of_call(None));
        let poll = tracer.start_limited(SpanBuilder::from_name("poll"), &apart, &allowance).unwrap();
        let child =
            tracer.start_limited(SpanBuilder::from_name("child"), poll.context(), &allowance).unwrap();
        child.end(None);
        poll.end(None);
        let spans = ended.spans();
        let [child, poll] = spans.as_slice() else { panic!("{} spans", spans.len()) };
        let call = call.span().span_context().clone();
        assert_ne!(poll.span_context.trace_id(), call.trace_id());
        assert_eq!(child.span_context.trace_id(), poll.span_context.trace_id());
        assert_eq!(poll.links.links.iter().map(|link| &link.span_context).collect::<Vec<_>>(), [&call]);
        assert!(child.links.links.is_empty());
    }

    #[test]
    fn the_callers_baggage_goes_out_with_what_begins_apart() {
        let propagation = Propagation::parse(None, &mut Vec::new()).value;
        let incoming =
            HeaderMap::from_iter([(HeaderName::from_static("baggage"), HeaderValue::from_static("a=1"))]);
        let mut outgoing = HeaderMap::new();
        propagation.inject(&context(&propagation.extract(&incoming)), &mut outgoing);
        assert_eq!(outgoing, incoming);
    }
}
