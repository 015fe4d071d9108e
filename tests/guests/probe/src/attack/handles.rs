//! Handles that are never dropped, each as large as the host lets it be.

use std::cell::Cell;
use std::mem::forget;

use gpx_sdk::{Fault, Frame, Result, span};
use wasip2::clocks::monotonic_clock::subscribe_duration;
use wasip2::http::types::{Fields, IncomingBody, IncomingResponse, Method, OutgoingRequest};
use wasip2::io::poll::poll;
use wasip2::io::streams::{InputStream, StreamError};

use super::{Wanted, wire};

/// Nanoseconds.
const HOUR: u64 = 3_600_000_000_000;

/// Bytes. The host takes at most 64 KiB.
const MOST_OF_FIELDS: usize = 60 << 10;

/// What the host counts for a field besides its value, in bytes: its name and the two handles in its map.
const BESIDES_VALUE: usize = 80;

/// Bodies of requests that are never sent, each filled until the host takes no more.
pub(super) fn bodies(wanted: &Wanted) -> Result<()> {
    let piece = vec![b'x'; 1 << 20];
    for _ in 0..wanted.count {
        let request = OutgoingRequest::new(Fields::new());
        let body = request.body().map_err(|()| Fault::plugin("no body"))?;
        let stream = body.write().map_err(|()| Fault::plugin("no stream"))?;
        while let Ok(permit @ 1..) = stream.check_write() {
            let size = piece.len().min(usize::try_from(permit).unwrap_or(usize::MAX));
            if stream.write(&piece[..size]).is_err() {
                break;
            }
        }
        forget((request, body, stream));
    }
    Ok(())
}

/// Header fields, each as large as the host takes, with values of `bytes`.
pub(super) fn fields(wanted: &Wanted) -> Result<()> {
    let count = MOST_OF_FIELDS / (wanted.bytes + BESIDES_VALUE);
    let list: Vec<_> = (0..count).map(|number| (format!("x-{number}"), vec![b'x'; wanted.bytes])).collect();
    for _ in 0..wanted.count {
        forget(Fields::from_list(&list).map_err(Fault::plugin)?);
    }
    Ok(())
}

/// Requests with a method, a path and an authority of `bytes` each, never sent.
pub(super) fn requests(wanted: &Wanted) {
    let text = "a".repeat(wanted.bytes);
    for _ in 0..wanted.count {
        let request = OutgoingRequest::new(Fields::new());
        let _ = request.set_method(&Method::Other(text.clone()));
        let _ = request.set_path_with_query(Some(&format!("/{text}")));
        let _ = request.set_authority(Some(&text));
        forget(request);
    }
}

/// Requests whose responses nobody waits for.
pub(super) fn pending(wanted: &Wanted) -> Result<()> {
    for _ in 0..wanted.count {
        forget(wire::send(&wanted.url)?);
    }
    Ok(())
}

/// Responses that have come, and that nobody takes.
pub(super) fn ready(wanted: &Wanted) -> Result<()> {
    for _ in 0..wanted.count {
        let pending = wire::send(&wanted.url)?;
        pending.subscribe().block();
        forget(pending);
    }
    Ok(())
}

/// Responses whose bodies nobody reads.
pub(super) fn responses(wanted: &Wanted) -> Result<()> {
    for _ in 0..wanted.count {
        let pending = wire::send(&wanted.url)?;
        let response = wire::answer(&pending)?;
        let body = response.consume().map_err(|()| Fault::plugin("no body"))?;
        let stream = body.stream().map_err(|()| Fault::plugin("no stream"))?;
        forget((stream, body, response, pending));
    }
    Ok(())
}

/// Responses that are dropped at once.
pub(super) fn drop_responses(wanted: &Wanted) -> Result<()> {
    for _ in 0..wanted.count {
        drop(wire::answer(&wire::send(&wanted.url)?)?);
    }
    Ok(())
}

/// Of each response the fields that have no number in their name, in a map of their own.
pub(super) fn slivers(wanted: &Wanted) -> Result<()> {
    for _ in 0..wanted.count {
        let fields = wire::answer(&wire::send(&wanted.url)?)?.headers().clone();
        for (name, _) in fields.entries() {
            if name.ends_with(|last: char| last.is_ascii_digit()) {
                fields.delete(&name).map_err(Fault::plugin)?;
            }
        }
        forget(fields);
    }
    Ok(())
}

thread_local! {
    /// The response that the last call kept.
    static KEPT: Cell<Option<(InputStream, IncomingBody, IncomingResponse)>> = const { Cell::new(None) };
}

/// Keeps a response for the next call, without reading it.
pub(super) fn keep_response(wanted: &Wanted) -> Result<()> {
    let response = wire::answer(&wire::send(&wanted.url)?)?;
    let body = response.consume().map_err(|()| Fault::plugin("no body"))?;
    let stream = body.stream().map_err(|()| Fault::plugin("no stream"))?;
    KEPT.set(Some((stream, body, response)));
    Ok(())
}

/// Reads the response that the last call kept to its end.
pub(super) fn read_kept() -> Result<Vec<Frame>> {
    let (stream, body, response) = KEPT.take().ok_or_else(|| Fault::plugin("nothing was kept"))?;
    let mut text = Vec::new();
    let error = loop {
        match stream.blocking_read(64) {
            Ok(bytes) => text.extend(bytes),
            Err(StreamError::LastOperationFailed(error)) => break error.to_debug_string(),
            Err(StreamError::Closed) => break "its end".to_owned(),
        }
    };
    let text = format!("{}: {error}", String::from_utf8_lossy(&text));
    // In this order, since each belongs to the next one.
    drop((stream, body, response));
    Ok(vec![Frame::new("kept").field("text", [text])])
}

pub(super) fn timers(wanted: &Wanted) {
    for _ in 0..wanted.count {
        forget(subscribe_duration(HOUR));
    }
}

pub(super) fn streams(wanted: &Wanted) {
    for _ in 0..wanted.count {
        forget(wasip2::cli::stdout::get_stdout());
    }
}

pub(super) fn spans(wanted: &Wanted) {
    let text = "x".repeat(wanted.bytes);
    for number in 0..wanted.count {
        forget(span!(&text, "text" = text, "number" = number));
    }
}

/// Waits for `count` timers at once, of which one is over at once.
pub(super) fn poll_many(wanted: &Wanted) {
    let mut timers = vec![subscribe_duration(0)];
    timers.extend((1..wanted.count).map(|_| subscribe_duration(HOUR)));
    poll(&timers.iter().collect::<Vec<_>>());
}

/// Waits for the same timer `count` times in one list.
pub(super) fn poll_one(wanted: &Wanted) {
    let timer = subscribe_duration(0);
    poll(&vec![&timer; wanted.count]);
}
