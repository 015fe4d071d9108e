//! The limits of what a connection and a response may take, and what a connection costs.

/// The longest head of a response, in bytes. Servers send at most 8 to 32 KiB. It is also the most that a connection reads
/// ahead, and the most that it takes of a request's body before it is sent.
pub(super) const MAX_HEAD: usize = 40 * 1024;

/// The most headers that a response may have: what hyper reads without allocating memory for them.
pub(super) const MAX_HEADERS: usize = 100;

/// What an exchange takes of the host's memory, in bytes, whatever its upstream sends: two buffers of `MAX_HEAD`, one that is
/// being filled and one that waits for the component, and what hyper and the task need. An upstream that sent without end
/// took that and 10 KiB. TLS adds a record of 18 KiB as it came and one of 16 KiB decoded; only an upstream that does not
/// read what it is sent makes it more. Decoding gzip makes the buffers smaller by as much as it takes.
pub(crate) const CONNECTION_BYTES: usize = 128 * 1024;
