//! `gpx:plugin/cache`: values that the instances of one version of a data source share.

mod host;
mod shared;
#[cfg(test)]
mod tests;
mod values;

pub(crate) use self::host::{CacheView, HasCache};
#[expect(unreachable_pub, reason = "generated code exports it")]
pub use self::shared::CacheLoader;
pub(crate) use self::shared::{CacheSession, SharedCache};
