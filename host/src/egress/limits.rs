//! The limits of what a connection and a response may take, and what a connection costs.

/// The longest head of a response, in bytes, and the most that a connection takes of a request's body before it is sent.
/// Servers send at most 8 to 32 KiB, but some old ones send hundreds.
pub(super) const MAX_HEAD: usize = 512 * 1024;

/// What all heads for one request may have, in bytes: interim ones, which can come without end, and that of the response. It
/// includes what is read of the body meanwhile.
pub(super) const MAX_HEADS: usize = 2 * MAX_HEAD;

/// A head that is longer counts among what all heads together may take, and its connection carries no further request,
/// since it would keep the buffer.
pub(super) const USUAL_HEAD: usize = 40 * 1024;

/// The most that is read at once, so that a body's buffer does not grow as that of a head may.
pub(super) const READ_AT_ONCE: usize = 32 * 1024;

/// The most headers that a response may have. Each costs 64 bytes while they are read, and 112 afterwards.
pub(super) const MAX_HEADERS: usize = 2048;

/// The longest head of a response by HTTP/2, in bytes as RFC 9113, 6.5.2 counts them. All heads that arrive before they are
/// taken wait in memory.
pub(super) const MAX_HTTP2_HEAD: u32 = 48 * 1024;

/// How many requests one HTTP/2 connection carries at a time, if its peer takes as many.
pub(super) const MAX_STREAMS: usize = 100;

/// How many bytes of a response's body an HTTP/2 peer may send before they are read.
pub(super) const STREAM_WINDOW: u32 = 64 * 1024;

/// How many bytes of a request's body wait until an HTTP/2 peer takes them.
pub(super) const SEND_BUFFER: usize = 32 * 1024;

/// What an exchange takes of the host's memory, in bytes, whatever its upstream sends: with HTTP/1.1 two buffers of 32 KiB,
/// one that is being filled and one that waits for the component, with HTTP/2 a window and a head, and what hyper and the
/// task need. TLS adds a record of 18 KiB as it came and one of 16 KiB decoded; only an upstream that does not read what it is
/// sent makes it more. Decoding gzip makes the buffers smaller by as much as it takes.
pub(crate) const CONNECTION_BYTES: usize = 128 * 1024;
