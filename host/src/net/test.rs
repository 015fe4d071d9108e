//! For tests: TLS servers on this machine. `test/localhost.der` is a certificate for localhost and 127.0.0.1 by
//! `test/authority.der`; both end in 2120.

use std::sync::Arc;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};

pub(crate) const AUTHORITY: &[u8] = include_bytes!("test/authority.der");
pub(crate) const CERTIFICATE: &[u8] = include_bytes!("test/localhost.der");
pub(crate) const KEY: &[u8] = include_bytes!("test/localhost.key.der");

pub(crate) fn pem(label: &str, der: &[u8]) -> String {
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", BASE64_STANDARD.encode(der))
}

/// Returns what a server with that certificate needs. As a client's certificate it accepts any by the same authority.
pub(crate) fn tls_server(wants_client_certificate: bool) -> ServerConfig {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder =
        ServerConfig::builder_with_provider(provider.clone()).with_safe_default_protocol_versions().unwrap();
    let builder = if wants_client_certificate {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from(AUTHORITY)).unwrap();
        let verifier = WebPkiClientVerifier::builder_with_provider(roots.into(), provider).build().unwrap();
        builder.with_client_cert_verifier(verifier)
    } else {
        builder.with_no_client_auth()
    };
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(KEY));
    builder.with_single_cert(vec![CertificateDer::from(CERTIFICATE)], key).unwrap()
}
