//! The heap of the C library's allocator.

/// Returns to the system what is free in the heap. Otherwise the allocator keeps most of it for ever: small blocks that
/// are still in use lie between large ones that were freed.
///
/// It takes some milliseconds for a hundred megabytes, and nobody else can allocate in the part that it is at.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
#[expect(unsafe_code, reason = "there is no other way to say it to the allocator")]
pub(crate) fn return_free_memory() {
    // SAFETY: malloc_trim(3) may be called at any time.
    unsafe { libc::malloc_trim(0) };
}

#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
pub(crate) fn return_free_memory() {}
