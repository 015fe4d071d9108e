//! What a hostile guest does to its host: it takes as much of one thing as the query says, and keeps it.
//!
//! The query's JSON: `{"count", "bytes", "url", "hold", "then"}`. `url` is the upstream. With `hold`, the guest requests that URL
//! afterwards, so that a test decides how long it keeps what it took. With `then`, it does that query type's attack last.

use gpx_sdk::{Fault, Frame, Query, Result, http};
use serde::Deserialize;

use crate::misbehave;

mod answers;
mod floods;
mod handles;
mod memory;
mod wire;

#[derive(Deserialize)]
#[serde(default)]
struct Wanted {
    /// How many of them.
    count: usize,
    /// How large each of them is.
    bytes: usize,
    url: String,
    hold: String,
    then: String,
}

impl Default for Wanted {
    fn default() -> Self {
        Self { count: usize::MAX, bytes: 0, url: String::new(), hold: String::new(), then: String::new() }
    }
}

pub fn run(query: &Query) -> Result<Vec<Frame>> {
    let wanted: Wanted = query.json()?;
    let answer = attack(&query.query_type, &wanted)?;
    if !wanted.hold.is_empty() {
        http::get(&wanted.hold).send()?.text()?;
    }
    match wanted.then.as_str() {
        "trap" => misbehave::trap(),
        "loop" => misbehave::forever(),
        _ => Ok(answer),
    }
}

/// Computes for so many turns. Returns that it is well.
pub fn spin(turns: usize) -> &'static str {
    memory::spin(&Wanted { count: turns, ..Wanted::default() });
    "all is well"
}

fn attack(name: &str, wanted: &Wanted) -> Result<Vec<Frame>> {
    let mut answer = Vec::new();
    match name {
        "grow" => answer = memory::grow(wanted),
        "recurse" => return memory::recurse(wanted),
        "fill" => memory::fill(wanted),
        "copy" => memory::copy(wanted),
        "spin" => memory::spin(wanted),

        "bodies" => handles::bodies(wanted)?,
        "fields" => handles::fields(wanted)?,
        "requests" => handles::requests(wanted),
        "pending" => handles::pending(wanted)?,
        "ready" => handles::ready(wanted)?,
        "responses" => handles::responses(wanted)?,
        "responses-dropped" => handles::drop_responses(wanted)?,
        "slivers" => handles::slivers(wanted)?,
        "response-kept" => handles::keep_response(wanted)?,
        "response-read" => answer = handles::read_kept()?,
        "timers" => handles::timers(wanted),
        "streams" => handles::streams(wanted),
        "spans-kept" => handles::spans(wanted),
        "poll-many" => handles::poll_many(wanted),
        "poll-one" => handles::poll_one(wanted),

        "log-flood" => floods::logs(wanted),
        "metric-flood" => floods::metrics(wanted)?,
        "log-attributes" => floods::log_attributes(wanted),
        "stdout-flood" => floods::stdout(wanted),
        "span-flood" => floods::spans(wanted),
        "span-events" => floods::events(wanted),
        "request-flood" => floods::requests(wanted)?,
        "random" => floods::random(wanted),

        "bools" => return Ok(answers::bools(wanted)),
        "texts" => return Ok(answers::texts(wanted)),
        "frames" => return Ok(answers::frames(wanted)),
        "long-fault" => return Err(Fault::plugin("x".repeat(wanted.bytes))),
        "long-panic" => panic!("{}", "x".repeat(wanted.bytes)),
        other => return Err(Fault::bad_request(format_args!("the probe has no query type `{other}`"))),
    }
    Ok(answer)
}
