//! Why a request got no response, or a response no end.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use super::origin::InvalidUrl;
use super::tls::BadPem;
use crate::net::ResolveError;

/// Each message is one level; `source` has the next. None contains a secret: paths and queries are left out.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("no grant for {authority}; {fault}add gpx_allow_hosts = {pattern} under [plugin.{plugin_id}]")]
    Denied { authority: String, fault: String, pattern: String, plugin_id: Arc<str> },
    #[error(
        "{address} of {authority} is prohibited ({kind}); add gpx_allow_hosts = {pattern} under [plugin.{plugin_id}]"
    )]
    AddressProhibited {
        authority: String,
        address: IpAddr,
        kind: &'static str,
        pattern: String,
        plugin_id: Arc<str>,
    },
    #[error(transparent)]
    InvalidUrl(#[from] InvalidUrl),
    #[error("the method CONNECT is not supported: a request may not open a tunnel")]
    Method,
    #[error(transparent)]
    Resolve(#[from] ResolveError),
    #[error("no connection to {authority} within {limit:?}")]
    ConnectTimeout { authority: String, limit: Duration },
    #[error("cannot connect to {address}")]
    Connect { address: SocketAddr, source: io::Error },
    #[error(transparent)]
    TlsSettings(BadPem),
    #[error("no TLS with {authority}")]
    Tls { authority: String, source: io::Error },
    #[error("no response from {authority} within {limit:?}")]
    ResponseTimeout { authority: String, limit: Duration },
    #[error("{authority} sent nothing more for {limit:?}")]
    ReadTimeout { authority: String, limit: Duration },
    #[error("{authority} closed the connection before the response was complete")]
    Closed { authority: String, source: hyper::Error },
    #[error("{authority} does not speak HTTP as expected")]
    Protocol { authority: String, source: hyper::Error },
    #[error("the request's body could not be sent to {authority}")]
    RequestBody { authority: String, source: hyper::Error },
    #[error("the gzip encoding of {authority}'s response is damaged")]
    Gzip { authority: String, source: io::Error },
    #[error("the response of {authority} is larger than {limit} bytes when decoded")]
    DecodedTooLarge { authority: String, limit: u64 },
}

// === impl Error ===

impl Error {
    /// Sorts an error of an exchange that was under way.
    pub(super) fn of_exchange(authority: &str, source: hyper::Error) -> Self {
        let authority = authority.to_owned();
        if source.is_user() {
            Self::RequestBody { authority, source }
        } else if is_closed(&source) {
            Self::Closed { authority, source }
        } else {
            Self::Protocol { authority, source }
        }
    }

    /// The message with those of its sources, for people.
    pub fn chain(&self) -> String {
        let mut text = self.to_string();
        let mut next = std::error::Error::source(self);
        while let Some(source) = next {
            text.push_str(": ");
            text.push_str(&source.to_string());
            next = source.source();
        }
        text
    }
}

fn is_closed(error: &hyper::Error) -> bool {
    let io = std::error::Error::source(error).and_then(|source| source.downcast_ref::<io::Error>());
    error.is_closed() || error.is_canceled() || error.is_incomplete_message() || io.is_some()
}
