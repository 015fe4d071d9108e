//! Tests against real servers on the loopback, from Debian's packages, beside the twin on the Go SDK for the same calls. Only the
//! full run looks for the servers (`xtask/src/servers.rs`).
//!
//! - A server is a line in `xtask/src/servers.rs`, with its package, and a file in `tests/harness/servers/`, which starts it
//!   and knows its configuration. There, `Server` has what all of them need: a directory, free ports, the output, and the end.
//! - `Both` in `tests/harness` makes the same calls in our plugin and in the twin, in the environment that a test wants.
//! - Each other file here is a subject. A test first starts its server, and returns if that is missing: it has been said.
//!
//! While you work on one: `cargo xtask servers` finds the servers, and the binary then runs on what `cargo xtask test --quick` has
//! built.

mod answers;
mod http2;
mod proxies;
mod tls;
