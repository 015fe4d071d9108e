//! Frames for this room's tests, and a loop that polls.

use std::pin::pin;
use std::task::{Context, Poll, Waker};

use crate::budget::{Charge, MemoryAccount, MemoryKind};
use crate::capability::bindings::gpx::plugin::frames::{Column, Field, Frame, Label, Texts};

/// Memory that is paid for in full.
pub(super) fn paid() -> Charge {
    MemoryAccount::new(usize::MAX).owner().nothing(MemoryKind::Answers)
}

pub(super) fn frame(fields: Vec<Field>) -> Frame {
    Frame { name: String::new(), ref_id: String::new(), meta: None, fields }
}

/// A field that is not nullable.
pub(super) fn named(name: &str, column: Column) -> Field {
    Field { name: name.to_owned(), labels: None, config: None, validity: None, column }
}

pub(super) fn label(name: &str, value: &str) -> Label {
    Label { name: name.to_owned(), value: value.to_owned() }
}

pub(super) fn texts(rows: &[&str]) -> Texts {
    let ends = rows.iter().scan(0, |end, row| {
        *end += row.len() as i32;
        Some(*end)
    });
    Texts { offsets: [0].into_iter().chain(ends).collect(), bytes: rows.concat().into_bytes() }
}

/// What a future returns, and how many polls it takes.
pub(super) fn polls<T>(future: impl Future<Output = T>) -> (T, usize) {
    let mut future = pin!(future);
    let mut context = Context::from_waker(Waker::noop());
    for count in 1.. {
        if let Poll::Ready(output) = future.as_mut().poll(&mut context) {
            return (output, count);
        }
    }
    unreachable!("a future that never ends")
}

/// A xorshift generator: the same values in each run.
pub(super) struct Random(u64);

impl Random {
    pub(super) fn new() -> Self {
        Self(0x9E37_79B9_7F4A_7C15)
    }

    pub(super) fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % bound
    }
}
