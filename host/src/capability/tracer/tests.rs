//! What a hostile component can do with `wit/tracer`.

use std::time::Duration;

use opentelemetry::Context;
use wasmtime::component::{Resource, ResourceTable};

use super::host::TracerView;
use super::spans::{CallSpans, Span};
use crate::budget::MemoryAccount;
use crate::call::Dropped;
use crate::capability::bindings::gpx::plugin::tracer::{
    Host as _, HostSpan as _, Link, SpanContext, SpanKind, StartOptions, Status,
};
use crate::capability::bindings::gpx::plugin::types::{Attribute, Value};
use crate::log::Log;
use crate::telemetry::test::{Ended, recording};
use crate::telemetry::{CALL_BYTES, MAX_SPANS, Tracer};
use crate::text::Scrub;

/// One call, and the handles of its instance.
struct Instance {
    ended: Ended,
    spans: CallSpans,
    table: ResourceTable,
    scrub: Scrub,
}

fn instance() -> Instance {
    let (telemetry, ended) = recording();
    let spans = CallSpans::new(telemetry.plugin(), Context::new());
    let (table, scrub) = (ResourceTable::new(), Scrub::default());
    Instance { ended, spans, table, scrub }
}

fn options() -> StartOptions {
    StartOptions {
        kind: SpanKind::Internal,
        attributes: Vec::new(),
        links: Vec::new(),
        parent: None,
        start_time: None,
        detached: false,
    }
}

fn attribute(value: Value) -> Attribute {
    Attribute { key: "k".repeat(1000), value }
}

fn link(attributes: Vec<Attribute>) -> Link {
    let (trace_id, span_id) = ("0af7651916cd43dd8448eb211c80319c".to_owned(), "b7ad6b7169203331".to_owned());
    let trace_state = (0..100).map(|key| format!("k{key}={}", "v".repeat(250))).collect::<Vec<_>>().join(",");
    Link { context: SpanContext { trace_id, span_id, sampled: true, trace_state }, attributes }
}

impl Instance {
    fn view(&mut self) -> TracerView<'_> {
        TracerView { spans: &self.spans, scrub: &self.scrub, table: &mut self.table }
    }

    fn start(&mut self, options: StartOptions) -> u32 {
        self.view().start("n".repeat(5000), options).unwrap().rep()
    }

    /// Does everything to a span that can be done.
    fn set(&mut self, span: u32) {
        let handle = || Resource::<Span>::new_own(span);
        let list = || vec![attribute(Value::Texts(vec!["t".repeat(5000); 200])); 3];
        let mut view = self.view();
        view.set_attributes(handle(), list()).unwrap();
        view.set_attributes(handle(), vec![attribute(Value::Text("t".repeat(5000))); 200]).unwrap();
        view.set_attributes(handle(), vec![attribute(Value::Integers(vec![1; 1000])); 2]).unwrap();
        view.add_event(handle(), "e".repeat(5000), list()).unwrap();
        view.add_event(handle(), "e".repeat(5000), vec![attribute(Value::Boolean(true)); 200]).unwrap();
        view.add_link(handle(), link(list())).unwrap();
        view.add_link(handle(), link(Vec::new())).unwrap();
        view.set_status(handle(), Status::Error("s".repeat(5000))).unwrap();
        view.record_error(handle(), "m".repeat(5000), "k".repeat(5000)).unwrap();
        view.update_name(handle(), "u".repeat(5000)).unwrap();
    }
}

#[test]
fn no_order_of_calls_keeps_more_than_a_call_may_hold() {
    let mut instance = instance();
    let spans = instance.spans.clone();
    let end_of_call = spans.end_of_call();
    for index in 0..3 * MAX_SPANS {
        let detached = index % 3 == 0;
        let links = vec![link(Vec::new()); if index == 0 { 200 } else { 0 }];
        let span = instance.start(StartOptions { detached, links, ..options() });
        if index % 100 == 0 {
            instance.set(span);
        }
        if index % 2 == 0 {
            instance.view().end(Resource::new_own(span), None).unwrap();
            instance.set(span);
        }
    }
    // Each of the open spans would have a copy.
    end_of_call.stopped(&"w".repeat(100_000));
    let held = instance.ended.weight();
    assert!(held <= CALL_BYTES, "{held}");
    let (log, lines) = Log::memory();
    spans.report(&Dropped::default(), &log);
    let text = lines.text();
    assert_eq!(text.lines().count(), 1, "{text}");
    for part in
        [r#""@level":"warn""#, "1000 spans", "1024 KiB", "128 KiB", "put less", r#""spans":"#, r#""links":"#]
    {
        assert!(text.contains(part), "{part}: {text}");
    }
}

#[test]
fn handles_of_refused_spans_take_no_memory_of_their_own() {
    let mut instance = instance();
    let all: Vec<_> = (0..MAX_SPANS + 100).map(|_| instance.start(options())).collect();
    let refused = &all[MAX_SPANS..];
    let id = |instance: &mut Instance, span: u32| {
        instance.view().context(Resource::new_own(span)).unwrap().span_id
    };
    let current = instance.view().current().unwrap().unwrap().span_id;
    for span in refused {
        // They pass their parent's context on, and it stays as it is.
        assert_eq!(id(&mut instance, *span), current);
        assert!(!instance.view().is_recording(Resource::new_own(*span)).unwrap());
        instance.set(*span);
        instance.view().end(Resource::new_own(*span), None).unwrap();
    }
    assert_eq!(instance.view().current().unwrap().unwrap().span_id, current);
    drop(instance.spans.end_of_call());
    assert!(instance.ended.spans().iter().all(|span| span.attributes.is_empty()));
}

#[test]
fn a_call_within_its_limits_says_nothing() {
    let mut instance = instance();
    let span = instance.start(options());
    instance.view().set_attributes(Resource::new_own(span), vec![attribute(Value::Boolean(true))]).unwrap();
    let (log, lines) = Log::memory();
    instance.spans.report(&Dropped::default(), &log);
    assert_eq!(lines.text(), "");
    // Nothing is missing in spans that are not recorded anyway.
    instance.spans = CallSpans::new(Tracer::Off, Context::new());
    for _ in 0..2 * MAX_SPANS {
        let span = instance.start(options());
        instance.view().drop(Resource::new_own(span)).unwrap();
    }
    instance.spans.report(&Dropped::default(), &log);
    assert_eq!(lines.text(), "");
}

#[tokio::test(start_paused = true)]
async fn the_spans_of_a_stream_are_bounded_each_second() {
    let (telemetry, ended) = recording();
    let root =
        telemetry.plugin().start(opentelemetry::trace::SpanBuilder::from_name("call"), &Context::new());
    let account = MemoryAccount::new(1 << 30);
    let spans =
        CallSpans::lasting(&account.owner(), telemetry.plugin(), root.clone(), telemetry.apart(&root));
    let (table, scrub) = (ResourceTable::new(), Scrub::default());
    let mut instance = Instance { ended, spans, table, scrub };
    let flood = |instance: &mut Instance| {
        for _ in 0..MAX_SPANS + 10 {
            let span = instance.start(options());
            instance.view().end(Resource::new_borrow(span), None).unwrap();
        }
    };
    flood(&mut instance);
    let most = instance.ended.spans().len();
    assert!((100..=MAX_SPANS).contains(&most), "{most}");
    flood(&mut instance);
    assert_eq!(instance.ended.spans().len(), most, "a second has not passed");
    tokio::time::advance(Duration::from_secs(1)).await;
    let open = instance.start(options());
    flood(&mut instance);
    let more = instance.ended.spans().len();
    assert!((most + 100..3 * most).contains(&more), "{more}");
    tokio::time::advance(Duration::from_secs(1)).await;
    flood(&mut instance);
    assert_eq!(instance.ended.spans().len(), more, "whoever keeps a span open gets no more");
    instance.view().end(Resource::new_borrow(open), None).unwrap();
    flood(&mut instance);
    assert_eq!(instance.ended.spans().len(), more + 1 + most);
}
