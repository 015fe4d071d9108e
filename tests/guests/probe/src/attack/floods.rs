//! Floods of what the host does for a guest: log lines, metrics, spans, requests, random numbers.

use std::hint::black_box;
use std::io::Write as _;

use gpx_sdk::bindings::base::gpx::plugin::metrics as host;
use gpx_sdk::log::{self, Level};
use gpx_sdk::{Attribute, Fault, Result, attributes, span};

use super::{Wanted, wire};

pub(super) fn logs(wanted: &Wanted) {
    let text = "x".repeat(wanted.bytes);
    for number in 0..wanted.count {
        log::info!(&text, "number" = number);
    }
}

/// One line with `count` attributes of `bytes` each.
pub(super) fn log_attributes(wanted: &Wanted) {
    let text = "x".repeat(wanted.bytes);
    let attributes: Vec<_> =
        (0..wanted.count).map(|number| Attribute::new(&format!("key{number}"), text.as_str())).collect();
    log::log(Level::Info, &text, &attributes);
}

/// Histograms without end, until the host refuses more. Then `count` sets of labels for each two of them, with values of
/// `bytes`, and the URL among them.
pub(super) fn metrics(wanted: &Wanted) -> Result<()> {
    let metric = |number: usize| host::Metric {
        name: format!("flood_{number}"),
        help: "x".repeat(wanted.bytes),
        kind: host::MetricKind::Histogram,
        labels: vec!["label".to_owned()],
        buckets: Vec::new(),
    };
    let numbers: Vec<_> = (0..).map_while(|number| host::register(&metric(number)).ok()).collect();
    let two = numbers.get(..2).ok_or_else(|| Fault::plugin("the host refuses the second metric"))?;
    for number in 0..wanted.count {
        let label = format!("{number:0width$} {}", wanted.url, width = wanted.bytes);
        for metric in two {
            host::observe(*metric, std::slice::from_ref(&label), 1.0);
        }
    }
    Ok(())
}

/// Text without an end of line.
pub(super) fn stdout(wanted: &Wanted) {
    let text = vec![b'x'; wanted.bytes];
    for _ in 0..wanted.count {
        let _ = std::io::stdout().write_all(&text);
        let _ = std::io::stdout().flush();
    }
}

/// Spans that end at once, each with a name and an attribute of `bytes`.
pub(super) fn spans(wanted: &Wanted) {
    let text = "x".repeat(wanted.bytes);
    for number in 0..wanted.count {
        drop(span!(&text, "text" = text, "number" = number));
    }
}

/// Spans with as many events of as many attributes as the host takes.
pub(super) fn events(wanted: &Wanted) {
    let text = "x".repeat(wanted.bytes);
    for _ in 0..wanted.count {
        let span = span!("full of events");
        for _ in 0..128 {
            let attributes: Vec<_> = (0..128)
                .map(|number| Attribute::new(&format!("key{number}"), text.as_str()))
                .chain(attributes!("list" = [text.as_str(); 16]))
                .collect();
            span.add_event(&text, attributes);
        }
    }
}

/// Starts requests and lets go of each at once.
pub(super) fn requests(wanted: &Wanted) -> Result<()> {
    for _ in 0..wanted.count {
        drop(wire::send(&wanted.url)?);
    }
    Ok(())
}

pub(super) fn random(wanted: &Wanted) {
    for _ in 0..wanted.count {
        black_box(wasip2::random::random::get_random_bytes(wanted.bytes as u64));
    }
}
