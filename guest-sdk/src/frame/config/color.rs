//! The color of a field or of its values.

use serde::Serialize;

use super::super::json::is_default;

/// How a field is colored.
///
/// ```
/// use gpx_sdk::frame::{Color, ColorMode, SeriesBy};
///
/// let blue = Color::fixed("blue");
/// let by_value = Color::new(ColorMode::ContinuousGrYlRd).series_by(SeriesBy::Max);
/// ```
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Color {
    mode: ColorMode,
    #[serde(skip_serializing_if = "is_default")]
    fixed_color: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    series_by: Option<SeriesBy>,
}

/// Where colors come from. The names of continuous schemes are their colors, from the least value to the greatest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub enum ColorMode {
    /// From the field's thresholds.
    #[serde(rename = "thresholds")]
    Thresholds,
    /// A color of the palette for each series, in order.
    #[serde(rename = "palette-classic")]
    PaletteClassic,
    /// A color of the palette for each series, by its name.
    #[serde(rename = "palette-classic-by-name")]
    PaletteClassicByName,
    #[serde(rename = "continuous-GrYlRd")]
    ContinuousGrYlRd,
    #[serde(rename = "continuous-RdYlGr")]
    ContinuousRdYlGr,
    #[serde(rename = "continuous-BlYlRd")]
    ContinuousBlYlRd,
    #[serde(rename = "continuous-YlRd")]
    ContinuousYlRd,
    #[serde(rename = "continuous-BlPu")]
    ContinuousBlPu,
    #[serde(rename = "continuous-YlBl")]
    ContinuousYlBl,
    #[serde(rename = "continuous-blues")]
    ContinuousBlues,
    #[serde(rename = "continuous-reds")]
    ContinuousReds,
    #[serde(rename = "continuous-greens")]
    ContinuousGreens,
    #[serde(rename = "continuous-purples")]
    ContinuousPurples,
    #[serde(rename = "continuous-viridis")]
    ContinuousViridis,
    #[serde(rename = "continuous-magma")]
    ContinuousMagma,
    #[serde(rename = "continuous-plasma")]
    ContinuousPlasma,
    #[serde(rename = "continuous-inferno")]
    ContinuousInferno,
    #[serde(rename = "continuous-cividis")]
    ContinuousCividis,
    /// One color for all.
    #[serde(rename = "fixed")]
    Fixed,
    /// Shades of one color.
    #[serde(rename = "shades")]
    Shades,
}

/// The value of a series that decides its color.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum SeriesBy {
    Min,
    Max,
    Last,
}

// === impl Color ===

impl Color {
    pub fn new(mode: ColorMode) -> Self {
        Self { mode, fixed_color: String::new(), series_by: None }
    }

    /// One color for all: a name of Grafana's, such as `green`, or any color of CSS.
    pub fn fixed(color: impl Into<String>) -> Self {
        Self { fixed_color: color.into(), ..Self::new(ColorMode::Fixed) }
    }

    /// Shades of one color.
    pub fn shades(color: impl Into<String>) -> Self {
        Self { fixed_color: color.into(), ..Self::new(ColorMode::Shades) }
    }

    /// Sets which value of a series decides, if its color depends on values.
    pub fn series_by(mut self, series_by: SeriesBy) -> Self {
        self.series_by = Some(series_by);
        self
    }
}
