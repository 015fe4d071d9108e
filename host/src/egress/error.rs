//! Why a request got no response, or a response was cut short.

mod certificate;
mod kind;
mod proxy;
#[cfg(test)]
mod tests;

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

pub(crate) use self::certificate::CertificateFault;
pub(in crate::egress) use self::certificate::{CertificateOwner, IssuerNotValid};
pub(crate) use self::kind::RequestErrorKind;
use super::limits::{MAX_HEAD, MAX_HEADERS, MAX_HEADS, MAX_HTTP2_HEAD};
use super::origin::InvalidUrl;
use super::proxy::{BadProxy, ProxyFailure};
use super::settings::{BadHeaders, BadSecretHeader, BadSigV4, JsonDataFault, TlsFault};
use super::sigv4::{CredentialsError, Unsignable};
use crate::budget::Refused;
use crate::har::Failure;
use crate::net::{ResolveError, UnreadableCaFile, files};
use crate::tape::NotRecorded;

/// Each message is one level; `source` has the next. None contains a secret: queries are omitted, and paths
/// too, except where the operator must know them to grant them.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RequestError {
    #[error("no grant for {authority}; {fault}add gpx_allow_hosts = {pattern} under [plugin.{plugin_id}]")]
    Denied { authority: String, fault: String, pattern: String, plugin_id: Arc<str> },
    #[error(
        "the request's path on {authority} is not below {pinned}, the path of the data source's URL; {remedy}"
    )]
    PathDenied { authority: String, pinned: String, remedy: String },
    #[error(
        "{address} of {authority} is prohibited ({kind}{rule}); add gpx_allow_hosts = {pattern} under [plugin.{plugin_id}]"
    )]
    AddressProhibited {
        authority: String,
        address: IpAddr,
        kind: &'static str,
        /// The operator's rule, after a comma, if it is one.
        rule: &'static str,
        pattern: String,
        plugin_id: Arc<str>,
    },
    #[error(
        "{authority} is prohibited through a proxy ({kind}{rule}); add gpx_allow_hosts = {pattern} under [plugin.{plugin_id}]"
    )]
    NameProhibited {
        authority: String,
        kind: &'static str,
        /// The operator's rule, after a comma, if it is one.
        rule: &'static str,
        pattern: String,
        plugin_id: Arc<str>,
    },
    #[error(transparent)]
    ProxySettings(BadProxy),
    #[error("no way to {authority} through the proxy {proxy}")]
    ProxyUnreachable { authority: String, proxy: String, source: Box<RequestError> },
    #[error("no way to {authority} through the proxy {proxy}")]
    Proxy { authority: String, proxy: String, source: ProxyFailure },
    #[error(transparent)]
    InvalidUrl(#[from] InvalidUrl),
    #[error("the method {method} is refused, since {reason}; use another")]
    MethodRefused { method: String, reason: &'static str },
    #[error(transparent)]
    Resolve(#[from] ResolveError),
    #[error("no connection to {authority} within {limit:?}")]
    ConnectTimeout { authority: String, limit: Duration },
    #[error("cannot connect to {address}")]
    Connect { address: SocketAddr, source: io::Error },
    #[error("cannot connect to {address}: {}", files::too_many())]
    TooManyFiles { address: SocketAddr, source: io::Error },
    #[error("no connection to {authority} became free within {limit:?}: {bound}")]
    NoConnectionFree { authority: String, limit: Duration, bound: String },
    #[error(transparent)]
    HeaderSettings(BadHeaders),
    #[error(transparent)]
    SecretHeader(BadSecretHeader),
    #[error(transparent)]
    SigV4Settings(BadSigV4),
    #[error("the request cannot be signed for AWS")]
    Credentials(#[source] Arc<CredentialsError>),
    #[error(transparent)]
    Unsignable(#[from] Unsignable),
    #[error(transparent)]
    Memory(#[from] Refused),
    #[error(transparent)]
    JsonData(JsonDataFault),
    #[error(transparent)]
    TlsSettings(TlsFault),
    #[error(transparent)]
    CaFile(#[from] UnreadableCaFile),
    #[error("TLS cannot be set up")]
    TlsSetup(#[source] rustls::Error),
    #[error(
        "the host of {authority} cannot be the name of a certificate: use another in the URL, or set the data source's \
         serverName"
    )]
    TlsName { authority: String },
    #[error("the certificate of {authority} {fault}")]
    Certificate { authority: String, fault: CertificateFault },
    #[error("no TLS handshake with {authority} within {limit:?}")]
    HandshakeTimeout { authority: String, limit: Duration },
    #[error("the TLS handshake with {authority} failed")]
    Tls { authority: String, source: io::Error },
    #[error("no response from {authority} within {limit:?}")]
    ResponseTimeout { authority: String, limit: Duration },
    #[error("{authority} sent nothing more for {limit:?}")]
    ReadTimeout { authority: String, limit: Duration },
    #[error("{authority} closed the connection before the response was complete")]
    Closed { authority: String, source: hyper::Error },
    #[error("the response of {authority} is not valid HTTP")]
    Protocol { authority: String, source: hyper::Error },
    #[error(
        "the head of {authority}'s response is longer than {max_bytes} bytes, or has more than {max_headers} headers"
    )]
    HeadTooLarge { authority: String, max_bytes: usize, max_headers: usize, source: hyper::Error },
    #[error("the response of {authority} is not valid HTTP/2, or its head is longer than {max_bytes} bytes")]
    Http2Response { authority: String, max_bytes: u32, source: hyper::Error },
    #[error(
        "too many long heads of responses arrive at once, among them that of {authority}: send fewer requests at a time"
    )]
    HeadsTooLarge { authority: String, source: hyper::Error },
    #[error(
        "{authority} sends interim responses without end: more than {max_bytes} bytes come before its response"
    )]
    InterimHeads { authority: String, max_bytes: usize, source: hyper::Error },
    #[error("{authority} ended the TLS connection")]
    Alert { authority: String, alert: u8, source: hyper::Error },
    #[error("the request's body could not be sent to {authority}")]
    RequestBody { authority: String, source: hyper::Error },
    #[error("the gzip encoding of {authority}'s response is damaged")]
    Gzip { authority: String, source: io::Error },
    #[error("the response of {authority} is larger than {limit} bytes when decoded")]
    DecodedTooLarge { authority: String, limit: u64 },
    /// In the words of Grafana's Go SDK.
    #[error("error: http: response body too large, response limit is set to: {limit}")]
    ResponseLimit { limit: u64 },
    /// What a recording says.
    #[error("{text}")]
    Recorded { kind: RequestErrorKind, text: String },
    #[error(transparent)]
    NotRecorded(#[from] NotRecorded),
}

/// The heads of responses take more than they may.
#[derive(Clone, Copy, Debug, thiserror::Error)]
pub(in crate::egress) enum HeadsTooLarge {
    #[error("the heads that arrive at once take too much memory")]
    OfAll,
    #[error("the heads for one request are too long")]
    OfOne,
}

// === impl RequestError ===

impl RequestError {
    /// Classifies an error that kept a connection from being made.
    pub(super) fn of_connect(address: SocketAddr, source: io::Error) -> Self {
        if files::are_too_many(&source) {
            Self::TooManyFiles { address, source }
        } else {
            Self::Connect { address, source }
        }
    }

    /// Classifies an error that ended an exchange.
    pub(super) fn of_exchange(authority: &str, source: hyper::Error) -> Self {
        let authority = authority.to_owned();
        if source.is_user() {
            Self::RequestBody { authority, source }
        } else if source.is_parse_too_large() {
            Self::HeadTooLarge { authority, max_bytes: MAX_HEAD, max_headers: MAX_HEADERS, source }
        } else if let Some(heads) = inner::<HeadsTooLarge>(&source).copied() {
            match heads {
                HeadsTooLarge::OfAll => Self::HeadsTooLarge { authority, source },
                HeadsTooLarge::OfOne => Self::InterimHeads { authority, max_bytes: MAX_HEADS, source },
            }
        } else if let Some(rustls::Error::AlertReceived(alert)) = inner(&source) {
            // With TLS 1.3, a peer judges our certificate after the handshake.
            Self::Alert { authority, alert: (*alert).into(), source }
        } else if is_refused_stream(&source) {
            Self::Http2Response { authority, max_bytes: MAX_HTTP2_HEAD, source }
        } else if is_closed(&source) {
            Self::Closed { authority, source }
        } else {
            Self::Protocol { authority, source }
        }
    }

    pub(crate) fn kind(&self) -> RequestErrorKind {
        match self {
            Self::Denied { .. }
            | Self::PathDenied { .. }
            | Self::AddressProhibited { .. }
            | Self::NameProhibited { .. }
            | Self::MethodRefused { .. } => RequestErrorKind::Denied,
            Self::TooManyFiles { .. }
            | Self::NoConnectionFree { .. }
            | Self::HeadTooLarge { .. }
            | Self::HeadsTooLarge { .. }
            | Self::InterimHeads { .. }
            | Self::Memory(_) => RequestErrorKind::Limit,
            Self::Resolve(ResolveError::TooManyFiles { .. }) => RequestErrorKind::Limit,
            Self::InvalidUrl(_) | Self::Unsignable(Unsignable::Query | Unsignable::Url(_)) => {
                RequestErrorKind::InvalidUrl
            }
            Self::Resolve(ResolveError::Timeout { .. }) => RequestErrorKind::NameTimeout,
            Self::Resolve(_) => RequestErrorKind::NameNotResolved,
            Self::ConnectTimeout { .. } => RequestErrorKind::ConnectTimeout,
            Self::Connect { source, .. } => connect_kind(source),
            Self::HeaderSettings(_)
            | Self::SecretHeader(_)
            | Self::JsonData(_)
            | Self::TlsSettings(_)
            | Self::ProxySettings(_)
            | Self::SigV4Settings(_)
            | Self::CaFile(_)
            | Self::TlsName { .. } => RequestErrorKind::Settings,
            Self::ProxyUnreachable { .. } | Self::Proxy { .. } => RequestErrorKind::Proxy,
            Self::Credentials(_) => RequestErrorKind::Credentials,
            Self::Alert { alert, .. } => RequestErrorKind::TlsAlert(*alert),
            Self::TlsSetup(_) => RequestErrorKind::TlsFailed,
            Self::Certificate { .. } => RequestErrorKind::Certificate,
            Self::HandshakeTimeout { .. } => RequestErrorKind::ConnectTimeout,
            Self::Tls { source, .. } => tls_kind(source),
            Self::ResponseTimeout { .. } => RequestErrorKind::ResponseTimeout,
            Self::ReadTimeout { .. } => RequestErrorKind::ReadTimeout,
            Self::Closed { .. } => RequestErrorKind::ConnectionLost,
            Self::Protocol { .. } | Self::Http2Response { .. } => RequestErrorKind::Protocol,
            Self::RequestBody { .. } | Self::Unsignable(_) => RequestErrorKind::RequestBody,
            Self::Gzip { .. } => RequestErrorKind::Encoding,
            Self::DecodedTooLarge { limit, .. } => RequestErrorKind::TooLarge(*limit),
            Self::ResponseLimit { .. } => RequestErrorKind::ResponseLimit,
            Self::Recorded { kind, .. } => *kind,
            Self::NotRecorded(_) => RequestErrorKind::NotRecorded,
        }
    }

    /// Returns the error that a recording has in the place of an answer.
    pub(super) fn of_recorded(Failure { kind, number, text }: Failure) -> Self {
        Self::Recorded { kind: RequestErrorKind::named(&kind, number), text }
    }

    /// Returns what a recording says of this.
    pub(super) fn failure(&self) -> Failure {
        let kind = self.kind();
        Failure { kind: kind.name().into(), number: kind.number(), text: self.chain() }
    }

    /// Returns the message with those of its sources, for people.
    pub(crate) fn chain(&self) -> String {
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

/// What an I/O error of the connection wraps.
fn inner<E: std::error::Error + 'static>(error: &hyper::Error) -> Option<&E> {
    let io = std::error::Error::source(error)?.downcast_ref::<io::Error>()?;
    io.get_ref()?.downcast_ref()
}

fn http2(error: &hyper::Error) -> Option<&h2::Error> {
    std::error::Error::source(error)?.downcast_ref()
}

/// Whether the connection goes on without the response. The library does not say whether its head was too long.
fn is_refused_stream(error: &hyper::Error) -> bool {
    http2(error).is_some_and(|error| error.is_reset() && error.is_library())
}

fn is_closed(error: &hyper::Error) -> bool {
    if let Some(http2) = http2(error) {
        // The peer has ended the stream or the connection, or the connection is gone.
        return http2.is_remote() || http2.get_io().is_some_and(|io| !is_broken(io));
    }
    let io = std::error::Error::source(error).and_then(|source| source.downcast_ref::<io::Error>());
    error.is_closed()
        || error.is_timeout()
        || error.is_canceled()
        || error.is_incomplete_message()
        || io.is_some_and(|io| !is_broken(io))
}

/// What breaks the rules of chunks and trailers is such an error, and what nobody has asked for.
fn is_broken(io: &io::Error) -> bool {
    matches!(io.kind(), io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput)
}

fn connect_kind(source: &io::Error) -> RequestErrorKind {
    match source.kind() {
        io::ErrorKind::ConnectionRefused => RequestErrorKind::ConnectionRefused,
        io::ErrorKind::TimedOut => RequestErrorKind::ConnectTimeout,
        io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkUnreachable => RequestErrorKind::NoRoute,
        io::ErrorKind::ConnectionReset | io::ErrorKind::ConnectionAborted => RequestErrorKind::ConnectionLost,
        _ => RequestErrorKind::ConnectFailed,
    }
}

/// `tokio-rustls` wraps what rustls says in an I/O error; any other is one of the connection.
fn tls_kind(source: &io::Error) -> RequestErrorKind {
    match source.get_ref().and_then(|source| source.downcast_ref::<rustls::Error>()) {
        Some(rustls::Error::InvalidCertificate(_)) => RequestErrorKind::Certificate,
        Some(rustls::Error::AlertReceived(alert)) => RequestErrorKind::TlsAlert((*alert).into()),
        Some(_) => RequestErrorKind::TlsFailed,
        None => RequestErrorKind::ConnectionLost,
    }
}
