//! Answers in chunks, by the type of the first query.

use gpx_sdk::bindings::base::gpx::plugin::frames as wit;
use gpx_sdk::chunks::ChunkSender;
use gpx_sdk::{Context, Fault, Field, FieldConfig, Frame, Query, Result, Time, log};
use serde::Deserialize;

/// The first time value below.
const START: i64 = 1_700_000_000_123_456_789;

/// How many rows `rows` makes at a time.
const AT_ONCE: i64 = 50_000;

/// The twin on the Go SDK reads the same.
#[derive(Deserialize)]
#[serde(default)]
struct Wanted {
    frames: usize,
    chunks: i64,
    rows: i64,
    fault: Option<String>,
    end: Option<String>,
}

impl Default for Wanted {
    fn default() -> Self {
        Self { frames: 1, chunks: 1, rows: 3, fault: None, end: None }
    }
}

pub fn query(context: &Context, queries: &[Query], chunks: &mut ChunkSender) -> Result<()> {
    match queries.first().map_or("", |query| query.query_type.as_str()) {
        "rows" => queries.iter().try_for_each(|query| rows(query, chunks)),
        "whole" => queries.iter().try_for_each(|query| whole(query, chunks)),
        "endless" => endless(context, chunks),
        "hostile" => hostile(chunks),
        "many" => many(chunks),
        "panic" => panic!("the chunks panicked on purpose"),
        _ => queries.iter().try_for_each(|query| some(query, chunks)),
    }
}

/// Sends as many frames, in as many chunks, as the query says; then an error of its refId, and one of the whole answer.
fn some(query: &Query, chunks: &mut ChunkSender) -> Result<()> {
    let wanted: Wanted = query.json()?;
    for frame in 0..wanted.frames {
        for chunk in 0..wanted.chunks {
            let first = chunk * wanted.rows;
            chunks.frame(&query.ref_id, &format!("f{frame}"), numbered(first..first + wanted.rows))?;
        }
    }
    if let Some(text) = wanted.fault {
        chunks.fault(&query.ref_id, Fault::downstream(503, text))?;
    }
    wanted.end.map_or(Ok(()), |text| Err(Fault::downstream(502, text)))
}

pub fn numbered(rows: std::ops::Range<i64>) -> Frame {
    let texts: Vec<_> = rows.clone().map(|row| (row % 2 == 0).then(|| format!("<{row}>"))).collect();
    let text = Field::new("text", texts).label("a", "b").config(FieldConfig::new().unit("short"));
    pairs(rows).with(text)
}

/// Times, a second apart, and numbers.
fn pairs(rows: std::ops::Range<i64>) -> Frame {
    let times: Vec<_> = rows.clone().map(|row| Time::from_unix_nanos(START + row * 1_000_000_000)).collect();
    let values: Vec<_> = rows.map(|row| row as f64 / 4.0).collect();
    Frame::new("chunked").time("time", times).field("value", values)
}

/// Sends so many rows of one frame, a part at a time.
fn rows(query: &Query, chunks: &mut ChunkSender) -> Result<()> {
    let Wanted { rows, .. } = query.json()?;
    for first in (0..rows).step_by(AT_ONCE as usize) {
        chunks.frame(&query.ref_id, "rows", pairs(first..rows.min(first + AT_ONCE)))?;
    }
    Ok(())
}

/// Hands all rows to the SDK at once.
fn whole(query: &Query, chunks: &mut ChunkSender) -> Result<()> {
    let Wanted { rows, .. } = query.json()?;
    Ok(chunks.frame(&query.ref_id, "rows", numbered(0..rows))?)
}

/// Sends until the caller is gone.
fn endless(context: &Context, chunks: &mut ChunkSender) -> Result<()> {
    for sent in 0.. {
        if let Err(error) = chunks.frame("A", "rows", pairs(0..1000)) {
            // It may take the host a little longer to notice that the caller is gone.
            let cancelled = (0..1_000_000).any(|_| context.cancelled());
            log::info!("chunks ended", "sent" = sent, "error" = error.to_string(), "cancelled" = cancelled);
            return Err(error.into());
        }
    }
    Ok(())
}

/// Sends what a sender must not.
fn hostile(chunks: &mut ChunkSender) -> Result<()> {
    chunks.frame("other", "1", pairs(0..1))?;
    for (ref_id, frame_id) in [("", "1"), ("A", "")] {
        let refused = chunks.frame(ref_id, frame_id, pairs(0..1));
        log::info!("refused", "error" = refused.unwrap_err().to_string());
    }
    chunks.fault("", Fault::plugin("nobody's")).unwrap_err();
    // Its meta is nonsense, and so are its columns.
    let nonsense = wit::Frame {
        name: "bad".to_owned(),
        ref_id: "B".to_owned(),
        meta: Some("[".to_owned()),
        fields: vec![],
    };
    chunks.frame("A", "1", nonsense.into())?;
    chunks.frame("A", "1", Frame::new("uneven").field("one", [1]).field("two", [1, 2]))?;
    // The first good chunk still has its schema, and those that do not fit to it are refused.
    chunks.frame("A", "1", pairs(0..1))?;
    chunks.frame("A", "1", Frame::new("other").field("one", [1]))?;
    chunks.frame("A", "1", Frame::new("null").time("time", [Time::default()]).field("value", [Some(1.0)]))?;
    chunks.frame("A", "1", pairs(1..2))?;
    Ok(())
}

/// Begins more frames than an answer may have.
fn many(chunks: &mut ChunkSender) -> Result<()> {
    for number in 0..100_002 {
        chunks.frame("A", &number.to_string(), Frame::new(""))?;
    }
    Ok(())
}
