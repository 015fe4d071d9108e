//! TLS to the data source: whom the host trusts, and who it is.

mod unverified;

use std::collections::HashMap;
use std::sync::Arc;

use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore};
use serde_json::{Map, Value};
use tokio::sync::OnceCell;

/// The system's root certificates, or Mozilla's where the system has none. Loaded at the first https request.
#[derive(Default)]
pub(super) struct Roots(OnceCell<Arc<RootCertStore>>);

/// The data source's own TLS settings. They are for its own origin: no other peer sees its client certificate.
#[derive(Clone, Debug, Default)]
pub(super) struct TlsSettings {
    /// Instead of the usual roots.
    authorities: Option<Arc<RootCertStore>>,
    /// The client's certificate chain with its key.
    identity: Option<Arc<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>)>>,
    skip_verify: bool,
    pub(super) server_name: Option<String>,
}

/// A setting that cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the data source's {name} is not in PEM: paste the whole text, from -----BEGIN to the last -----")]
pub struct BadPem {
    name: &'static str,
}

// === impl Roots ===

impl Roots {
    async fn load(&self) -> Arc<RootCertStore> {
        self.0
            .get_or_init(|| async {
                // Some milliseconds of reading files, which the reactor has no time for.
                let system = tokio::task::spawn_blocking(system_roots).await;
                let system = system.unwrap_or_else(|_| RootCertStore::empty());
                Arc::new(if system.is_empty() { bundled_roots() } else { system })
            })
            .await
            .clone()
    }
}

fn system_roots() -> RootCertStore {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    roots
}

fn bundled_roots() -> RootCertStore {
    webpki_roots::TLS_SERVER_ROOTS.iter().cloned().collect()
}

// === impl TlsSettings ===

impl TlsSettings {
    pub(super) fn parse(
        json: &Map<String, Value>,
        secrets: &HashMap<String, String>,
    ) -> Result<Self, BadPem> {
        let enabled = |key: &str| json.get(key).and_then(Value::as_bool).unwrap_or_default();
        let skip_verify = enabled("tlsSkipVerify");
        if !enabled("tlsAuth") && !enabled("tlsAuthWithCACert") {
            return Ok(Self { skip_verify, ..Self::default() });
        }
        let secret = |key: &str| secrets.get(key).map(String::as_str).filter(|text| !text.trim().is_empty());
        let authorities = secret("tlsCACert").map(authorities).transpose()?;
        // As in the Go SDK: one without the other counts as neither.
        let identity = match (secret("tlsClientCert"), secret("tlsClientKey")) {
            (Some(certificate), Some(key)) => Some(identity(certificate, key)?),
            _ => None,
        };
        let server_name = json.get("serverName").and_then(Value::as_str).filter(|name| !name.is_empty());
        Ok(Self { authorities, identity, skip_verify, server_name: server_name.map(str::to_owned) })
    }

    pub(super) async fn config(&self, roots: &Roots) -> Result<ClientConfig, rustls::Error> {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let builder =
            ClientConfig::builder_with_provider(provider.clone()).with_safe_default_protocol_versions()?;
        let builder = if self.skip_verify {
            builder.dangerous().with_custom_certificate_verifier(unverified(provider))
        } else {
            let roots = match &self.authorities {
                Some(authorities) => authorities.clone(),
                None => roots.load().await,
            };
            builder.with_root_certificates(roots)
        };
        match self.identity.as_deref() {
            Some((chain, key)) => builder.with_client_auth_cert(chain.clone(), key.clone_key()),
            None => Ok(builder.with_no_client_auth()),
        }
    }
}

fn authorities(pem: &str) -> Result<Arc<RootCertStore>, BadPem> {
    let bad = BadPem { name: "CA certificate (tlsCACert)" };
    let mut roots = RootCertStore::empty();
    for certificate in certificates(pem, bad)? {
        roots.add(certificate).map_err(|_| bad)?;
    }
    Ok(Arc::new(roots))
}

fn identity(
    certificate: &str,
    key: &str,
) -> Result<Arc<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>)>, BadPem> {
    let chain = certificates(certificate, BadPem { name: "client certificate (tlsClientCert)" })?;
    let key = PrivateKeyDer::from_pem_slice(key.as_bytes());
    Ok(Arc::new((chain, key.map_err(|_| BadPem { name: "client key (tlsClientKey)" })?)))
}

fn certificates(pem: &str, bad: BadPem) -> Result<Vec<CertificateDer<'static>>, BadPem> {
    let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem.as_bytes()).collect();
    certificates.ok().filter(|certificates| !certificates.is_empty()).ok_or(bad)
}

fn unverified(provider: Arc<CryptoProvider>) -> Arc<unverified::Unverified> {
    Arc::new(unverified::Unverified::new(provider))
}
