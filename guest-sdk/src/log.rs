//! Lines in Grafana's log. The host adds the plugin, the endpoint, the trace id, the data source and the user.
//!
//! ```no_run
//! # let rows = 3;
//! gpx_sdk::log::debug!("rows read", "rows" = rows, "cached" = false);
//! ```

use crate::Attribute;
use crate::host::log;

pub use crate::bindings::base::gpx::plugin::log::Level;
#[doc(inline)]
pub use crate::{__debug as debug, __error as error, __info as info, __trace as trace, __warn as warn};

/// Logs a line at a level that is known only at run time. Otherwise one of the macros is shorter.
pub fn log(level: Level, message: &str, attributes: &[Attribute]) {
    log::log(level, message, attributes);
}

/// Logs at level trace: `trace!("message", "key" = value, …)`.
#[doc(hidden)]
#[macro_export]
macro_rules! __trace {
    ($message:expr $(, $key:literal = $value:expr)* $(,)?) => {
        $crate::log::log($crate::log::Level::Trace, $message, &$crate::attributes!($($key = $value),*))
    };
}

/// Logs at level debug: `debug!("message", "key" = value, …)`.
#[doc(hidden)]
#[macro_export]
macro_rules! __debug {
    ($message:expr $(, $key:literal = $value:expr)* $(,)?) => {
        $crate::log::log($crate::log::Level::Debug, $message, &$crate::attributes!($($key = $value),*))
    };
}

/// Logs at level info: `info!("message", "key" = value, …)`.
#[doc(hidden)]
#[macro_export]
macro_rules! __info {
    ($message:expr $(, $key:literal = $value:expr)* $(,)?) => {
        $crate::log::log($crate::log::Level::Info, $message, &$crate::attributes!($($key = $value),*))
    };
}

/// Logs at level warn: `warn!("message", "key" = value, …)`.
#[doc(hidden)]
#[macro_export]
macro_rules! __warn {
    ($message:expr $(, $key:literal = $value:expr)* $(,)?) => {
        $crate::log::log($crate::log::Level::Warn, $message, &$crate::attributes!($($key = $value),*))
    };
}

/// Logs at level error: `error!("message", "key" = value, …)`.
#[doc(hidden)]
#[macro_export]
macro_rules! __error {
    ($message:expr $(, $key:literal = $value:expr)* $(,)?) => {
        $crate::log::log($crate::log::Level::Error, $message, &$crate::attributes!($($key = $value),*))
    };
}
