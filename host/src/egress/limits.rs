//! The limits of what a connection and a response may take, and what a connection costs.

/// The longest head of a response, in bytes. Servers send at most 8 to 32 KiB. It is also the most that a connection reads
/// ahead, and the most that it takes of a request's body before it is sent.
pub(super) const MAX_HEAD: usize = 64 * 1024;

/// The most headers that a response may have: what hyper reads without allocating memory for them.
pub(super) const MAX_HEADERS: usize = 100;

/// What a connection takes of the host's memory at most, in bytes, whatever its upstream sends. An upstream that sent
/// without end took 138 KiB: two buffers of `MAX_HEAD`, one that is being filled and one that waits for the component,
/// and what hyper and the task need. TLS adds a record of 18 KiB as it came and one of 16 KiB decoded, 64 KiB of what is
/// to be sent, and its state. Decoding gzip makes the buffers smaller by as much as it takes.
#[expect(dead_code, reason = "for the account of memory")]
pub(crate) const CONNECTION_BYTES: usize = 256 * 1024;
