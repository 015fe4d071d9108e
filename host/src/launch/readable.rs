//! Waits for descriptors of which tokio has no type: of processes, and of changes to files.

use std::io;
use std::os::fd::OwnedFd;

use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

/// Returns the descriptor as one that can be waited for. Needs a running tokio runtime.
pub(super) fn readable(descriptor: OwnedFd) -> io::Result<AsyncFd<OwnedFd>> {
    #[expect(
        unsafe_code,
        reason = "tokio watches a descriptor safely only if its type is one of tokio's own"
    )]
    // SAFETY: an `OwnedFd` is the same open descriptor for as long as it lives.
    let registered = unsafe { AsyncFd::register_with_interest(descriptor, Interest::READABLE) };
    Ok(registered?)
}
