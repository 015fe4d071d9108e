//! The labels that tell series of one metric apart.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::bindings::base::gpx::plugin::frames as wit;

/// Names and values, such as `host="a"`. They can be read from a JSON object, and made of every collection of pairs. If a
/// name comes twice, the last value counts.
///
/// ```
/// use std::collections::HashMap;
/// use gpx_sdk::frame::Labels;
///
/// let labels = Labels::from([("host", "a"), ("zone", "b")]);
/// assert_eq!(labels.get("host"), Some("a"));
/// assert_eq!(labels, HashMap::from([("zone", "b"), ("host", "a")]).into());
/// assert_eq!(labels, serde_json::from_str(r#"{"host":"a","zone":"b"}"#)?);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Labels(BTreeMap<String, String>);

// === impl Labels ===

impl Labels {
    /// Makes an empty set of labels.
    pub fn new() -> Self {
        Self::default()
    }

    pub(super) fn of(field: &wit::Field) -> Self {
        let labels = field.labels.iter().flatten();
        Self(labels.map(|label| (label.name.clone(), label.value.clone())).collect())
    }

    /// Sets a label.
    pub fn with(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.0.insert(name.into(), value.into());
        self
    }

    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// Returns them in the order of their names.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    pub(crate) fn into_iter(self) -> impl Iterator<Item = (String, String)> {
        self.0.into_iter()
    }
}

impl<I, N, V> From<I> for Labels
where
    I: IntoIterator<Item = (N, V)>,
    N: Into<String>,
    V: Into<String>,
{
    fn from(pairs: I) -> Self {
        Self(pairs.into_iter().map(|(name, value)| (name.into(), value.into())).collect())
    }
}

/// ` {host="a"}`, as it follows a name; nothing if there are none.
impl fmt::Display for Labels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, (name, value)) in self.iter().enumerate() {
            f.write_str(if number == 0 { " {" } else { ", " })?;
            write!(f, "{name}={value:?}")?;
        }
        f.write_str(if self.0.is_empty() { "" } else { "}" })
    }
}
