//! How much is recorded.

/// How much of one body is recorded, in bytes: as in Go.
pub(super) const MAX_BODY: usize = 64 << 20;

/// How much of its bodies is recorded for one call, in bytes, and how large they may be within the document: as in Go.
pub(super) const MAX_TOTAL: usize = 256 << 20;

/// How much of its heads is recorded for one call, in bytes. A byte takes at most seven as a string within JSON, and a
/// header may be there twice, so the heads fit in the quarter of an answer that the bodies leave.
pub(super) const MAX_HEADS: usize = 1 << 20;

/// What an entry takes besides its head and its bodies, in bytes, or a little more.
pub(super) const ENTRY: usize = 1 << 10;
