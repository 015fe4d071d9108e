//! Which calls go ahead of others: health checks. They tell people whether a data source works, so they must not wait for
//! what its slow queries hold. And which leave something to others: streams, which may hold what they have for ever.

/// Whether a call waits behind others.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Priority {
    #[default]
    Usual,
    /// It may also use what is kept for health checks.
    Ahead,
    /// It may last for ever, so all of its kind together get no more than a part.
    Lasting,
}

/// How many health checks of a data source or app go ahead at once, and how many connections beyond its own they may have
/// together. People and alerts check one at a time; more than a few at once are a flood, which waits like queries.
pub(crate) const HEALTH_CHECKS: usize = 4;

/// Returns how much of a capacity all that may last for ever gets: three of four parts. Queries need the rest.
pub(crate) fn lasting_part(capacity: usize) -> usize {
    capacity / 4 * 3
}
