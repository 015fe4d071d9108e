//! TLS: which certificates a data source's client trusts, and the handshake.

mod unverified;
mod verified;

use std::fmt::Display;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use rustls::ClientConfig;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::ServerName;
use rustls::version::{TLS12, TLS13};
use tokio::sync::OnceCell;
use tokio_rustls::TlsConnector;

use self::unverified::Unverified;
use self::verified::Verified;
use super::stream::{HTTP2, Stream};
use crate::egress::error::{CertificateFault, CertificateOwner, RequestError};
use crate::egress::origin::Origin;
use crate::egress::proxy::{Proxy, ProxyKind};
use crate::egress::settings::{TlsFault, TlsSettings};
use crate::egress::trace::Events;
use crate::net::TrustedRoots;

/// What an upstream may choose from (RFC 7301). HTTP/2 is never spoken without TLS.
const OF_UPSTREAMS: &[&[u8]] = &[HTTP2, b"http/1.1"];

/// Does the handshakes for one data source: with its own origin by its settings, with all others by the defaults.
pub(super) struct TlsClient {
    roots: Arc<TrustedRoots>,
    settings: Result<TlsSettings, TlsFault>,
    only_tls13: bool,
    own: OnceCell<Arc<ClientConfig>>,
    other: OnceCell<Arc<ClientConfig>>,
    /// Of the proxies that the environment names.
    proxy: OnceCell<Arc<ClientConfig>>,
    secure_socks: OnceCell<Arc<ClientConfig>>,
}

/// A peer, and how it is met.
struct Handshake<'a> {
    peer: &'a Origin,
    settings: &'a TlsSettings,
    config: Arc<ClientConfig>,
    owner: CertificateOwner,
    limit: Option<Duration>,
    /// None if the trace does not show it.
    events: Option<&'a Events>,
}

// === impl TlsClient ===

impl TlsClient {
    pub(super) fn new(
        roots: Arc<TrustedRoots>,
        settings: Result<TlsSettings, TlsFault>,
        only_tls13: bool,
    ) -> Self {
        let (own, other, proxy, secure_socks) = Default::default();
        Self { roots, settings, only_tls13, own, other, proxy, secure_socks }
    }

    /// `own` says whether `origin` is the data source's.
    pub(super) async fn connect(
        &self,
        origin: &Origin,
        own: bool,
        stream: Stream,
        limit: Option<Duration>,
        events: &Events,
    ) -> Result<Stream, RequestError> {
        let none = TlsSettings::default();
        let (cell, settings) = if own {
            (&self.own, self.settings.as_ref().map_err(|fault| RequestError::TlsSettings(*fault))?)
        } else {
            (&self.other, &none)
        };
        let config = cell.get_or_try_init(|| self.config(settings, OF_UPSTREAMS)).await?.clone();
        let owner = CertificateOwner::Upstream { given: settings.authorities.is_some() };
        Handshake { peer: origin, settings, config, owner, limit, events: Some(events) }.run(stream).await
    }

    /// Does the handshake with a proxy. What a data source trusts does not count there, nor does its certificate.
    pub(super) async fn connect_proxy(
        &self,
        proxy: &Proxy,
        stream: Stream,
        limit: Option<Duration>,
        events: &Events,
    ) -> Result<Stream, RequestError> {
        let none = TlsSettings::default();
        // As in Go, the secure SOCKS proxy does not show in the trace.
        let (cell, owner, events) = match proxy.kind {
            ProxyKind::Http => (&self.proxy, CertificateOwner::Proxy, Some(events)),
            ProxyKind::Socks => (&self.secure_socks, CertificateOwner::SecureSocks, None),
        };
        let settings = proxy.tls.as_ref().unwrap_or(&none);
        let config = cell.get_or_try_init(|| self.config(settings, &[])).await?.clone();
        Handshake { peer: &proxy.address, settings, config, owner, limit, events }.run(stream).await
    }

    /// `protocols` are what the peer may choose from, if there is a choice.
    async fn config(
        &self,
        settings: &TlsSettings,
        protocols: &[&[u8]],
    ) -> Result<Arc<ClientConfig>, RequestError> {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let only_tls13 = self.only_tls13 || settings.only_tls13;
        let versions = if only_tls13 { &[&TLS13][..] } else { &[&TLS13, &TLS12] };
        let builder = ClientConfig::builder_with_provider(provider.clone()).with_protocol_versions(versions);
        let builder = builder.map_err(RequestError::TlsSetup)?.dangerous();
        let builder = if settings.skip_verify {
            builder.with_custom_certificate_verifier(Arc::new(Unverified::new(provider)))
        } else {
            let authorities = match &settings.authorities {
                Some(authorities) => authorities.clone(),
                None => self.roots.load().await?,
            };
            builder.with_custom_certificate_verifier(Arc::new(Verified::new(authorities, provider)))
        };
        let mut config = match &settings.identity {
            Some(identity) => builder.with_client_cert_resolver(identity.clone()),
            None => builder.with_no_client_auth(),
        };
        config.alpn_protocols = protocols.iter().map(|name| name.to_vec()).collect();
        Ok(Arc::new(config))
    }
}

// === impl Handshake ===

impl Handshake<'_> {
    async fn run(self, stream: Stream) -> Result<Stream, RequestError> {
        let authority = self.peer.authority();
        let name = self.settings.server_name.as_deref().unwrap_or(&self.peer.host);
        let name = ServerName::try_from(name.to_owned())
            .map_err(|_| RequestError::TlsName { authority: authority.clone() })?;
        self.events.iter().for_each(|events| events.tls_start());
        let done = |error: Option<&dyn Display>| self.events.iter().for_each(|events| events.tls_done(error));
        let handshake = TlsConnector::from(self.config).connect(name, stream);
        let result = match self.limit {
            None => handshake.await,
            Some(limit) => match tokio::time::timeout(limit, handshake).await {
                Ok(result) => result,
                Err(_) => {
                    let error = RequestError::HandshakeTimeout { authority, limit };
                    done(Some(&error));
                    return Err(error);
                }
            },
        };
        done(result.as_ref().err().map(|error| error as &dyn Display));
        result
            .map(|stream| Stream::Tls(Box::new(stream)))
            .map_err(|source| failed(authority, source, self.owner))
    }
}

/// `tokio-rustls` wraps what rustls says in an I/O error.
fn failed(authority: String, source: io::Error, owner: CertificateOwner) -> RequestError {
    match source.get_ref().and_then(|source| source.downcast_ref()) {
        Some(rustls::Error::InvalidCertificate(why)) => {
            RequestError::Certificate { fault: CertificateFault::new(why, owner), authority }
        }
        _ => RequestError::Tls { authority, source },
    }
}
