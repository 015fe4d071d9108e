//! From which value on another color is used.

use serde::Serialize;

use super::super::json::is_default;

/// Colors for values from certain values on, in ascending order.
///
/// ```
/// use gpx_sdk::frame::{Step, Thresholds};
///
/// let thresholds = Thresholds::absolute("green").step(80.0, "orange").with(Step::new(95.0, "red").state("High"));
/// ```
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Thresholds {
    mode: ThresholdMode,
    steps: Vec<Step>,
}

/// What the values of the steps are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ThresholdMode {
    /// Values of the field.
    #[default]
    Absolute,
    /// Percent of the way from the field's minimum to its maximum.
    Percentage,
}

/// A color from a value on: a name of Grafana's, such as `green` or `dark-red`, or any color of CSS.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Step {
    /// None for all that is less than the first value.
    value: Option<f64>,
    #[serde(skip_serializing_if = "is_default")]
    color: String,
    #[serde(skip_serializing_if = "is_default")]
    state: String,
}

// === impl Thresholds ===

impl Thresholds {
    /// All values have this color until a step is added.
    pub fn new(mode: ThresholdMode, color: impl Into<String>) -> Self {
        Self { mode, steps: vec![Step { value: None, color: color.into(), state: String::new() }] }
    }

    /// Steps at values of the field.
    pub fn absolute(color: impl Into<String>) -> Self {
        Self::new(ThresholdMode::Absolute, color)
    }

    /// Steps at percentages, from 0 to 100.
    pub fn percentage(color: impl Into<String>) -> Self {
        Self::new(ThresholdMode::Percentage, color)
    }

    /// Adds a color from a value on.
    pub fn step(self, value: f64, color: impl Into<String>) -> Self {
        self.with(Step::new(value, color))
    }

    /// Adds a step. One whose value is not finite is left out.
    pub fn with(mut self, step: Step) -> Self {
        if let Some(value) = step.value {
            let at = self.steps.partition_point(|before| before.value.is_none_or(|before| before <= value));
            self.steps.insert(at, step);
        }
        self
    }
}

// === impl Step ===

impl Step {
    pub fn new(value: f64, color: impl Into<String>) -> Self {
        Self {
            value: Some(value).filter(|value| value.is_finite()),
            color: color.into(),
            state: String::new(),
        }
    }

    /// Names the state of the values from here on, such as `OK` or `High`.
    pub fn state(mut self, state: impl Into<String>) -> Self {
        self.state = state.into();
        self
    }
}
