//! Series for a data source without a URL. Delete this file once your service answers.

use std::f64::consts::TAU;

use gpx_sdk::{Fault, Result, Time};

use crate::Point;

/// Names, and after how many milliseconds a wave comes again.
const WAVES: [(&str, f64); 2] = [("hourly", 3_600_000.0), ("daily", 86_400_000.0)];

/// However short the steps are.
const MAX_POINTS: i64 = 10_000;

pub(crate) fn series() -> Vec<String> {
    WAVES.map(|(name, _)| name.to_owned()).into()
}

pub(crate) fn points(series: &str, from: Time, to: Time, step: i64) -> Result<Vec<Point>> {
    let Some((_, period)) = WAVES.into_iter().find(|(name, _)| *name == series) else {
        return Err(Fault::new(404, format_args!("there is no series `{series}`")));
    };
    let (from, to) = (from.unix_millis(), to.unix_millis());
    let step = step.max((to - from) / MAX_POINTS).max(1);
    let times = (0..=(to - from) / step).map(|point| from + point * step);
    let point = |millis: i64| Point {
        time: Time::from_unix_millis(millis),
        value: (millis as f64 / period * TAU).sin(),
    };
    Ok(times.map(point).collect())
}
