//! Why a component cannot be run.

use std::path::PathBuf;
use std::sync::Arc;

use super::contract::ContractError;

/// Why there is no component to run. It is the answer to every call: the process keeps running to report it.
#[derive(Clone, Debug, thiserror::Error)]
pub(crate) enum LoadError {
    #[error("there is no component at {path}: {reason}; put the plugin's .wasm there")]
    Missing { path: PathBuf, reason: String },
    #[error("{component} cannot be used: {reason}")]
    Contract { component: String, reason: Arc<ContractError> },
    #[error("{component} cannot be used: {reason}")]
    Engine { component: String, reason: String },
    #[error("{component} cannot describe itself: {reason}")]
    Describe { component: String, reason: String },
    #[error("the host failed while loading the component: {reason}")]
    Host { reason: String },
}
