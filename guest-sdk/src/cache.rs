//! Values that the instances of a data source share, such as a token that takes a request to get.
//!
//! Each call may run in an instance of its own, so what an instance keeps in its memory helps it alone. What is kept here is
//! there for all instances of the data source, and one of them gets it for all:
//!
//! ```
//! use std::time::Duration;
//!
//! use gpx_sdk::{Result, cache, http};
//!
//! /// Returns the names of all tables. Many calls at once send one request.
//! fn tables(url: &str) -> Result<Vec<String>> {
//!     cache::get_or_load("tables", || {
//!         let tables = http::get(url).path(["tables"]).send()?.json()?;
//!         Ok((tables, Duration::from_secs(60)))
//!     })
//! }
//! # use gpx_sdk::test::{self, Host, get};
//! # let host = Host::new();
//! # host.given(get("/tables")).once().respond(test::json(&["prices"]));
//! # assert_eq!([(); 2].map(|()| tables("http://prices.example").unwrap()), [["prices"], ["prices"]]);
//! ```
//!
//! For a token of the OAuth client credentials flow, see [`ClientCredentials`](crate::http::ClientCredentials).
//!
//! A value is kept as JSON, and can be of any type that serde knows. It belongs to one version of a data source: nobody else
//! sees it, and once the settings change, it is gone. It can vanish before its time to live is over, when memory is short or
//! when there are more than 1000 values or 4 MiB. The host does not log values.

use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::host::cache::{self as host, CacheError, Found};
use crate::{Fault, Result};

/// Returns a value that is kept. `None` also if it is of another type.
pub fn get<T: DeserializeOwned>(key: &str) -> Option<T> {
    serde_json::from_slice(&host::get(key)?).ok()
}

/// Keeps a value for a time. An earlier one under the same key is gone.
///
/// It is an error if the key has more than 512 bytes, the value more than 1 MiB as JSON, or if there is no memory for it.
pub fn set<T: Serialize + ?Sized>(key: &str, value: &T, time_to_live: Duration) -> Result<()> {
    host::set(key, &serde_json::to_vec(value)?, nanos(time_to_live)).map_err(|error| fault(key, error))
}

/// Forgets a value, for example a token that the upstream no longer takes.
pub fn remove(key: &str) {
    host::remove(key);
}

/// Returns a value that is kept, or loads it. `load` also says for how long to keep it.
///
/// Calls that want a value while another one loads it wait, as long as they may take, and get what that one has loaded,
/// even with a time to live of zero. If its `load` fails, only that call fails, and the next one loads.
///
/// `load` may get other values from the cache. It is an error if it would wait for itself by that, be it because it wants
/// the same value or because another call does and waits for this one. It is no error if the value is too large to be kept.
pub fn get_or_load<T: Serialize + DeserializeOwned>(
    key: &str,
    load: impl FnOnce() -> Result<(T, Duration)>,
) -> Result<T> {
    let loader = match next(key)? {
        Next::Value(value) => return Ok(value),
        Next::Loader(loader) => loader,
    };
    let (value, time_to_live) = load()?;
    // If it is refused, only others do without.
    let _ = loader.store(&serde_json::to_vec(&value)?, nanos(time_to_live));
    Ok(value)
}

enum Next<T> {
    Value(T),
    Loader(host::Loader),
}

/// Returns the value or the right to load it. One of another type is loaded anew.
fn next<T: DeserializeOwned>(key: &str) -> Result<Next<T>> {
    loop {
        match host::load(key).map_err(|error| fault(key, error))? {
            Found::Loader(loader) => return Ok(Next::Loader(loader)),
            Found::Value(value) => match serde_json::from_slice(&value) {
                Ok(value) => return Ok(Next::Value(value)),
                Err(_) => host::remove(key),
            },
        }
    }
}

/// Returns nanoseconds; 584 years are as good as more.
fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

fn fault(key: &str, error: CacheError) -> Fault {
    Fault::plugin(match error {
        CacheError::TooLarge => format!(
            "`{key:.64}` or its value is too large for the cache: use a key of up to 512 bytes, and a value of up to 1 MiB"
        ),
        CacheError::Full => {
            format!("the cache has no room for `{key:.64}`: keep less, or load fewer values at once")
        }
        CacheError::Circular => format!(
            "`{key:.64}` would wait for itself: do not load a value while it is being loaded, and load several in the same order everywhere"
        ),
        CacheError::Over => format!("`{key:.64}` was stored already"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_shows_the_beginning_of_a_key() {
        let key = format!("a{}", "ä".repeat(1000));
        for error in [CacheError::TooLarge, CacheError::Full, CacheError::Circular, CacheError::Over] {
            let message = fault(&key, error).message;
            assert!(message.contains(&format!("`a{}`", "ä".repeat(63))), "{message}");
        }
    }
}
