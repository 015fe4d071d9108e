//! TLS: which certificates the host trusts, and the handshake.

mod unverified;

use std::fmt::Display;
use std::io;
use std::sync::Arc;

use rustls::crypto::aws_lc_rs;
use rustls::pki_types::ServerName;
use rustls::version::TLS13;
use rustls::{ClientConfig, DEFAULT_VERSIONS, RootCertStore};
use tokio::sync::OnceCell;
use tokio_rustls::TlsConnector;

use self::unverified::Unverified;
use super::stream::Stream;
use crate::egress::error::RequestError;
use crate::egress::origin::Origin;
use crate::egress::proxy::Proxy;
use crate::egress::settings::{BadPem, TlsSettings};
use crate::egress::trace::Events;

/// The system's root certificates, or Mozilla's if the system has none. Loaded for the first https request.
#[derive(Default)]
pub(in crate::egress) struct TrustedRoots(OnceCell<Arc<RootCertStore>>);

/// Does the handshakes for one data source: with its own origin by its settings, with all others by the defaults.
pub(super) struct TlsClient {
    roots: Arc<TrustedRoots>,
    settings: Result<TlsSettings, BadPem>,
    own: OnceCell<Arc<ClientConfig>>,
    other: OnceCell<Arc<ClientConfig>>,
    secure_socks: OnceCell<Arc<ClientConfig>>,
}

// === impl TrustedRoots ===

impl TrustedRoots {
    async fn load(&self) -> Arc<RootCertStore> {
        self.0
            .get_or_init(|| async {
                // Reading the files takes milliseconds, which would hold up a worker thread.
                let system = tokio::task::spawn_blocking(system_roots).await;
                let system = system.unwrap_or_else(|_| RootCertStore::empty());
                Arc::new(if system.is_empty() { bundled_roots() } else { system })
            })
            .await
            .clone()
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "SSL_CERT_FILE and SSL_CERT_DIR are how systems say where their roots are"
)]
fn system_roots() -> RootCertStore {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    roots
}

fn bundled_roots() -> RootCertStore {
    webpki_roots::TLS_SERVER_ROOTS.iter().cloned().collect()
}

// === impl TlsClient ===

impl TlsClient {
    pub(super) fn new(roots: Arc<TrustedRoots>, settings: Result<TlsSettings, BadPem>) -> Self {
        Self { roots, settings, own: OnceCell::new(), other: OnceCell::new(), secure_socks: OnceCell::new() }
    }

    /// `own` says whether `origin` is the data source's.
    pub(super) async fn connect(
        &self,
        origin: &Origin,
        own: bool,
        stream: Stream,
        events: &Events,
    ) -> Result<Stream, RequestError> {
        let failed = |source| RequestError::Tls { authority: origin.authority(), source };
        let (config, name) = if own {
            let settings = self.settings.as_ref().map_err(|bad| RequestError::TlsSettings(*bad))?;
            (self.config(&self.own, settings).await, settings.server_name.as_deref())
        } else {
            (self.config(&self.other, &TlsSettings::default()).await, None)
        };
        let config = config.map_err(|error| failed(io::Error::other(error)))?;
        let name = ServerName::try_from(name.unwrap_or(&origin.host).to_owned())
            .map_err(|error| failed(io::Error::new(io::ErrorKind::InvalidInput, error)))?;
        events.tls_start();
        let result = TlsConnector::from(config).connect(name, stream).await;
        events.tls_done(result.as_ref().err().map(|error| error as &dyn Display));
        result.map(|stream| Stream::Tls(Box::new(stream))).map_err(failed)
    }

    /// Does the handshake with a proxy. What a data source trusts does not count there, nor does its certificate.
    pub(super) async fn connect_proxy(
        &self,
        proxy: &Proxy,
        stream: Stream,
        events: &Events,
    ) -> Result<Stream, RequestError> {
        let failed = |source| RequestError::Tls { authority: proxy.address.authority(), source };
        let (config, name) = match &proxy.tls {
            None => (self.config(&self.other, &TlsSettings::default()).await, None),
            Some(settings) => {
                (self.config(&self.secure_socks, settings).await, settings.server_name.as_deref())
            }
        };
        let config = config.map_err(|error| failed(io::Error::other(error)))?;
        let name = ServerName::try_from(name.unwrap_or(&proxy.address.host).to_owned())
            .map_err(|error| failed(io::Error::new(io::ErrorKind::InvalidInput, error)))?;
        // As in Go, the secure SOCKS proxy does not show in the trace.
        let shown = proxy.tls.is_none();
        if shown {
            events.tls_start();
        }
        let result = TlsConnector::from(config).connect(name, stream).await;
        if shown {
            events.tls_done(result.as_ref().err().map(|error| error as &dyn Display));
        }
        result.map(|stream| Stream::Tls(Box::new(stream))).map_err(failed)
    }

    async fn config(
        &self,
        cell: &OnceCell<Arc<ClientConfig>>,
        settings: &TlsSettings,
    ) -> Result<Arc<ClientConfig>, rustls::Error> {
        let config = cell.get_or_try_init(|| async { config(settings, &self.roots).await.map(Arc::new) });
        Ok(config.await?.clone())
    }
}

async fn config(settings: &TlsSettings, roots: &TrustedRoots) -> Result<ClientConfig, rustls::Error> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let versions = if settings.only_tls13 { &[&TLS13] } else { DEFAULT_VERSIONS };
    let builder = ClientConfig::builder_with_provider(provider.clone()).with_protocol_versions(versions)?;
    let builder = if settings.skip_verify {
        builder.dangerous().with_custom_certificate_verifier(Arc::new(Unverified::new(provider)))
    } else {
        let roots = match &settings.authorities {
            Some(authorities) => authorities.clone(),
            None => roots.load().await,
        };
        builder.with_root_certificates(roots)
    };
    match settings.identity.as_deref() {
        Some((chain, key)) => builder.with_client_auth_cert(chain.clone(), key.clone_key()),
        None => Ok(builder.with_no_client_auth()),
    }
}
