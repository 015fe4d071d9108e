//! Points in time, to the nanosecond.

use std::fmt;
use std::time::{Duration, SystemTime};

use serde::de::{Deserialize, Deserializer, Visitor};
use serde::ser::{Serialize, Serializer};

use crate::host::clock;

#[cfg(test)]
mod reference;
mod rfc3339;
mod unix;

use self::rfc3339::NANOS_PER_SECOND;
pub use self::unix::{UnixMicros, UnixMillis, UnixNanos, UnixSeconds};

const NANOS_PER_MICRO: i64 = 1_000;
const NANOS_PER_MILLI: i64 = 1_000_000;

/// Nanoseconds since 1970-01-01T00:00:00Z. In JSON it is a string in the format of RFC 3339. Where JSON has a number, read
/// a [`UnixSeconds`], [`UnixMillis`], [`UnixMicros`] or [`UnixNanos`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(transparent)]
pub struct Time(i64);

/// A text is not a time in the format of RFC 3339, or is outside 1677-09-21 to 2262-04-11.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidTime(String);

/// What a column of times is made of.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a point in time",
    label = "not a time",
    note = "a number is seconds or milliseconds: make it a time with `Time::from_unix_seconds` or `Time::from_unix_millis`, or read it from JSON as `time::UnixSeconds` or `time::UnixMillis`; an `Option<Time>` goes into `Frame::field`"
)]
pub trait IntoTime {
    fn into_time(self) -> Time;
}

/// Waits. In a component that costs no thread; in a test with a fake host the time passes at once.
pub fn sleep(time: Duration) {
    clock::sleep(time);
}

/// Returns the time since a moment in the past: the difference of two is how long something has taken, whatever happens to the
/// clock on the wall.
#[must_use]
pub fn monotonic() -> Duration {
    clock::monotonic()
}

// === impl Time ===

impl Time {
    /// The time now. In a test with a fake host, it is the fake's.
    #[must_use]
    pub fn now() -> Self {
        clock::now().into()
    }

    pub fn from_unix_nanos(nanos: i64) -> Self {
        Self(nanos)
    }

    /// A time that nanoseconds cannot express becomes the nearest one that they can.
    pub fn from_unix_micros(micros: i64) -> Self {
        Self(micros.saturating_mul(NANOS_PER_MICRO))
    }

    /// A time that nanoseconds cannot express becomes the nearest one that they can.
    pub fn from_unix_millis(millis: i64) -> Self {
        Self(millis.saturating_mul(NANOS_PER_MILLI))
    }

    /// A time that nanoseconds cannot express becomes the nearest one that they can.
    pub fn from_unix_seconds(seconds: i64) -> Self {
        Self(seconds.saturating_mul(NANOS_PER_SECOND))
    }

    /// Reads a text such as `2026-11-23T09:01:00.25+01:00`.
    pub fn parse(text: &str) -> Result<Self, InvalidTime> {
        rfc3339::parse(text.as_bytes()).map(Self).ok_or_else(|| InvalidTime(text.to_owned()))
    }

    pub fn unix_nanos(self) -> i64 {
        self.0
    }

    pub fn unix_micros(self) -> i64 {
        self.0.div_euclid(NANOS_PER_MICRO)
    }

    pub fn unix_millis(self) -> i64 {
        self.0.div_euclid(NANOS_PER_MILLI)
    }

    pub fn unix_seconds(self) -> i64 {
        self.0.div_euclid(NANOS_PER_SECOND)
    }
}

impl IntoTime for Time {
    fn into_time(self) -> Time {
        self
    }
}

impl IntoTime for SystemTime {
    fn into_time(self) -> Time {
        self.into()
    }
}

impl From<SystemTime> for Time {
    fn from(time: SystemTime) -> Self {
        let nanos = |duration: Duration| i64::try_from(duration.as_nanos()).unwrap_or(i64::MAX);
        match time.duration_since(SystemTime::UNIX_EPOCH) {
            Ok(since) => Self(nanos(since)),
            Err(before) => Self(-nanos(before.duration())),
        }
    }
}

/// In the format of RFC 3339, in UTC, with as many digits of a second as are needed.
impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        rfc3339::write(self.0, f)
    }
}

impl Serialize for Time {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Time {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;

        impl Visitor<'_> for Text {
            type Value = Time;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a time like 2026-11-23T09:01:00Z")
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Time, E> {
                Time::parse(text).map_err(E::custom)
            }

            fn visit_bytes<E: serde::de::Error>(self, text: &[u8]) -> Result<Time, E> {
                let invalid = || E::custom(InvalidTime(String::from_utf8_lossy(text).into_owned()));
                rfc3339::parse(text).map(Time).ok_or_else(invalid)
            }
        }

        // What is a time is UTF-8.
        deserializer.deserialize_bytes(Text)
    }
}

// === impl InvalidTime ===

impl fmt::Display for InvalidTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` is not a time like 2026-11-23T09:01:00Z from 1677 to 2262", self.0)
    }
}

impl std::error::Error for InvalidTime {}
