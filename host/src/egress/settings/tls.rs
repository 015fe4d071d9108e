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
    pub(in crate::egress) only_tls13: bool,
}

/// Certificates and a key for Grafana's secure SOCKS proxy.
pub(in crate::egress) struct ProxyPem<'a> {
    pub(in crate::egress) authorities: &'a [String],
    pub(in crate::egress) certificate: &'a str,
    pub(in crate::egress) key: &'a str,
}

/// A setting that cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum TlsFault {
    #[error("{of} {name} is not PEM: paste the whole text, from -----BEGIN to the last -----")]
    NotPem { of: &'static str, name: &'static str },
    #[error("{} {} is encrypted: paste it without a passphrase, as `openssl pkey` writes it", .0.of, .0.key)]
    EncryptedKey(PemNames),
    #[error(
        "{} {} and {} do not belong together: paste the key that the certificate was made for", .0.of, .0.certificate, .0.key
    )]
    Pair(PemNames),
    #[error("{} {} is of a kind that is not supported: use one of RSA, ECDSA or Ed25519", .0.of, .0.key)]
    KeyKind(PemNames),
    #[error("the data source's serverName is neither a name nor an address: correct it, or leave it empty")]
    ServerName,
}

/// What the texts are called where they are set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PemNames {
    of: &'static str,
    authorities: &'static str,
    certificate: &'static str,
    key: &'static str,
}

const OF_DATA_SOURCE: PemNames = PemNames {
    of: "the data source's",
    authorities: "CA certificate (tlsCACert)",
    certificate: "client certificate (tlsClientCert)",
    key: "client key (tlsClientKey)",
};

const OF_PROXY: PemNames =
    PemNames { of: "its", authorities: "root_ca_cert", certificate: "client_cert", key: "client_key" };

// === impl TlsSettings ===

impl TlsSettings {
    /// Returns those for the secure SOCKS proxy. As in the Go SDK, it must speak TLS 1.3, and a name that is empty is the one
    /// of its address.
    pub(in crate::egress) fn of_proxy(pem: ProxyPem<'_>, server_name: &str) -> Result<Self, TlsFault> {
        let authorities = authorities(pem.authorities.join("\n").as_bytes(), &OF_PROXY)?;
        let identity = identity(pem.certificate, pem.key, &OF_PROXY)?;
        let server_name = Some(server_name.to_owned()).filter(|name| !name.is_empty());
        let (authorities, identity) = (Some(authorities), Some(Arc::new(identity)));
        Ok(Self { authorities, identity, skip_verify: false, server_name, only_tls13: true })
    }

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
        let authorities =
            secret("tlsCACert").map(|pem| authorities(pem.as_bytes(), &OF_DATA_SOURCE)).transpose()?;
        // As in the Go SDK: one without the other counts as neither.
        let identity = match (secret("tlsClientCert"), secret("tlsClientKey")) {
            (Some(certificate), Some(key)) => Some(Arc::new(identity(certificate, key, &OF_DATA_SOURCE)?)),
            _ => None,
        };
        let server_name = json.get("serverName").and_then(Value::as_str).filter(|name| !name.is_empty());
        if server_name.is_some_and(|name| ServerName::try_from(name).is_err()) {
            return Err(TlsFault::ServerName);
        }
        let server_name = server_name.map(str::to_owned);
        Ok(Self { authorities, identity, skip_verify, server_name, only_tls13: false })
    }
}

fn authorities(pem: &[u8], names: &PemNames) -> Result<Arc<Authorities>, TlsFault> {
    let bad = TlsFault::NotPem { of: names.of, name: names.authorities };
    Authorities::from_pem(pem).map(Arc::new).ok_or(bad)
}

fn identity(certificate: &str, key: &str, names: &PemNames) -> Result<SingleCertAndKey, TlsFault> {
    let not_pem = |name| TlsFault::NotPem { of: names.of, name };
    let chain: Vec<_> =
        CertificateDer::pem_slice_iter(certificate.as_bytes()).filter_map(Result::ok).collect();
    if chain.is_empty() {
        return Err(not_pem(names.certificate));
    }
    let der = PrivateKeyDer::from_pem_slice(key.as_bytes()).map_err(|_| {
        if key.contains("BEGIN ENCRYPTED PRIVATE KEY") || key.contains("Proc-Type: 4,ENCRYPTED") {
            TlsFault::EncryptedKey(*names)
        } else {
            not_pem(names.key)
        }
    })?;
    let key = aws_lc_rs::sign::any_supported_type(&der).map_err(|_| TlsFault::KeyKind(*names))?;
    let pair = CertifiedKey::new(chain, key);
    match pair.keys_match() {
        // Whatever is wrong with the certificate besides, the peer has to judge.
        Ok(()) | Err(rustls::Error::InconsistentKeys(rustls::InconsistentKeys::Unknown)) => {
            Ok(SingleCertAndKey::from(pair))
        }
        Err(rustls::Error::InconsistentKeys(_)) => Err(TlsFault::Pair(*names)),
        Err(_) => Err(not_pem(names.certificate)),
    }
}
