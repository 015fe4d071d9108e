//! Why a request could not be signed.

use std::error::Error;
use std::io;

/// Why a request for credentials has no answer. Its type has these errors among its own sources, so it is not named here.
type ErrandFailure = Box<dyn Error + Send + Sync>;

/// Why there are no credentials. None of the messages contains one.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CredentialsError {
    #[error("{what} cannot be asked for AWS credentials")]
    Request { what: &'static str, source: ErrandFailure },
    #[error("{what} gives no AWS credentials: {answer}")]
    Refused { what: &'static str, answer: String },
    #[error("the answer of {what} cannot be read as AWS credentials")]
    Answer { what: &'static str },
    #[error(
        "the plugin's environment has no AWS credentials, and neither has the machine; set sigV4AuthType to keys, or let \
         Grafana pass AWS_ variables on (forward_settings_to_plugins under [aws], or forward_host_env_vars under [plugins])"
    )]
    Nowhere { source: ErrandFailure },
    #[error(
        "the path of the shared credentials file is not known; let Grafana pass AWS_SHARED_CREDENTIALS_FILE on \
         (forward_host_env_vars under [plugins])"
    )]
    NoFile,
    #[error("{what} cannot be read")]
    File { what: &'static str, source: io::Error },
    #[error(
        "the shared credentials file has no keys for the profile `{profile}`; add them, or correct sigV4Profile"
    )]
    NoProfile { profile: String },
    #[error("{name} is not a URL that requests can be sent to; correct it")]
    Url { name: &'static str },
}

/// Why a request cannot have a signature that its receiver would compute, too.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Unsignable {
    #[error("the query of a request that is signed must be UTF-8; encode it as such")]
    Query,
    #[error("the request's URL is too long once it is encoded for its signature; make it shorter")]
    Url(#[from] http::uri::InvalidUri),
    #[error("the request's body ended before it was complete")]
    Body,
    #[error("the request cannot be signed")]
    Other(#[from] aws_sigv4::http_request::SigningError),
    #[error("the request cannot be signed: {0}")]
    Parameters(String),
}
