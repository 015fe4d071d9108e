//! Times that JSON has as numbers since 1970, in each of the units that upstreams use.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, Visitor};
use serde::ser::{Serialize, Serializer};

use super::{IntoTime, Time};

/// What a float can tell apart today is a quarter of a microsecond: more digits would be noise.
const NANOS_PER_MICRO: f64 = 1000.0;

macro_rules! units {
    ($($(#[$doc:meta])* $name:ident = $nanos:literal, $unit:literal;)*) => {$(
        $(#[$doc])*
        ///
        /// Reads whole numbers, fractions, and both within quotes.
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub Time);

        impl From<$name> for Time {
            fn from(time: $name) -> Self {
                time.0
            }
        }

        impl IntoTime for $name {
            fn into_time(self) -> Time {
                self.0
            }
        }

        impl From<Time> for $name {
            fn from(time: Time) -> Self {
                Self(time)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                deserializer.deserialize_any(Unit { nanos: $nanos, name: $unit }).map(Self)
            }
        }

        /// As a whole number, rounded down.
        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_i64(self.0.unix_nanos().div_euclid($nanos))
            }
        }
    )*};
}

units! {
    /// A [`Time`] that JSON has as seconds since 1970, such as `1700000000` or Prometheus' `1700000000.25`.
    UnixSeconds = 1_000_000_000, "seconds";
    /// A [`Time`] that JSON has as milliseconds since 1970, such as `1700000000250`.
    ///
    /// ```
    /// use gpx_sdk::{Frame, time::UnixMillis};
    ///
    /// let times: Vec<UnixMillis> = serde_json::from_str("[1700000000000, \"1700000000250\"]").unwrap();
    /// assert_eq!(times[1].0.to_string(), "2023-11-14T22:13:20.25Z");
    /// let frame = Frame::new("prices").time("time", times);
    /// ```
    UnixMillis = 1_000_000, "milliseconds";
    /// A [`Time`] that JSON has as microseconds since 1970.
    UnixMicros = 1_000, "microseconds";
    /// A [`Time`] that JSON has as nanoseconds since 1970, such as Loki's `"1700000000250000000"`.
    UnixNanos = 1, "nanoseconds";
}

struct Unit {
    nanos: i64,
    name: &'static str,
}

// === impl Unit ===

impl Unit {
    fn time<E: Error>(&self, nanos: Option<i128>) -> Result<Time, E> {
        nanos
            .and_then(|nanos| i64::try_from(nanos).ok())
            .map(Time::from_unix_nanos)
            .ok_or_else(|| E::custom(format_args!("a time in {} that is not from 1677 to 2262", self.name)))
    }

    /// Digits beyond the nanosecond are cut off.
    fn decimal(&self, text: &str) -> Option<i128> {
        let (sign, digits) = text.strip_prefix('-').map_or((1, text), |digits| (-1, digits));
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
        let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        if !is_number(whole) || !is_number(fraction) || whole.len() > 19 {
            return None;
        }
        let unit = i128::from(self.nanos);
        let (mut nanos, mut weight) = (whole.parse::<i128>().ok()? * unit, unit);
        for digit in fraction.bytes() {
            weight /= 10;
            nanos += i128::from(digit - b'0') * weight;
        }
        Some(sign * nanos)
    }
}

impl Visitor<'_> for Unit {
    type Value = Time;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a number of {} since 1970", self.name)
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Time, E> {
        self.time(Some(i128::from(number) * i128::from(self.nanos)))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Time, E> {
        self.time(Some(i128::from(number) * i128::from(self.nanos)))
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<Time, E> {
        if !number.is_finite() {
            return self.time(None);
        }
        // Casts of floats saturate, and what saturates is out of range.
        let whole = (number.trunc() as i128).checked_mul(i128::from(self.nanos));
        let fraction = (number.fract() * self.nanos as f64 / NANOS_PER_MICRO).round() * NANOS_PER_MICRO;
        self.time(whole.and_then(|whole| whole.checked_add(fraction as i128)))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Time, E> {
        match self.decimal(text) {
            Some(nanos) => self.time(Some(nanos)),
            None => Err(E::invalid_type(serde::de::Unexpected::Str(text), &self)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nanos<T: for<'de> Deserialize<'de> + Into<Time>>(json: &str) -> Option<i64> {
        crate::json::from_slice::<T>(json.as_bytes()).ok().map(|time| time.into().unix_nanos())
    }

    #[test]
    fn every_unit_is_read() {
        assert_eq!(nanos::<UnixSeconds>("1700000000"), Some(1_700_000_000_000_000_000));
        assert_eq!(nanos::<UnixSeconds>("1700000000.123"), Some(1_700_000_000_123_000_000));
        assert_eq!(nanos::<UnixSeconds>("\"1700000000.123456789\""), Some(1_700_000_000_123_456_789));
        assert_eq!(nanos::<UnixSeconds>("-1.5"), Some(-1_500_000_000));
        assert_eq!(nanos::<UnixSeconds>("1.7e9"), Some(1_700_000_000_000_000_000));
        assert_eq!(nanos::<UnixMillis>("1700000000250"), Some(1_700_000_000_250_000_000));
        assert_eq!(nanos::<UnixMillis>("\"-1\""), Some(-1_000_000));
        assert_eq!(nanos::<UnixMicros>("3"), Some(3000));
        assert_eq!(nanos::<UnixNanos>("\"1700000000250000001\""), Some(1_700_000_000_250_000_001));
        assert_eq!(nanos::<UnixNanos>("\"0.5\""), Some(0));
    }

    #[test]
    fn what_is_no_time_is_refused() {
        for json in ["9223372037", "1e300", "-1e300", "18446744073709551615", "\"\"", "\"now\"", "\"1.\""] {
            assert_eq!(nanos::<UnixSeconds>(json), None, "{json}");
        }
        for json in ["\".5\"", "\"+1\"", "\"--1\"", "\"99999999999999999999\"", "null", "true", "[1]"] {
            assert_eq!(nanos::<UnixSeconds>(json), None, "{json}");
        }
    }

    #[test]
    fn every_unit_is_written_rounded_down() {
        let time = Time::from_unix_nanos(-1);
        let written =
            serde_json::to_string(&(UnixSeconds(time), UnixMillis(time), UnixMicros(time), UnixNanos(time)));
        assert_eq!(written.unwrap(), "[-1,-1,-1,-1]");
        assert_eq!(
            serde_json::to_string(&Time::from_unix_millis(250)).unwrap(),
            "\"1970-01-01T00:00:00.25Z\""
        );
    }
}
