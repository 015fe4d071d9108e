//! Frames of the data plane contract.

use gpx_sdk::dataplane::{LogLine, LogLines, Number, Numbers, Series, TimeSeries};
use gpx_sdk::frame::{FrameType, Labels};
use gpx_sdk::{Fault, Field, Frame, Query, Result, Time};
use serde::Deserialize;
use serde_json::json;

use super::random::Random;

/// What the query asks for: a type's name.
#[derive(Deserialize)]
struct Wanted {
    frame_type: String,
}

/// Returns the same series, numbers or lines in the format that is asked for.
pub fn dataplane(query: &Query) -> Result<Vec<Frame>> {
    let Wanted { frame_type } = query.json()?;
    let at = |seconds: i64| Time::from_unix_seconds(1_700_000_000 + seconds);
    let series = || {
        TimeSeries::new("hosts")
            .with(
                Series::new("load", [(at(1), Some(1.5)), (at(3), None)])
                    .label("host", "a")
                    .label("zone", "z"),
            )
            .with(Series::new("load", [(at(2), Some(2.5))]).label("host", "b"))
            .with(Series::new("free", [(at(2), Some(0.5)), (at(3), Some(0.25))]).label("host", "b"))
    };
    let numbers = || {
        Numbers::new("hosts")
            .with(Number::new("load", Some(1.5)).label("host", "a").label("zone", "z"))
            .with(Number::new("load", Some(2.5)).label("host", "b"))
            .with(Number::new("free", None).label("host", "b"))
    };
    let counts = |bound: &str| Field::new("", [1_u64, 2]).label("le", bound);
    let frames = match frame_type.as_str() {
        "timeseries-wide" => vec![series().wide()?],
        "timeseries-multi" => series().multi()?,
        "timeseries-long" => vec![series().long()?],
        "numeric-wide" => vec![numbers().wide()?],
        "numeric-multi" => numbers().multi()?,
        "numeric-long" => vec![numbers().long()?],
        "log-lines" => {
            let labels = Labels::from([("host", "<a>")]);
            let first = LogLine::new(at(2), "no space left").severity("error").id("7").labels(&labels)?;
            let second = LogLine::new(at(1), "stopped").label_types(&json!({ "host": "I" }))?;
            vec![LogLines::new("logs").with(first).with(second).frame()?]
        }
        "heatmap-rows" => {
            let frame =
                Frame::new("rows").time("time", [at(1), at(2)]).with(counts("1")).with(counts("+Inf"));
            vec![frame.promise(FrameType::HeatmapRows)?]
        }
        "heatmap-cells" => {
            let frame = Frame::new("cells").time("xMin", [at(1), at(1)]).field("yMin", [1.0, 2.0]);
            vec![
                frame
                    .field("yMax", [2.0, 4.0])
                    .field("count", [7_u64, 8])
                    .promise(FrameType::HeatmapCells)?,
            ]
        }
        _ => return Err(Fault::bad_request("no such type")),
    };
    Ok(frames)
}

/// How many frames to try.
#[derive(Deserialize)]
struct Tries {
    count: u64,
}

/// Returns those of many frames that a promise is made for.
pub fn promised(query: &Query) -> Result<Vec<Frame>> {
    let Tries { count } = query.json()?;
    let types = [
        FrameType::TimeSeriesWide,
        FrameType::TimeSeriesMulti,
        FrameType::TimeSeriesLong,
        FrameType::NumericWide,
        FrameType::NumericMulti,
        FrameType::NumericLong,
    ];
    let tries =
        (0..count).flat_map(|seed| types.map(|frame_type| Random::new(seed).frame().promise(frame_type)));
    Ok(tries.flatten().collect())
}
