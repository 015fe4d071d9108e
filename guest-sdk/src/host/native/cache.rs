//! The cache of the data source that a test makes, with the limits of the contract. A test has one call at a time, so nobody
//! waits for a value.

use std::rc::Rc;

use super::fake::{Fake, Kept, needed};

pub(crate) use crate::bindings::base::gpx::plugin::cache::CacheError;

/// Bytes of a key and of a value.
const MAX_KEY: usize = 512;
const MAX_VALUE: usize = 1 << 20;

pub(crate) enum Found {
    Value(Vec<u8>),
    Loader(Loader),
}

/// The right to load a value, until it is dropped.
pub(crate) struct Loader {
    fake: Rc<Fake>,
    key: String,
}

pub(crate) fn get(key: &str) -> Option<Vec<u8>> {
    let fake = needed("the cache");
    let kept = fake.kept.borrow();
    kept.get(key).filter(|kept| kept.until > fake.now.get()).map(|kept| kept.value.clone())
}

pub(crate) fn set(key: &str, value: &[u8], time_to_live: u64) -> Result<(), CacheError> {
    keep(&needed("the cache"), key, value, time_to_live)
}

pub(crate) fn remove(key: &str) {
    needed("the cache").kept.borrow_mut().remove(key);
}

pub(crate) fn load(key: &str) -> Result<Found, CacheError> {
    if key.len() > MAX_KEY {
        return Err(CacheError::TooLarge);
    }
    if let Some(value) = get(key) {
        return Ok(Found::Value(value));
    }
    let fake = needed("the cache");
    if fake.loading.borrow().iter().any(|loading| loading == key) {
        return Err(CacheError::Circular);
    }
    fake.loading.borrow_mut().push(key.to_owned());
    Ok(Found::Loader(Loader { fake, key: key.to_owned() }))
}

fn keep(fake: &Fake, key: &str, value: &[u8], time_to_live: u64) -> Result<(), CacheError> {
    fake.kept.borrow_mut().remove(key);
    if key.len() > MAX_KEY || value.len() > MAX_VALUE {
        return Err(CacheError::TooLarge);
    }
    let kept = Kept { value: value.to_vec(), until: fake.now.get().saturating_add(time_to_live) };
    fake.kept.borrow_mut().insert(key.to_owned(), kept);
    Ok(())
}

// === impl Loader ===

impl Loader {
    pub(crate) fn store(&self, value: &[u8], time_to_live: u64) -> Result<(), CacheError> {
        keep(&self.fake, &self.key, value, time_to_live)
    }
}

impl Drop for Loader {
    fn drop(&mut self) {
        self.fake.loading.borrow_mut().retain(|loading| *loading != self.key);
    }
}
