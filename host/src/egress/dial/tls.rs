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
use tokio::net::TcpStream;
use tokio::sync::OnceCell;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use self::unverified::Unverified;
use self::verified::Verified;
use crate::egress::error::{CertificateFault, RequestError};
use crate::egress::origin::Origin;
use crate::egress::settings::{TlsFault, TlsSettings};
use crate::egress::trace::Events;
use crate::net::TrustedRoots;

/// The names of protocols in a handshake (RFC 7301 and RFC 9113, 3.2). The peer chooses; HTTP/2 is never spoken without TLS.
pub(super) const HTTP2: &[u8] = b"h2";
const HTTP1: &[u8] = b"http/1.1";

/// Does the handshakes for one data source: with its own origin by its settings, with all others by the defaults.
pub(super) struct TlsClient {
    roots: Arc<TrustedRoots>,
    settings: Result<TlsSettings, TlsFault>,
    only_tls13: bool,
    own: OnceCell<Arc<ClientConfig>>,
    other: OnceCell<Arc<ClientConfig>>,
}

// === impl TlsClient ===

impl TlsClient {
    pub(super) fn new(
        roots: Arc<TrustedRoots>,
        settings: Result<TlsSettings, TlsFault>,
        only_tls13: bool,
    ) -> Self {
        Self { roots, settings, only_tls13, own: OnceCell::new(), other: OnceCell::new() }
    }

    /// `own` says whether `origin` is the data source's.
    pub(super) async fn connect(
        &self,
        origin: &Origin,
        own: bool,
        stream: TcpStream,
        limit: Option<Duration>,
        events: &Events,
    ) -> Result<TlsStream<TcpStream>, RequestError> {
        let authority = origin.authority();
        let none = TlsSettings::default();
        let (cell, settings) = if own {
            (&self.own, self.settings.as_ref().map_err(|fault| RequestError::TlsSettings(*fault))?)
        } else {
            (&self.other, &none)
        };
        let config = cell.get_or_try_init(|| self.config(settings)).await?.clone();
        let name = settings.server_name.as_deref().unwrap_or(&origin.host);
        let name = ServerName::try_from(name.to_owned())
            .map_err(|_| RequestError::TlsName { authority: authority.clone() })?;
        events.tls_start();
        let handshake = TlsConnector::from(config).connect(name, stream);
        let result = match limit {
            None => handshake.await,
            Some(limit) => match tokio::time::timeout(limit, handshake).await {
                Ok(result) => result,
                Err(_) => {
                    let error = RequestError::HandshakeTimeout { authority, limit };
                    events.tls_done(Some(&error as &dyn Display));
                    return Err(error);
                }
            },
        };
        events.tls_done(result.as_ref().err().map(|error| error as &dyn Display));
        result.map_err(|source| failed(authority, source, settings))
    }

    async fn config(&self, settings: &TlsSettings) -> Result<Arc<ClientConfig>, RequestError> {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let versions = if self.only_tls13 { &[&TLS13][..] } else { &[&TLS13, &TLS12] };
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
        config.alpn_protocols = vec![HTTP2.to_vec(), HTTP1.to_vec()];
        Ok(Arc::new(config))
    }
}

/// `tokio-rustls` wraps what rustls says in an I/O error.
fn failed(authority: String, source: io::Error, settings: &TlsSettings) -> RequestError {
    match source.get_ref().and_then(|source| source.downcast_ref()) {
        Some(rustls::Error::InvalidCertificate(why)) => RequestError::Certificate {
            fault: CertificateFault::new(why, settings.authorities.is_some()),
            authority,
        },
        _ => RequestError::Tls { authority, source },
    }
}
