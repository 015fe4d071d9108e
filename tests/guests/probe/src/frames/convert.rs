//! Frames that the SDK converts, beside what they were.

use std::time::Duration;

use gpx_sdk::frame::Fill;
use gpx_sdk::{Frame, Query, Result, Time};
use serde::Deserialize;

use super::random::Random;

/// How many frames to convert, and how.
#[derive(Deserialize)]
struct Conversion {
    count: u64,
    how: How,
    /// `previous`, `null`, or a number.
    fill: Option<serde_json::Value>,
    from_ns: i64,
    to_ns: i64,
    interval_ns: u64,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum How {
    LongToWide,
    WideToLong,
    Resample,
}

/// Returns each frame, and then what became of it: a frame, or one named `error` with the text.
pub fn convert(query: &Query) -> Result<Vec<Frame>> {
    let Conversion { count, how, fill, from_ns, to_ns, interval_ns } = query.json()?;
    let fill = fill.and_then(|fill| match fill.as_str() {
        Some("previous") => Some(Fill::Previous),
        Some(_) => Some(Fill::Null),
        None => fill.as_f64().map(Fill::Value),
    });
    let range = Time::from_unix_nanos(from_ns)..=Time::from_unix_nanos(to_ns);
    let mut frames = Vec::new();
    for seed in 0..count {
        let frame = Random::new(seed).frame();
        let converted = match how {
            How::LongToWide => frame.clone().long_to_wide(fill),
            How::WideToLong => frame.clone().wide_to_long(),
            How::Resample => frame.clone().resample(range.clone(), Duration::from_nanos(interval_ns), fill),
        };
        let error =
            |error: gpx_sdk::frame::ConvertError| Frame::new("error").field("error", [error.to_string()]);
        frames.extend([frame, converted.unwrap_or_else(error)]);
    }
    Ok(frames)
}
