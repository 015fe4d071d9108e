//! TLS: which certificates a data source's client trusts, and the handshake.

mod unverified;

use std::fmt::Display;
use std::io;
use std::sync::Arc;

use rustls::ClientConfig;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use tokio::sync::OnceCell;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use self::unverified::Unverified;
use crate::egress::error::RequestError;
use crate::egress::origin::Origin;
use crate::egress::settings::{BadPem, TlsSettings};
use crate::egress::trace::Events;
use crate::net::TrustedRoots;

/// Does the handshakes for one data source: with its own origin by its settings, with all others by the defaults.
pub(super) struct TlsClient {
    roots: Arc<TrustedRoots>,
    settings: Result<TlsSettings, BadPem>,
    own: OnceCell<Arc<ClientConfig>>,
    other: OnceCell<Arc<ClientConfig>>,
}

// === impl TlsClient ===

impl TlsClient {
    pub(super) fn new(roots: Arc<TrustedRoots>, settings: Result<TlsSettings, BadPem>) -> Self {
        Self { roots, settings, own: OnceCell::new(), other: OnceCell::new() }
    }

    /// `own` says whether `origin` is the data source's.
    pub(super) async fn connect(
        &self,
        origin: &Origin,
        own: bool,
        stream: TcpStream,
        events: &Events,
    ) -> Result<TlsStream<TcpStream>, RequestError> {
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
        result.map_err(failed)
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
    let builder =
        ClientConfig::builder_with_provider(provider.clone()).with_safe_default_protocol_versions()?;
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
