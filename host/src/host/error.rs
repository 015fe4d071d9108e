//! What can go wrong with a host as a whole. What goes wrong with a call is said in its answer.

use crate::plugin::LoadError;

/// Why a host cannot do what it was asked to. Each message is one level; the source has the next.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    #[error("the component cannot be run")]
    Component(#[source] BoxError),
    #[error("the component cannot be compiled ahead of time")]
    Compile(#[source] BoxError),
    #[error("the plugin's host cannot be set up")]
    Setup(#[source] BoxError),
    #[error("the plugin cannot be served")]
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
