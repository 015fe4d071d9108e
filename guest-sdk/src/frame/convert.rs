//! Long frames become wide and the reverse, and series get a point at every interval: as the Go SDK does it.

use std::ops::RangeInclusive;
use std::time::Duration;

use self::error::Mistake;
use self::long::long_to_wide;
use self::resample::resample;
use self::wide::wide_to_long;
use super::{Frame, FrameType, Meta, Time};
use crate::bindings::base::gpx::plugin::frames as wit;

mod builder;
mod error;
mod fill;
mod long;
mod resample;
mod schema;
mod shape;
#[cfg(test)]
mod tests;
mod wide;

pub use self::error::ConvertError;
pub use self::fill::Fill;

// === impl Frame ===

impl Frame {
    /// Makes a wide frame of a long one, as `data.LongToWide` of the Go SDK does.
    ///
    /// The first field of times is the time. Texts and booleans become labels, with null as an empty text or `false`. All
    /// other fields become a field for each set of labels, sorted by their names and labels. Of rows with the same time
    /// and labels the last one counts. Where a series has no value, `fill` says what is there; `None` leaves null in
    /// nullable fields and 0 in others. The frame keeps its name, refId and meta, and promises to be `timeseries-wide`.
    ///
    /// It is an error if the frame is not long or has no rows, or its times are null or not in ascending order.
    ///
    /// ```
    /// use gpx_sdk::frame::Fill;
    /// use gpx_sdk::{Frame, Time};
    ///
    /// let long = Frame::new("hosts")
    ///     .time("time", [60, 60, 120].map(Time::from_unix_seconds))
    ///     .field("host", ["a", "b", "a"])
    ///     .field("load", [0.5, 0.1, 0.7]);
    /// let wide = long.long_to_wide(Fill::Null)?; // time, load {host="a"}, load {host="b"}
    /// assert_eq!(wide.rows(), Some(2));
    /// # Ok::<(), gpx_sdk::frame::ConvertError>(())
    /// ```
    pub fn long_to_wide(self, fill: impl Into<Option<Fill>>) -> Result<Self, ConvertError> {
        let frame = self.converted(|fields| long_to_wide(fields, fill.into()))?;
        Ok(frame.with_meta(|meta| meta.frame_type(FrameType::TimeSeriesWide, (0, 1))))
    }

    /// Makes a long frame of a wide one, as `data.WideToLong` of the Go SDK does.
    ///
    /// The first field of times is the time. There is a row for each time and each set of labels, a field for each name of
    /// a value, and a field of texts for each label. A series without a label has an empty text there; a set of labels
    /// without a value has null in a nullable field and 0 in others. The frame keeps its name, refId and meta, and says
    /// that it is `timeseries-long`.
    ///
    /// It is an error if the frame is not wide or has no rows, a time is null, or fields of one name differ in type.
    pub fn wide_to_long(self) -> Result<Self, ConvertError> {
        let frame = self.converted(wide_to_long)?;
        Ok(frame.with_meta(|meta| meta.retyped(FrameType::TimeSeriesLong)))
    }

    /// Gives a series a point at each interval of a range, as `sqlutil.ResampleWideFrame` of the Go SDK does: the last
    /// value of the interval that ends there. Where there is none, `fill` says what it is; `None` is null. A field stays
    /// as nullable as it was unless a null comes in. An interval of 0 changes nothing.
    ///
    /// It is an error if the frame is no series, or a time is null.
    ///
    /// ```
    /// use std::time::Duration;
    /// use gpx_sdk::frame::Fill;
    /// use gpx_sdk::{Frame, Time};
    ///
    /// let at = Time::from_unix_seconds;
    /// let frame = Frame::new("hosts").time("time", [at(3), at(14)]).field("load", [0.5, 0.7]);
    /// let frame = frame.resample(at(0)..=at(20), Duration::from_secs(10), Fill::Previous)?; // null, 0.5, 0.7
    /// assert_eq!(frame.rows(), Some(3));
    /// # Ok::<(), gpx_sdk::frame::ConvertError>(())
    /// ```
    pub fn resample(
        self,
        range: RangeInclusive<Time>,
        interval: Duration,
        fill: impl Into<Option<Fill>>,
    ) -> Result<Self, ConvertError> {
        self.converted(|fields| resample(fields, range, interval, fill.into()))
    }

    fn converted(
        mut self,
        convert: impl FnOnce(Vec<wit::Field>) -> Result<Vec<wit::Field>, Mistake>,
    ) -> Result<Self, ConvertError> {
        let fields = std::mem::take(&mut self.table.fields);
        self.table.fields =
            convert(fields).map_err(|mistake| ConvertError::new(&self.table.name, mistake))?;
        Ok(self)
    }

    fn with_meta(self, change: impl FnOnce(Meta) -> Meta) -> Self {
        let meta = self.meta.clone().unwrap_or_default();
        self.meta(change(meta))
    }
}
