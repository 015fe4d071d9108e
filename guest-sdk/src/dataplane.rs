//! Frames of Grafana's [data plane contract](https://grafana.com/developers/dataplane) from what a data source has:
//! series, numbers and log lines.
//!
//! Series keyed by labels become frames of the format that you need:
//!
//! ```
//! use gpx_sdk::dataplane::TimeSeries;
//! use gpx_sdk::frame::Labels;
//! use gpx_sdk::time::UnixSeconds;
//!
//! #[derive(serde::Deserialize)]
//! struct Answer {
//!     metric: Labels,
//!     values: Vec<(UnixSeconds, f64)>,
//! }
//!
//! # fn frames() -> gpx_sdk::Result<Vec<gpx_sdk::Frame>> {
//! let json = r#"[{"metric":{"host":"a"},"values":[[60,1.5],[120,2]]},{"metric":{"host":"b"},"values":[[60,3]]}]"#;
//! let answers: Vec<Answer> = serde_json::from_str(json)?;
//! let frames = TimeSeries::by_labels("load", answers.into_iter().map(|answer| (answer.metric, answer.values))).multi()?;
//! # Ok(frames)
//! # }
//! # assert_eq!(frames().unwrap().len(), 2);
//! ```
//!
//! | format | choose it if |
//! |---|---|
//! | wide | the series have the same times: a field for each series; where one has no value, there is null |
//! | multi | their times differ: a frame for each series |
//! | long | it is to be shown as a table: a row for each time and each set of labels, which are fields of texts |
//!
//! For frames that you have already, and for heatmaps, use [`Frame::promise`](crate::Frame::promise).

mod log_lines;
mod measured;
mod number;
mod series;

pub use self::log_lines::{LogLine, LogLines};
pub use self::measured::Measured;
pub use self::number::{Number, Numbers};
pub use self::series::{Series, TimeSeries};
