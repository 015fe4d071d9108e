//! Errors on the way through proxies.

use std::borrow::Cow;
use std::io;

use super::RequestError;
use crate::egress::origin::Origin;
use crate::egress::proxy::{Proxy, ProxyFailure};

impl RequestError {
    /// Makes the error of a request to `origin` from one that kept the host from reaching a proxy.
    pub(in crate::egress) fn at_proxy(self, origin: &Origin, proxy: &Proxy) -> Self {
        let (authority, proxy) = (origin.authority(), proxy.name());
        Self::ProxyUnreachable { authority, proxy, source: Box::new(self) }
    }

    /// Makes the error of a request to `origin` that a proxy has not opened a way for.
    pub(in crate::egress) fn of_proxy(origin: &Origin, proxy: &Proxy, source: ProxyFailure) -> Self {
        Self::Proxy { authority: origin.authority(), proxy: proxy.name(), source }
    }

    /// Returns the code that Go's metric of the secure SOCKS proxy has for an error of connecting through it.
    pub(in crate::egress) fn socks_code(&self) -> Cow<'static, str> {
        match self {
            Self::Proxy { source: ProxyFailure::Reply(code), .. } => code.to_string().into(),
            Self::Proxy { source: ProxyFailure::Closed, .. } => "eof_error".into(),
            Self::Proxy { source: ProxyFailure::Late, .. }
            | Self::ConnectTimeout { .. }
            | Self::HandshakeTimeout { .. } => "io_timeout_error".into(),
            // Go looks for words in the error, so that this is the same as the proxy's reply 5.
            Self::Connect { source, .. } if source.kind() == io::ErrorKind::ConnectionRefused => "5".into(),
            Self::Connect { source, .. } if source.kind() == io::ErrorKind::TimedOut => {
                "io_timeout_error".into()
            }
            Self::Tls { source, .. } if source.kind() == io::ErrorKind::UnexpectedEof => "eof_error".into(),
            Self::ProxyUnreachable { source, .. } => source.socks_code(),
            _ => "socks_unknown_error".into(),
        }
    }
}
