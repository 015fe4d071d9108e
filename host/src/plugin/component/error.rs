//! Why a component cannot be run.

use std::path::PathBuf;
use std::sync::Arc;

use super::contract::ContractError;

/// Why there is no component to run. It is the answer to every call, so that the process lives to say it.
#[derive(Clone, Debug, thiserror::Error)]
pub(crate) enum LoadError {
    #[error("there is no component at {path}: {reason}; put the plugin's .wasm there")]
    Missing { path: PathBuf, reason: String },
    #[error("{component} cannot be used: {reason}")]
    Contract { component: String, reason: Arc<ContractError> },
    #[error("{component} cannot be used: {reason}")]
    Engine { component: String, reason: String },
    #[error("{component} does not say what it is: {reason}")]
    Describe { component: String, reason: String },
    #[error("the host failed while it loaded the component: {reason}")]
    Host { reason: String },
}
