//! Random numbers of the host. In a test they are the same in every run: see `gpx_sdk::test`.

use crate::host;

/// Returns a random number, of which every bit is random. It is fit for keys and tokens.
#[must_use]
pub fn number() -> u64 {
    host::random::number()
}
