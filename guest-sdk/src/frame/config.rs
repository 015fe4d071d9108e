//! What a field says about itself.

use serde::Serialize;
use serde_json::{Map, Value};

use super::json::{as_json, is_default};
use crate::{Fault, Result};

mod color;
mod link;
mod mapping;
mod threshold;

pub use color::{Color, ColorMode, SeriesBy};
pub use link::{InternalLink, Link, LinkTransformation};
pub use mapping::{MappingResult, SpecialValue, ValueMapping};
pub use threshold::{Step, ThresholdMode, Thresholds};

/// How Grafana shows a field, unless the panel says otherwise.
///
/// ```
/// use gpx_sdk::frame::{Color, FieldConfig, Link, MappingResult, Thresholds, ValueMapping};
///
/// let config = FieldConfig::new()
///     .unit("percent")
///     .decimals(1)
///     .min(0.0)
///     .max(100.0)
///     .thresholds(Thresholds::absolute("green").step(80.0, "orange").step(95.0, "red"))
///     .mapping(ValueMapping::values([("0", MappingResult::text("idle"))]))
///     .color(Color::fixed("blue"))
///     .link(Link::url("Runbook", "https://example.com/load").in_new_tab());
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct FieldConfig {
    #[serde(skip_serializing_if = "is_default")]
    display_name: String,
    #[serde(rename = "displayNameFromDS", skip_serializing_if = "is_default")]
    display_name_from_ds: String,
    #[serde(skip_serializing_if = "is_default")]
    path: String,
    #[serde(skip_serializing_if = "is_default")]
    description: String,
    #[serde(skip_serializing_if = "is_default")]
    filterable: Option<bool>,
    #[serde(skip_serializing_if = "is_default")]
    writeable: Option<bool>,
    #[serde(skip_serializing_if = "is_default")]
    unit: String,
    #[serde(skip_serializing_if = "is_default")]
    decimals: Option<u16>,
    #[serde(skip_serializing_if = "is_default")]
    min: Option<f64>,
    #[serde(skip_serializing_if = "is_default")]
    max: Option<f64>,
    #[serde(skip_serializing_if = "is_default")]
    interval: Option<f64>,
    #[serde(skip_serializing_if = "is_default")]
    mappings: Vec<ValueMapping>,
    #[serde(skip_serializing_if = "is_default")]
    thresholds: Option<Thresholds>,
    #[serde(skip_serializing_if = "is_default")]
    color: Option<Color>,
    #[serde(skip_serializing_if = "is_default")]
    links: Vec<Link>,
    #[serde(skip_serializing_if = "is_default")]
    no_value: String,
    #[serde(rename = "type", skip_serializing_if = "is_default")]
    of_type: Option<OfType>,
    #[serde(skip_serializing_if = "is_default")]
    custom: Map<String, Value>,
}

/// The names behind the indices of a field of [`Enumeration`](super::Enumeration)s.
///
/// ```
/// use gpx_sdk::frame::{EnumConfig, FieldConfig};
///
/// let short = FieldConfig::new().enumeration(["off", "on"]);
/// let long = FieldConfig::new().enumeration(EnumConfig::from(["off", "on"]).colors(["red", "green"]));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct EnumConfig {
    text: Vec<String>,
    #[serde(skip_serializing_if = "is_default")]
    color: Vec<String>,
    #[serde(skip_serializing_if = "is_default")]
    icon: Vec<String>,
    #[serde(skip_serializing_if = "is_default")]
    description: Vec<String>,
}

/// What only fields of one type have.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
enum OfType {
    Enum(EnumConfig),
}

// === impl FieldConfig ===

impl FieldConfig {
    /// Says nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the name that is shown, whatever the user's settings. Prefer
    /// [`display_name_from_ds`](Self::display_name_from_ds).
    pub fn display_name(mut self, name: impl Into<String>) -> Self {
        self.display_name = name.into();
        self
    }

    /// Sets the name that is shown instead of the one that Grafana makes of the field's name and labels.
    pub fn display_name_from_ds(mut self, name: impl Into<String>) -> Self {
        self.display_name_from_ds = name.into();
        self
    }

    /// Sets the path to the field in the data source.
    pub fn path(mut self, path: impl Into<String>) -> Self {
        self.path = path.into();
        self
    }

    /// Sets a description for people.
    pub fn description(mut self, description: impl Into<String>) -> Self {
        self.description = description.into();
        self
    }

    /// Sets whether the data source can filter by the field's values.
    pub fn filterable(mut self, filterable: bool) -> Self {
        self.filterable = Some(filterable);
        self
    }

    /// Sets whether the data source can change the field's values.
    pub fn writeable(mut self, writeable: bool) -> Self {
        self.writeable = Some(writeable);
        self
    }

    /// Sets the unit of the values: one of Grafana's, such as `percent`, `bytes`, `ms` or `reqps`, or any text that is
    /// shown after the number.
    pub fn unit(mut self, unit: impl Into<String>) -> Self {
        self.unit = unit.into();
        self
    }

    /// Sets how many digits are shown after the point. By default, Grafana decides for each value.
    pub fn decimals(mut self, decimals: u16) -> Self {
        self.decimals = Some(decimals);
        self
    }

    /// Sets the least value that can be expected. Without it, or if it is not finite, Grafana takes the least that the
    /// field has.
    pub fn min(mut self, min: f64) -> Self {
        self.min = Some(min).filter(|min| min.is_finite());
        self
    }

    /// Sets the greatest value that can be expected. Without it, or if it is not finite, Grafana takes the greatest that
    /// the field has.
    pub fn max(mut self, max: f64) -> Self {
        self.max = Some(max).filter(|max| max.is_finite());
        self
    }

    /// Sets the regular step between the values, by which Grafana finds gaps: in the field's own unit, and in
    /// milliseconds for times. If it is not finite, there is none.
    pub fn interval(mut self, interval: f64) -> Self {
        self.interval = Some(interval).filter(|interval| interval.is_finite());
        self
    }

    /// Adds what is shown instead of some values.
    pub fn mapping(mut self, mapping: ValueMapping) -> Self {
        self.mappings.push(mapping);
        self
    }

    /// Sets from which value on another color is used.
    pub fn thresholds(mut self, thresholds: Thresholds) -> Self {
        self.thresholds = Some(thresholds);
        self
    }

    /// Sets the color of the field or of its values.
    pub fn color(mut self, color: Color) -> Self {
        self.color = Some(color);
        self
    }

    /// Adds a link to the field's values.
    pub fn link(mut self, link: Link) -> Self {
        self.links.push(link);
        self
    }

    /// Sets what is shown instead of nothing.
    pub fn no_value(mut self, text: impl Into<String>) -> Self {
        self.no_value = text.into();
        self
    }

    /// Sets the names of an enumeration.
    pub fn enumeration(mut self, names: impl Into<EnumConfig>) -> Self {
        self.of_type = Some(OfType::Enum(names.into()));
        self
    }

    /// Sets options of panels: whatever serializes to a JSON object.
    pub fn custom(mut self, custom: &impl Serialize) -> Result<Self> {
        match as_json(custom)? {
            Value::Object(custom) => self.custom = custom,
            _ => return Err(Fault::plugin("the custom options of a field are not a JSON object")),
        }
        Ok(self)
    }

    /// Takes the name of another config if this one has none.
    pub(super) fn or_named_like(mut self, other: Self) -> Self {
        if self.display_name.is_empty() {
            self.display_name = other.display_name;
        }
        self
    }
}

// === impl EnumConfig ===

impl EnumConfig {
    /// Names for the indices from 0 on.
    pub fn new(names: impl IntoIterator<Item: Into<String>>) -> Self {
        Self { text: texts(names), ..Self::default() }
    }

    /// Sets a color for each index. An empty one is none.
    pub fn colors(mut self, colors: impl IntoIterator<Item: Into<String>>) -> Self {
        self.color = texts(colors);
        self
    }

    /// Sets an icon for each index. An empty one is none.
    pub fn icons(mut self, icons: impl IntoIterator<Item: Into<String>>) -> Self {
        self.icon = texts(icons);
        self
    }

    /// Sets a description for each index.
    pub fn descriptions(mut self, descriptions: impl IntoIterator<Item: Into<String>>) -> Self {
        self.description = texts(descriptions);
        self
    }
}

impl<I: IntoIterator<Item: Into<String>>> From<I> for EnumConfig {
    fn from(names: I) -> Self {
        Self::new(names)
    }
}

fn texts(texts: impl IntoIterator<Item: Into<String>>) -> Vec<String> {
    texts.into_iter().map(Into::into).collect()
}
