//! The plugin's part of a query, as the editor saves it, and how an older one is read.
//!
//! Version 1 is `{"version": 1, "multiplier": N}`; before versions were counted it was `{"multiply": N}`. Both are read,
//! the current one is written. What else a query holds, such as its refId, is Grafana's and stays with the editor.

use serde::{Deserialize, Serialize};

#[derive(Debug, Deserialize, Serialize)]
#[serde(from = "Saved")]
pub struct Model {
    version: u32,
    /// What the service multiplies each value by. 0 if a query says nothing of it.
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
