//! The TLS settings of a data source, as PEM.

use std::collections::HashMap;
use std::sync::Arc;

use rustls::RootCertStore;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use serde_json::{Map, Value};

/// The certificate chain that the host shows as a client, with its key.
type ClientIdentity = (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>);

/// These are for the data source's own origin: no other peer sees its client certificate.
#[derive(Clone, Debug, Default)]
pub(in crate::egress) struct TlsSettings {
    /// Trusted instead of the usual roots.
    pub(in crate::egress) authorities: Option<Arc<RootCertStore>>,
    /// None shows no certificate.
    pub(in crate::egress) identity: Option<Arc<ClientIdentity>>,
    pub(in crate::egress) skip_verify: bool,
    /// The name that the peer's certificate must have, if not that of the URL.
    pub(in crate::egress) server_name: Option<String>,
}

/// A setting that cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the data source's {name} is not PEM: paste the whole text, from -----BEGIN to the last -----")]
pub(crate) struct BadPem {
    name: &'static str,
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
            (Some(certificate), Some(key)) => Some(Arc::new(identity(certificate, key)?)),
            _ => None,
        };
        let server_name = json.get("serverName").and_then(Value::as_str).filter(|name| !name.is_empty());
        Ok(Self { authorities, identity, skip_verify, server_name: server_name.map(str::to_owned) })
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

fn identity(certificate: &str, key: &str) -> Result<ClientIdentity, BadPem> {
    let chain = certificates(certificate, BadPem { name: "client certificate (tlsClientCert)" })?;
    let key = PrivateKeyDer::from_pem_slice(key.as_bytes());
    Ok((chain, key.map_err(|_| BadPem { name: "client key (tlsClientKey)" })?))
}

fn certificates(pem: &str, bad: BadPem) -> Result<Vec<CertificateDer<'static>>, BadPem> {
    let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem.as_bytes()).collect();
    certificates.ok().filter(|certificates| !certificates.is_empty()).ok_or(bad)
}
