//! What is shown instead of some values.

use std::collections::BTreeMap;

use serde::Serialize;

use super::super::json::is_default;

/// What is shown instead of some values. Of several mappings that match, the first counts.
///
/// ```
/// use gpx_sdk::frame::{MappingResult, SpecialValue, ValueMapping};
///
/// let up = MappingResult::text("up").color("green");
/// let down = MappingResult::text("down").color("red");
/// let values = ValueMapping::values([("1", up), ("0", down)]);
/// let range = ValueMapping::range(100.0, None, MappingResult::text("a lot"));
/// let nothing = ValueMapping::special(SpecialValue::NullOrNaN, MappingResult::text("no data"));
/// ```
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(transparent)]
pub struct ValueMapping(Kind);

/// What is shown. Without a text, it is the value itself.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct MappingResult {
    #[serde(skip_serializing_if = "is_default")]
    text: String,
    #[serde(skip_serializing_if = "is_default")]
    color: String,
    #[serde(skip_serializing_if = "is_default")]
    index: i64,
}

/// A value that is no number or text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum SpecialValue {
    #[serde(rename = "true")]
    True,
    #[serde(rename = "false")]
    False,
    #[serde(rename = "null")]
    Null,
    #[serde(rename = "nan")]
    NaN,
    #[serde(rename = "null+nan")]
    NullOrNaN,
    /// The empty text.
    #[serde(rename = "empty")]
    Empty,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "type", content = "options", rename_all = "lowercase")]
enum Kind {
    Value(BTreeMap<String, MappingResult>),
    Range { from: Option<f64>, to: Option<f64>, result: MappingResult },
    Special { r#match: SpecialValue, result: MappingResult },
}

// === impl ValueMapping ===

impl ValueMapping {
    /// Maps values, written as text.
    pub fn values(results: impl IntoIterator<Item = (impl Into<String>, MappingResult)>) -> Self {
        Self(Kind::Value(results.into_iter().map(|(value, result)| (value.into(), result)).collect()))
    }

    /// Maps the numbers of a range that includes both ends. `None` is no end.
    pub fn range(from: impl Into<Option<f64>>, to: impl Into<Option<f64>>, result: MappingResult) -> Self {
        let finite = |end: Option<f64>| end.filter(|end| end.is_finite());
        Self(Kind::Range { from: finite(from.into()), to: finite(to.into()), result })
    }

    /// Maps values that are no numbers or texts.
    pub fn special(value: SpecialValue, result: MappingResult) -> Self {
        Self(Kind::Special { r#match: value, result })
    }
}

// === impl MappingResult ===

impl MappingResult {
    pub fn text(text: impl Into<String>) -> Self {
        Self { text: text.into(), ..Self::default() }
    }

    /// Sets a color: a name of Grafana's, such as `green`, or any color of CSS.
    pub fn color(mut self, color: impl Into<String>) -> Self {
        self.color = color.into();
        self
    }

    /// Sets the place among the mappings in Grafana's editor.
    pub fn index(mut self, index: i64) -> Self {
        self.index = index;
        self
    }
}
