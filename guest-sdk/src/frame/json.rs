//! How what a frame and its fields say becomes JSON.

use serde::Serialize;
use serde_json::Value;

use crate::{Fault, Result};

/// Returns any value as JSON.
pub(super) fn as_json(value: &impl Serialize) -> Result<Value> {
    serde_json::to_value(value).map_err(|error| {
        Fault::plugin(format_args!("a frame's custom data cannot be written as JSON: {error}"))
    })
}

/// Grafana leaves out what is empty.
pub(super) fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}
