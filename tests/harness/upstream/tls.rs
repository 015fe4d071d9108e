//! An upstream over TLS, with HTTP/1.1 or HTTP/2.

use std::sync::Arc;

use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio_rustls::TlsAcceptor;

/// A certificate for localhost and 127.0.0.1 until 2120, and its key. The host's unit tests have the same.
const CERTIFICATE: &[u8] = include_bytes!("../../../host/src/net/test/localhost.der");
const KEY: &[u8] = include_bytes!("../../../host/src/net/test/localhost.key.der");

pub(super) const HTTP2: &[u8] = b"h2";

/// Returns what accepts connections. A client that trusts nobody else does not trust the authority of its certificate.
pub(super) fn acceptor(http2: bool) -> TlsAcceptor {
    let builder = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()));
    let builder = builder.with_safe_default_protocol_versions().expect("the versions of the library");
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(KEY));
    let chain = vec![CertificateDer::from(CERTIFICATE)];
    let mut config =
        builder.with_no_client_auth().with_single_cert(chain, key).expect("a certificate and its key");
    let http11 = b"http/1.1".to_vec();
    config.alpn_protocols = if http2 { vec![HTTP2.to_vec(), http11] } else { vec![http11] };
    Arc::new(config).into()
}
