//! How the C library's allocator is set up. The executable decides that, not a program that embeds a plugin.

/// Has blocks of 1 MiB and more returned to the system as soon as they are freed.
///
/// Otherwise glibc keeps blocks of up to 32 MiB in a heap for each thread once one of that size was freed. Answers are
/// large, and any thread may serve any call, so every thread would keep the memory of the largest answer.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
#[expect(unsafe_code, reason = "there is no other way to say it to the allocator")]
pub(super) fn return_large_blocks() {
    const MEBIBYTE: i32 = 1 << 20;
    // SAFETY: mallopt(3) may be called at any time. It fails only for values that it does not know.
    unsafe { libc::mallopt(libc::M_MMAP_THRESHOLD, MEBIBYTE) };
}

/// Has freed blocks merged with their neighbours at once. Otherwise glibc puts small ones aside, and merges all of them whenever
/// a block of 64 KiB is freed: each request and each batch of spans has one. What a thread needs again soon is in a list of
/// its own in any case.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
#[expect(unsafe_code, reason = "there is no other way to say it to the allocator")]
pub(super) fn merge_at_once() {
    // SAFETY: mallopt(3) may be called at any time. 0 means that no size is put aside.
    unsafe { libc::mallopt(libc::M_MXFAST, 0) };
}

/// Has all threads share two heaps if the process's address space is limited. Otherwise each of up to eight heaps for a
/// core reserves 64 MiB, which may be half of what there is. Call it before there are threads.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
pub(super) fn save_address_space() {
    /// Less than this is little, in bytes: 1 TiB, in which the pool of a small component does not fit.
    const LITTLE: u64 = 1 << 40;
    let limit = rustix::process::getrlimit(rustix::process::Resource::As).current;
    if limit.is_some_and(|bytes| bytes < LITTLE) {
        share_heaps();
    }
}

/// Has all threads share two heaps. Call it before there are threads.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
#[expect(unsafe_code, reason = "there is no other way to say it to the allocator")]
pub(super) fn share_heaps() {
    // SAFETY: as above.
    unsafe { libc::mallopt(libc::M_ARENA_MAX, 2) };
}

#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
pub(super) fn return_large_blocks() {}

#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
pub(super) fn merge_at_once() {}

#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
pub(super) fn save_address_space() {}

#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
pub(super) fn share_heaps() {}
