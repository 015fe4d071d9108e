//! `gpx:plugin/cache`, function by function.

use std::time::Duration;

use wasmtime::Result;
use wasmtime::component::{HasData, Resource, ResourceTable};

use super::shared::{CacheLoader, CacheSession, CannotCache, Loading};
use crate::budget::Upstream;
use crate::capability::bindings::gpx::plugin::cache::{CacheError, Found, Host, HostLoader};

/// The part of a store that this interface works on.
pub(crate) struct CacheView<'a> {
    pub session: &'a CacheSession,
    pub table: &'a mut ResourceTable,
    /// Whoever waits for another call's value waits for what that call waits for.
    pub upstream: Upstream,
}

/// Names [`CacheView`] for the linker.
pub(crate) struct HasCache;

impl HasData for HasCache {
    type Data<'a> = CacheView<'a>;
}

impl Host for CacheView<'_> {
    fn get(&mut self, key: String) -> Result<Option<Vec<u8>>> {
        Ok(self.session.get(&key).map(|value| value.to_vec()))
    }

    fn set(
        &mut self,
        key: String,
        value: Vec<u8>,
        time_to_live: u64,
    ) -> Result<std::result::Result<(), CacheError>> {
        Ok(self.session.set(&key, value, Duration::from_nanos(time_to_live)).map_err(CacheError::from))
    }

    fn remove(&mut self, key: String) -> Result<()> {
        self.session.remove(&key);
        Ok(())
    }

    async fn load(&mut self, key: String) -> Result<std::result::Result<Found, CacheError>> {
        let loading = self.session.load(&key, || self.upstream.wait()).await;
        Ok(match loading {
            Ok(Loading::Value(value)) => Ok(Found::Value(value.to_vec())),
            Ok(Loading::Loader(loader)) => Ok(Found::Loader(self.table.push(loader)?)),
            Err(error) => Err(error.into()),
        })
    }
}

impl HostLoader for CacheView<'_> {
    fn store(
        &mut self,
        loader: Resource<CacheLoader>,
        value: Vec<u8>,
        time_to_live: u64,
    ) -> Result<std::result::Result<(), CacheError>> {
        let loader = self.table.get(&loader)?;
        Ok(loader.store(value, Duration::from_nanos(time_to_live)).map_err(CacheError::from))
    }

    fn drop(&mut self, loader: Resource<CacheLoader>) -> Result<()> {
        self.table.delete(loader)?;
        Ok(())
    }
}

impl From<CannotCache> for CacheError {
    fn from(error: CannotCache) -> Self {
        match error {
            CannotCache::TooLarge => Self::TooLarge,
            CannotCache::Full => Self::Full,
            CannotCache::Circular => Self::Circular,
            CannotCache::Over => Self::Over,
        }
    }
}
