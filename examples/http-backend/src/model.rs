//! The plugin's part of a query, as the editor saves it, and how older versions are read.
//!
//! Version 1 is `{"version": 1, "multiplier": N}`; before there were versions, it was `{"multiply": N}`. Both can be
//! read, and the current one is written. Other properties of a query, such as the refId, belong to Grafana; the editor
//! keeps them.

use serde::{Deserialize, Serialize};

#[derive(Debug, Deserialize, Serialize)]
#[serde(from = "Saved")]
pub struct Model {
    version: u32,
    /// The service multiplies each value by this. 0 if a query does not set it.
    pub multiplier: i64,
}

/// A query of any version.
#[derive(Deserialize)]
struct Saved {
    multiplier: Option<i64>,
    multiply: Option<i64>,
}

impl From<Saved> for Model {
    fn from(saved: Saved) -> Self {
        Self { version: 1, multiplier: saved.multiplier.or(saved.multiply).unwrap_or_default() }
    }
}
