use std::io;

use tracing::{error, field, info, info_span, trace};

use super::*;
use crate::span::SpanKind;
use crate::test::{Host, SpanRecord, SpanStatus, any, status};

/// Returns a host, and has the thread's spans and events go to it.
fn host() -> Host {
    install(Level::DEBUG);
    Host::new()
}

fn parent<'s>(spans: &'s [SpanRecord], name: &str) -> Option<&'s str> {
    let span = spans.iter().find(|span| span.name == name).unwrap();
    span.parent.map(|index| spans[index].name.as_str())
}

#[test]
fn spans_of_both_kinds_nest() {
    let host = host();
    let ours = crate::span!("ours");
    let library = info_span!("library", rows = 3, ratio = 0.5, cached = true, name = "gold", list = ?[1, 2]);
    library.in_scope(|| {
        let _inner = crate::span!("ours again");
        info_span!("library again").in_scope(|| {});
    });
    drop((library, ours));
    let spans = host.spans();
    assert_eq!(parent(&spans, "library"), Some("ours"));
    assert_eq!(parent(&spans, "ours again"), Some("library"));
    assert_eq!(parent(&spans, "library again"), Some("ours again"));
    let expected = serde_json::json!({
        "rows": 3, "ratio": 0.5, "cached": true, "name": "gold", "list": "[1, 2]",
    });
    assert_eq!(serde_json::Value::Object(spans[1].attributes.clone()), expected);
    assert!(spans.iter().all(|span| span.end.is_some()), "{spans:?}");
}

#[test]
fn a_span_is_current_only_while_it_is_entered() {
    let host = host();
    host.given(any()).respond(status(200));
    let (first, second) = (info_span!("first"), info_span!("second"));
    // As an executor does that polls two futures in turns.
    for _ in 0..2 {
        first.in_scope(|| crate::http::get("http://a.example/").send().unwrap());
        second.in_scope(|| crate::http::get("http://a.example/").send().unwrap());
        crate::http::get("http://a.example/").send().unwrap();
    }
    let within: Vec<_> = host.requests().into_iter().map(|request| request.span).collect();
    let turn = [Some("first".to_owned()), Some("second".to_owned()), None];
    assert_eq!(within, [turn.clone(), turn].concat());
    assert!(host.spans().iter().all(|span| span.parent.is_none() && span.end.is_none()));
    drop((first.clone(), first));
    assert!(host.spans()[0].end.is_some() && host.spans()[1].end.is_none());
}

#[test]
fn a_parent_that_is_named_counts_more_than_the_current_one() {
    let host = host();
    let outer = info_span!("outer");
    let other = info_span!("other");
    let _entered = other.enter();
    let child = info_span!(parent: &outer, "child");
    child.follows_from(&other);
    assert_eq!(parent(&host.spans(), "child"), Some("outer"));
    assert_eq!(host.spans()[2].links.len(), 1);
}

#[test]
fn events_are_lines_and_events_of_their_span() {
    let host = host();
    trace!("too much");
    info!(rows = 3, "outside");
    let error = io::Error::other("broken");
    info_span!("within").in_scope(|| error!(error = &error as &dyn std::error::Error, "failed"));
    let lines = host.logs();
    assert_eq!(lines.iter().map(|line| line.message.as_str()).collect::<Vec<_>>(), ["outside", "failed"]);
    assert_eq!((&lines[0].attributes["rows"], lines[0].level), (&3.into(), log::Level::Info));
    assert_eq!((&lines[1].attributes["error"], lines[1].level), (&"broken".into(), log::Level::Error));
    assert_eq!(lines[0].attributes["target"], "gpx_sdk::tracing::tests");
    let span = &host.spans()[0];
    assert_eq!((span.events.len(), span.events[0].name.as_str()), (1, "failed"));
    assert_eq!(span.events[0].attributes["level"], "ERROR");
}

#[test]
fn what_opentelemetry_reads_of_fields() {
    let host = host();
    let span = info_span!(
        "static",
        otel.name = "GET /prices",
        otel.kind = "CLIENT",
        otel.status_code = field::Empty,
        otel.status_description = field::Empty,
        rows = field::Empty,
    );
    span.record("rows", 7).record("otel.status_code", "ERROR").record("otel.status_description", "too many");
    drop(span);
    let good = info_span!("good", otel.status_code = "ok");
    drop(good);
    let spans = host.spans();
    assert_eq!((spans[0].name.as_str(), spans[0].kind), ("GET /prices", SpanKind::Client));
    assert_eq!(spans[0].attributes["rows"], 7);
    assert_eq!(spans[0].status, SpanStatus::Error("too many".to_owned()));
    assert_eq!(spans[1].status, SpanStatus::Ok);
}

#[test]
fn the_current_span_is_known() {
    let _host = host();
    assert!(tracing::Span::current().is_disabled());
    let span = info_span!("current");
    let entered = span.enter();
    assert_eq!(tracing::Span::current().id(), span.id());
    drop(entered);
    assert!(tracing::Span::current().is_disabled());
}
