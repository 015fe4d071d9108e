//! A value, and where it comes from.

use std::fmt;
use std::ops::Deref;

/// Where a value comes from, in the words in which an operator finds it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Origin {
    /// A key of the plugin's section in grafana.ini.
    Plugin(&'static str),
    /// A key of Grafana's own configuration, with its section.
    Grafana(&'static str),
    /// A standard variable of OpenTelemetry, `OTEL_…`.
    Otel(&'static str),
    /// Nobody gave the value.
    #[default]
    Default,
}

/// A value with its origin.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Given<T> {
    pub value: T,
    pub origin: Origin,
}

/// A text that is never printed.
#[derive(Clone, Default, PartialEq, Eq)]
pub(crate) struct Secret(pub String);

// === impl Origin ===

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Plugin(key) | Self::Grafana(key) | Self::Otel(key) => f.write_str(key),
            Self::Default => f.write_str("default"),
        }
    }
}

// === impl Given ===

impl<T> Given<T> {
    /// Returns a value that nobody gave.
    pub(crate) fn default_of(value: T) -> Self {
        Self { value, origin: Origin::Default }
    }

    /// Returns another value of the same origin.
    pub(crate) fn with<U>(&self, value: U) -> Given<U> {
        Given { value, origin: self.origin }
    }
}

impl<T> Deref for Given<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

// === impl Secret ===

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}
