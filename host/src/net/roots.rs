//! The root certificates that TLS trusts where nobody names others, by one rule for the whole host.

use std::sync::Arc;

use rustls::RootCertStore;
use tokio::sync::OnceCell;

/// The system's root certificates, or Mozilla's if the system has none. Loaded for the first connection with TLS.
#[derive(Default)]
pub(crate) struct TrustedRoots(OnceCell<Arc<RootCertStore>>);

// === impl TrustedRoots ===

impl TrustedRoots {
    pub(crate) async fn load(&self) -> Arc<RootCertStore> {
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
