//! What can be the value of a series or a metric.

use crate::frame::{Item, NotNull};

/// A number or a boolean, or an `Option` of one.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a value that the data plane contract knows",
    label = "neither a number nor a boolean",
    note = "values are `bool`, `i8` to `i64`, `u8` to `u64`, `f32`, `f64`, and `Option` of each: convert a `usize` with `as u64`, and parse a text with `.parse::<f64>()`"
)]
pub trait Measured: Item + Clone {
    /// The value if it is there.
    type Number: NotNull + Clone;

    fn number(self) -> Option<Self::Number>;
}

// === impl Measured ===

macro_rules! measured {
    ($($number:ty),*) => {$(
        impl Measured for $number {
            type Number = Self;

            fn number(self) -> Option<Self> {
                Some(self)
            }
        }

        impl Measured for Option<$number> {
            type Number = $number;

            fn number(self) -> Option<$number> {
                self
            }
        }
    )*};
}

measured!(bool, i8, i16, i32, i64, u8, u16, u32, u64, f32, f64);
