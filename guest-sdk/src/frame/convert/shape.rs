//! Long or wide.

/// What kind of series a frame has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    /// None.
    Not,
    /// Texts or booleans tell the series apart.
    Long,
    /// Each field is a series.
    Wide,
}
