//! Frames made of a number: the same number makes the same frame.

use gpx_sdk::frame::{Enumeration, FrameType, Json, Labels, Meta, NotNull};
use gpx_sdk::{Field, Frame, Time};

/// Names that fields share, some of which Go's JSON escapes.
const NAMES: [&str; 4] = ["v", "w", "<v>", ""];
const TEXTS: [&str; 5] = ["a", "b", "", "<é>", "a\u{2028}&"];

/// A generator of numbers, SplitMix64.
pub struct Random(u64);

// === impl Random ===

impl Random {
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15))
    }

    pub fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((mixed ^ (mixed >> 31)) % end as u64) as usize
    }

    fn one_in(&mut self, count: usize) -> bool {
        self.below(count) == 0
    }

    /// A frame that is mostly a time series, long or wide.
    pub fn frame(&mut self) -> Frame {
        let rows = if self.one_in(12) { 0 } else { 1 + self.below(9) };
        let is_long = self.one_in(2);
        let mut frame = Frame::new("input");
        if self.one_in(3) {
            frame = frame.meta(Meta::new().path("p").frame_type(FrameType::Table, (0, 1)));
        }
        // What follows the first field is read by the faultless part of Go's decoder.
        if self.one_in(3) {
            frame = frame.field("first", (0..rows).map(|_| self.below(9) as f64).collect::<Vec<_>>());
        }
        if !self.one_in(20) {
            frame = frame.with(self.times(rows));
        }
        for _ in 0..self.below(4) {
            frame = frame.with(self.value(rows, is_long));
        }
        if is_long {
            for number in 0..self.below(3) {
                let name = if self.one_in(20) { "host" } else { ["host", "<zone>", "a"][number] };
                frame = frame.with(self.factor(name, rows));
            }
        }
        frame
    }

    fn times(&mut self, rows: usize) -> Field {
        let mut seconds = 3_i64;
        let times: Vec<_> = (0..rows)
            .map(|_| {
                seconds += self.below(3) as i64;
                let is_odd = self.one_in(30);
                Time::from_unix_nanos(
                    (if is_odd { 1 } else { seconds }) * 1_000_000_000 + self.below(2) as i64,
                )
            })
            .collect();
        match self.below(4) {
            0 => Field::new("time", self.with_nulls(times, 40)),
            _ => Field::new("time", times),
        }
    }

    /// A text or a boolean.
    fn factor(&mut self, name: &str, rows: usize) -> Field {
        let texts: Vec<_> = (0..rows).map(|_| TEXTS[self.below(TEXTS.len())]).collect();
        let booleans: Vec<_> = (0..rows).map(|_| self.one_in(2)).collect();
        match self.below(6) {
            0 => Field::new(name, booleans),
            1 => Field::new(name, self.with_nulls(booleans, 4)),
            2 => Field::new(name, self.with_nulls(texts, 4)),
            _ => Field::new(name, texts),
        }
    }

    fn value(&mut self, rows: usize, is_long: bool) -> Field {
        let name = NAMES[self.below(NAMES.len())];
        let field = match self.below(16) {
            0 => self.field(name, rows, |number| number as i8),
            1 => self.field(name, rows, |number| number as i16),
            2 => self.field(name, rows, |number| number as i32),
            3 => self.field(name, rows, |number| number as i64),
            4 => self.field(name, rows, |number| number as u8),
            5 => self.field(name, rows, |number| number as u16),
            6 => self.field(name, rows, |number| number as u32),
            7 => self.field(name, rows, |number| number as u64),
            8 => self.field(name, rows, |number| number as f32 / 8.0),
            9 => self.field(name, rows, |number| Enumeration(number as u16)),
            10 => self.field(name, rows, |number| Json(format!("[{number}]"))),
            // A time that is missing is the year 1 in Go, which nanoseconds do not reach.
            11 => {
                let times = (0..rows).map(|_| Time::from_unix_millis(self.below(9) as i64)).collect();
                Field::new(name, self.with_nulls(times, 3))
            }
            _ => self.field(name, rows, |number| if number == 0 { f64::NAN } else { number as f64 / 8.0 }),
        };
        match self.below(6) {
            0 if !is_long => field,
            1 if !is_long => field.no_labels(),
            2 if !is_long => field.labels([("host", "a"), ("<zone>", "é&")]),
            _ if is_long => field,
            number => field.labels(Labels::new().with("host", TEXTS[number - 2])),
        }
    }

    fn field<T: NotNull + Clone>(&mut self, name: &str, rows: usize, of: fn(usize) -> T) -> Field {
        let values: Vec<_> = (0..rows).map(|_| of(self.below(100))).collect();
        if self.one_in(2) { Field::new(name, self.with_nulls(values, 3)) } else { Field::new(name, values) }
    }

    fn with_nulls<T: NotNull>(&mut self, values: Vec<T>, rarity: usize) -> Vec<Option<T>> {
        values.into_iter().map(|value| (!self.one_in(rarity)).then_some(value)).collect()
    }
}
