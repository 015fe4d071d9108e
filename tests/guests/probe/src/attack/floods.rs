//! Floods of what the host does for a guest: log lines, spans, requests, random numbers.

use std::hint::black_box;
use std::io::Write as _;

use gpx_sdk::log::{self, Level};
use gpx_sdk::{Attribute, Result, attributes, span};

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
            span.event_with(&text, attributes);
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
