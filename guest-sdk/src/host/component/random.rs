//! Random numbers of the host.

pub(crate) fn number() -> u64 {
    wasip2::random::random::get_random_u64()
}
