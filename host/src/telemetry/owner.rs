//! Whose spans these are. An owner has its share of the queue.

use std::hash::{DefaultHasher, Hash, Hasher as _};

/// A data source or app, in the contexts of its calls. The default is the host itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct SpanOwner(u64);

// === impl SpanOwner ===

impl SpanOwner {
    pub(super) fn of(key: impl Hash) -> Self {
        let mut hasher = DefaultHasher::new();
        key.hash(&mut hasher);
        Self(hasher.finish())
    }
}
