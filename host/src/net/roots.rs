//! The authorities that TLS trusts where nobody names others, by one rule for the whole host: those of the system, found as
//! Go finds them, and the operator's.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls_native_certs::load_certs_from_paths;
use tokio::sync::OnceCell;

use super::authorities::Authorities;

/// Where distributions keep their bundle. The first that can be read counts.
const FILES: [&str; 6] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/pki/tls/cacert.pem",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/ssl/cert.pem",
];

/// Where they keep single certificates. All count.
const DIRECTORIES: [&str; 2] = ["/etc/ssl/certs", "/etc/pki/tls/certs"];

/// Where to look for authorities.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct RootPaths {
    /// `SSL_CERT_FILE`: instead of the system's bundle.
    pub file: Option<PathBuf>,
    /// `SSL_CERT_DIR`: instead of the system's directories.
    pub directories: Vec<PathBuf>,
    /// `gpx_ca_file`: besides all of them.
    pub more: Option<PathBuf>,
}

/// Loaded for the first connection with TLS.
pub(crate) struct TrustedRoots {
    paths: RootPaths,
    loaded: OnceCell<Arc<Authorities>>,
}

/// The operator's file cannot be read.
#[derive(Debug, thiserror::Error)]
#[error(
    "the certificates in {} (gpx_ca_file) cannot be read: name a file with PEM that Grafana's user may read",
    path.display()
)]
pub(crate) struct UnreadableCaFile {
    path: PathBuf,
}

// === impl TrustedRoots ===

impl TrustedRoots {
    pub(crate) fn new(paths: RootPaths) -> Self {
        Self { paths, loaded: OnceCell::new() }
    }

    /// A file of the operator's that cannot be read is an error, until it can be.
    pub(crate) async fn load(&self) -> Result<Arc<Authorities>, UnreadableCaFile> {
        let load = || async {
            let paths = self.paths.clone();
            // Reading the files takes milliseconds, which would hold up a worker thread.
            match tokio::task::spawn_blocking(move || paths.load()).await {
                Ok(loaded) => loaded.map(Arc::new),
                Err(_) => Ok(Arc::new(Authorities::empty())),
            }
        };
        self.loaded.get_or_try_init(load).await.cloned()
    }
}

// === impl RootPaths ===

impl RootPaths {
    /// As in Go, a variable that is empty does not count, and nothing is trimmed.
    #[expect(
        clippy::disallowed_methods,
        reason = "SSL_CERT_FILE and SSL_CERT_DIR are how systems say where their roots are"
    )]
    pub(crate) fn of_environment() -> Self {
        let set = |key| std::env::var_os(key).filter(|value| !value.is_empty());
        let directories = set("SSL_CERT_DIR").map(|list| std::env::split_paths(&list).collect());
        let file = set("SSL_CERT_FILE").map(PathBuf::from);
        Self { file, directories: directories.unwrap_or_default(), more: None }
    }

    fn load(&self) -> Result<Authorities, UnreadableCaFile> {
        let mut all = Authorities::empty();
        let files = FILES.map(Path::new);
        let file = match &self.file {
            Some(file) => read(Some(file), None),
            None => files.into_iter().find(|file| file.exists()).and_then(|file| read(Some(file), None)),
        };
        all.add(file.into_iter().flatten());
        let directories = DIRECTORIES.map(PathBuf::from);
        let directories = if self.directories.is_empty() { &directories[..] } else { &self.directories };
        for directory in directories {
            all.add(read(None, Some(directory)).into_iter().flatten());
        }
        // Whoever says where the system's are does not mean Mozilla's.
        if all.is_empty() && self.file.is_none() && self.directories.is_empty() {
            all = Authorities::bundled();
        }
        if let Some(path) = &self.more {
            let more = read(Some(path), None).filter(|more| !more.is_empty());
            let more = more.ok_or_else(|| UnreadableCaFile { path: path.clone() })?;
            all.add(more);
        }
        Ok(all)
    }
}

/// Returns what can be read. As in Go, what cannot is passed over.
fn read(file: Option<&Path>, directory: Option<&Path>) -> Option<Vec<CertificateDer<'static>>> {
    let read = load_certs_from_paths(file, directory);
    (!read.certs.is_empty() || read.errors.is_empty()).then_some(read.certs)
}
