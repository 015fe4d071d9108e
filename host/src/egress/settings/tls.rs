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
    pub(in crate::egress) only_tls13: bool,
}

/// Certificates and a key for Grafana's secure SOCKS proxy.
pub(in crate::egress) struct ProxyPem<'a> {
    pub(in crate::egress) authorities: &'a [String],
    pub(in crate::egress) certificate: &'a str,
    pub(in crate::egress) key: &'a str,
}

/// A setting that cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the {name} is not PEM: paste the whole text, from -----BEGIN to the last -----")]
pub(crate) struct BadPem {
    name: &'static str,
}

const CA: &str = "data source's CA certificate (tlsCACert)";
const CLIENT: [&str; 2] =
    ["data source's client certificate (tlsClientCert)", "data source's client key (tlsClientKey)"];
const PROXY_CA: &str = "root_ca_cert";
const PROXY_CLIENT: [&str; 2] = ["client_cert", "client_key"];

// === impl TlsSettings ===

impl TlsSettings {
    /// Returns those for the secure SOCKS proxy. As in the Go SDK, it must speak TLS 1.3, and a name that is empty is the one
    /// of its address.
    pub(in crate::egress) fn of_proxy(pem: ProxyPem<'_>, server_name: &str) -> Result<Self, BadPem> {
        let authorities = authorities(pem.authorities.iter().map(String::as_str), PROXY_CA)?;
        let identity = identity(pem.certificate, pem.key, PROXY_CLIENT)?;
        let server_name = Some(server_name.to_owned()).filter(|name| !name.is_empty());
        let (authorities, identity) = (Some(authorities), Some(Arc::new(identity)));
        Ok(Self { authorities, identity, skip_verify: false, server_name, only_tls13: true })
    }

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
        let authorities = secret("tlsCACert").map(|pem| authorities([pem], CA)).transpose()?;
        // As in the Go SDK: one without the other counts as neither.
        let identity = match (secret("tlsClientCert"), secret("tlsClientKey")) {
            (Some(certificate), Some(key)) => Some(Arc::new(identity(certificate, key, CLIENT)?)),
            _ => None,
        };
        let server_name = json.get("serverName").and_then(Value::as_str).filter(|name| !name.is_empty());
        let server_name = server_name.map(str::to_owned);
        Ok(Self { authorities, identity, skip_verify, server_name, only_tls13: false })
    }
}

fn authorities<'a>(
    texts: impl IntoIterator<Item = &'a str>,
    name: &'static str,
) -> Result<Arc<RootCertStore>, BadPem> {
    let bad = BadPem { name };
    let mut roots = RootCertStore::empty();
    for pem in texts {
        for certificate in certificates(pem, bad)? {
            roots.add(certificate).map_err(|_| bad)?;
        }
    }
    Ok(Arc::new(roots))
}

fn identity(certificate: &str, key: &str, names: [&'static str; 2]) -> Result<ClientIdentity, BadPem> {
    let [name, name_of_key] = names;
    let chain = certificates(certificate, BadPem { name })?;
    let key = PrivateKeyDer::from_pem_slice(key.as_bytes());
    Ok((chain, key.map_err(|_| BadPem { name: name_of_key })?))
}

fn certificates(pem: &str, bad: BadPem) -> Result<Vec<CertificateDer<'static>>, BadPem> {
    let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem.as_bytes()).collect();
    certificates.ok().filter(|certificates| !certificates.is_empty()).ok_or(bad)
}
