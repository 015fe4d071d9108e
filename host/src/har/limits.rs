//! How much is recorded.

/// How much of one body is recorded, in bytes: as in Go.
pub(super) const MAX_BODY: usize = 64 << 20;

/// How much is recorded for one call, in bytes, and how large it may be within the document: as in Go.
pub(super) const MAX_TOTAL: usize = 256 << 20;

/// What an entry takes besides its head and its bodies, in bytes, or a little more.
pub(super) const ENTRY: usize = 1 << 10;
