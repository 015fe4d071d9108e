//! The TLS settings of a data source, as PEM.

use std::collections::HashMap;
use std::sync::Arc;

use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use serde_json::{Map, Value};

use crate::net::Authorities;

/// These are for the data source's own origin: no other peer sees its client certificate.
#[derive(Clone, Debug, Default)]
pub(in crate::egress) struct TlsSettings {
    /// Trusted instead of the usual roots.
    pub(in crate::egress) authorities: Option<Arc<Authorities>>,
    /// The certificate chain that the host shows as a client, with its key. None shows no certificate.
    pub(in crate::egress) identity: Option<Arc<SingleCertAndKey>>,
    pub(in crate::egress) skip_verify: bool,
    /// The name that the peer's certificate must have, if not that of the URL.
    pub(in crate::egress) server_name: Option<String>,
}

/// A setting that cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum TlsFault {
    #[error("the data source's {name} is not PEM: paste the whole text, from -----BEGIN to the last -----")]
    NotPem { name: &'static str },
    #[error(
        "the data source's client key (tlsClientKey) is encrypted: paste it without a passphrase, as `openssl pkey` writes it"
    )]
    EncryptedKey,
    #[error(
        "the data source's client certificate (tlsClientCert) and client key (tlsClientKey) do not belong together: paste \
         the key that the certificate was made for"
    )]
    Pair,
    #[error(
        "the data source's client key (tlsClientKey) is of a kind that is not supported: use one of RSA, ECDSA or Ed25519"
    )]
    KeyKind,
    #[error("the data source's serverName is neither a name nor an address: correct it, or leave it empty")]
    ServerName,
}

// === impl TlsSettings ===

impl TlsSettings {
    pub(super) fn parse(
        json: &Map<String, Value>,
        secrets: &HashMap<String, String>,
    ) -> Result<Self, TlsFault> {
        let enabled = |key: &str| json.get(key).and_then(Value::as_bool).unwrap_or_default();
        let skip_verify = enabled("tlsSkipVerify");
        if !enabled("tlsAuth") && !enabled("tlsAuthWithCACert") {
            return Ok(Self { skip_verify, ..Self::default() });
        }
        let secret = |key: &str| secrets.get(key).map(String::as_str).filter(|text| !text.is_empty());
        let bad = TlsFault::NotPem { name: "CA certificate (tlsCACert)" };
        let authorities = |pem: &str| Authorities::from_pem(pem.as_bytes()).map(Arc::new).ok_or(bad);
        let authorities = secret("tlsCACert").map(authorities).transpose()?;
        // As in the Go SDK: one without the other counts as neither.
        let identity = match (secret("tlsClientCert"), secret("tlsClientKey")) {
            (Some(certificate), Some(key)) => Some(Arc::new(identity(certificate, key)?)),
            _ => None,
        };
        let server_name = json.get("serverName").and_then(Value::as_str).filter(|name| !name.is_empty());
        if server_name.is_some_and(|name| ServerName::try_from(name).is_err()) {
            return Err(TlsFault::ServerName);
        }
        Ok(Self { authorities, identity, skip_verify, server_name: server_name.map(str::to_owned) })
    }
}

fn identity(certificate: &str, key: &str) -> Result<SingleCertAndKey, TlsFault> {
    let chain: Vec<_> =
        CertificateDer::pem_slice_iter(certificate.as_bytes()).filter_map(Result::ok).collect();
    if chain.is_empty() {
        return Err(TlsFault::NotPem { name: "client certificate (tlsClientCert)" });
    }
    let der = PrivateKeyDer::from_pem_slice(key.as_bytes()).map_err(|_| {
        if key.contains("BEGIN ENCRYPTED PRIVATE KEY") || key.contains("Proc-Type: 4,ENCRYPTED") {
            TlsFault::EncryptedKey
        } else {
            TlsFault::NotPem { name: "client key (tlsClientKey)" }
        }
    })?;
    let key = aws_lc_rs::sign::any_supported_type(&der).map_err(|_| TlsFault::KeyKind)?;
    let pair = CertifiedKey::new(chain, key);
    match pair.keys_match() {
        // Whatever is wrong with the certificate besides, the peer has to judge.
        Ok(()) | Err(rustls::Error::InconsistentKeys(rustls::InconsistentKeys::Unknown)) => {
            Ok(SingleCertAndKey::from(pair))
        }
        Err(rustls::Error::InconsistentKeys(_)) => Err(TlsFault::Pair),
        Err(_) => Err(TlsFault::NotPem { name: "client certificate (tlsClientCert)" }),
    }
}
