//! How a call ended, as Grafana's metrics, logs and spans describe it.

/// How a call ended, as Grafana's metrics, logs and spans describe it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Outcome {
    pub status: RequestStatus,
    pub source: ErrorSource,
    /// Set if the call as a whole failed, not just some of its queries.
    pub error: Option<String>,
}

/// The three values of `request_status`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RequestStatus {
    Ok,
    Cancelled,
    Error,
}

/// Who is to blame for an error.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum ErrorSource {
    #[default]
    Plugin,
    Downstream,
}

// === impl Outcome ===

impl Outcome {
    pub(crate) const OK: Self = Self { status: RequestStatus::Ok, source: ErrorSource::Plugin, error: None };
    /// The plugin did not cause it, so the source is downstream, as in Go.
    pub(crate) const CANCELLED: Self =
        Self { status: RequestStatus::Cancelled, source: ErrorSource::Downstream, error: None };

    /// Returns the outcome of a call that failed as a whole.
    pub(crate) fn failed(source: ErrorSource, error: String) -> Self {
        Self { status: RequestStatus::Error, source, error: Some(error) }
    }

    /// Returns the outcome of a request from the sources of its parts' errors. Downstream is to blame only if nothing
    /// else is.
    pub(crate) fn of_parts(errors: impl IntoIterator<Item = ErrorSource>) -> Self {
        let mut outcome = Self::OK;
        errors.into_iter().for_each(|source| outcome.add_error(source));
        outcome
    }

    /// Adds the error of a part.
    pub(crate) fn add_error(&mut self, source: ErrorSource) {
        if self.status != RequestStatus::Error || source == ErrorSource::Plugin {
            *self = Self { status: RequestStatus::Error, source, error: None };
        }
    }
}

// === impl RequestStatus ===

impl RequestStatus {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Cancelled => "cancelled",
            Self::Error => "error",
        }
    }
}

// === impl ErrorSource ===

impl ErrorSource {
    /// Returns who is to blame for a call that took too long.
    pub(crate) fn of_delay(waited_for_upstream: bool) -> Self {
        if waited_for_upstream { Self::Downstream } else { Self::Plugin }
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Plugin => "plugin",
            Self::Downstream => "downstream",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn downstream_is_to_blame_only_if_nothing_else_is() {
        use ErrorSource::{Downstream, Plugin};
        let source = |errors: &[ErrorSource]| Outcome::of_parts(errors.iter().copied()).source;
        assert_eq!(Outcome::of_parts([]), Outcome::OK);
        assert_eq!(source(&[Downstream, Downstream]), Downstream);
        assert_eq!(source(&[Downstream, Plugin]), Plugin);
        assert_eq!(source(&[Plugin, Downstream]), Plugin);
    }
}
