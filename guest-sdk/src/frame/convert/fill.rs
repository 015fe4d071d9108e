//! What is where there is no value.

/// What a cell gets for which there is no value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Fill {
    /// The value of the row before, or null in the first.
    Previous,
    /// Null.
    Null,
    /// A number. A field that has no numbers gets the same as without a `Fill`.
    Value(f64),
}
