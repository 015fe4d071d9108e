//! Errors of a host as a whole. An error of a single call is reported in its answer.

use crate::plugin::LoadError;

/// Why a host failed as a whole. An error of a single call is reported in its answer instead.
///
/// Each message describes one level only, and [`source`](std::error::Error::source) has the next one. The messages are
/// for the operator and name the remedy where there is one. The executable logs the whole chain; an embedding program
/// can distinguish what failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The component cannot be loaded: it is missing, it is not a component of the contract, it does not compile, or it
    /// does not describe itself. Returned by [`Host::loaded`](super::Host::loaded) and
    /// [`Host::replace`](super::Host::replace).
    #[error("cannot run the component")]
    Component(#[source] BoxError),
    /// Returned by [`Component::compile_ahead`](crate::Component::compile_ahead).
    #[error("cannot compile the component ahead of time")]
    Compile(#[source] BoxError),
    /// Returned by [`Builder::build`](super::Builder::build): no tokio runtime is running, or the log's thread cannot start.
    #[error("cannot set up the plugin's host")]
    Setup(#[source] BoxError),
    /// Returned by [`Host::serve`](super::Host::serve).
    #[error("cannot serve the plugin")]
    Serve(#[source] BoxError),
}

pub(super) type BoxError = Box<dyn std::error::Error + Send + Sync>;

// === impl Error ===

impl Error {
    pub(crate) fn component(error: LoadError) -> Self {
        Self::Component(error.into())
    }

    pub(crate) fn setup(error: impl Into<BoxError>) -> Self {
        Self::Setup(error.into())
    }

    pub(crate) fn serve(error: impl Into<BoxError>) -> Self {
        Self::Serve(error.into())
    }
}
