//! Where a server listens, in Go's words for it.

/// Where a server listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Address {
    /// `unix` or `tcp`.
    pub network: &'static str,
    /// A path, an abstract name after `@`, or host and port.
    pub address: String,
}
