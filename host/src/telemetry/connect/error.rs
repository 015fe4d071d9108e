//! Why there is no connection to the collector. Each message is one level; `source` has the next.

use std::io;
use std::path::PathBuf;

use crate::config::Origin;
use crate::net::{ResolveError, UnreadableCaFile};

#[derive(Debug, thiserror::Error)]
pub(in crate::telemetry) enum ConnectError {
    #[error("the collector's address has no host")]
    Address,
    #[error(transparent)]
    Resolve(#[from] ResolveError),
    #[error("cannot connect to {authority}")]
    Tcp { authority: String, source: io::Error },
    #[error(transparent)]
    Files(#[from] TlsFileError),
    #[error("the TLS handshake with {host} failed")]
    Tls { host: String, source: io::Error },
}

/// A file of the operator's settings for TLS that cannot be used. `key` is the setting that names it.
#[derive(Debug, thiserror::Error)]
pub(in crate::telemetry) enum TlsFileError {
    #[error("{key}: cannot read {}", path.display())]
    Read { key: Origin, path: PathBuf, source: io::Error },
    #[error("{key}: {} has no {what} in PEM", path.display())]
    Content { key: Origin, path: PathBuf, what: &'static str },
    #[error("the client certificate and its key do not fit together, or are of a kind that TLS cannot use")]
    Identity(#[source] rustls::Error),
    #[error(transparent)]
    Roots(#[from] UnreadableCaFile),
    #[error("TLS cannot be configured")]
    Tls(#[source] rustls::Error),
}
