//! TLS with the collector, by the operator's files.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::error::{ConnectError, TlsFileError};
use crate::config::Given;
use crate::net::TrustedRoots;
use crate::telemetry::config::TlsFiles;

/// How many bytes of a file are read. A bundle of all public roots has 250 KiB.
const MAX_FILE: u64 = 4 << 20;

/// Reads the files. Without a CA file, the system's roots are trusted.
pub(super) async fn config(
    files: &TlsFiles,
    roots: &TrustedRoots,
    alpn: &[u8],
) -> Result<ClientConfig, TlsFileError> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let roots = match &files.ca_file {
        Some(file) => Arc::new(authorities(file).await?),
        None => roots.load().await?.store().clone(),
    };
    let builder = builder.map_err(TlsFileError::Tls)?.with_root_certificates(roots);
    let mut config = match (&files.client_cert, &files.client_key) {
        (Some(certificate), Some(key)) => {
            let chain = certificates(certificate).await?;
            let pem = read(key).await?;
            let key = PrivateKeyDer::from_pem_slice(&pem).map_err(|_| content(key, "private key"))?;
            builder.with_client_auth_cert(chain, key).map_err(TlsFileError::Identity)?
        }
        _ => builder.with_no_client_auth(),
    };
    config.alpn_protocols = vec![alpn.to_vec()];
    Ok(config)
}

pub(super) async fn connect(
    config: ClientConfig,
    host: &str,
    stream: TcpStream,
) -> Result<TlsStream<TcpStream>, ConnectError> {
    let failed = |source| ConnectError::Tls { host: host.to_owned(), source };
    let name = ServerName::try_from(host.to_owned())
        .map_err(|error| failed(io::Error::new(io::ErrorKind::InvalidInput, error)))?;
    TlsConnector::from(Arc::new(config)).connect(name, stream).await.map_err(failed)
}

async fn authorities(file: &Given<PathBuf>) -> Result<RootCertStore, TlsFileError> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(file).await? {
        roots.add(certificate).map_err(|_| content(file, "usable certificate"))?;
    }
    Ok(roots)
}

async fn certificates(file: &Given<PathBuf>) -> Result<Vec<CertificateDer<'static>>, TlsFileError> {
    let pem = read(file).await?;
    let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pem).collect();
    let certificates = certificates.ok().filter(|certificates| !certificates.is_empty());
    certificates.ok_or_else(|| content(file, "certificate"))
}

async fn read(file: &Given<PathBuf>) -> Result<Vec<u8>, TlsFileError> {
    let failed = |source| TlsFileError::Read { key: file.origin, path: file.value.clone(), source };
    let opened = tokio::fs::File::open(&file.value).await.map_err(failed)?;
    let mut content = Vec::new();
    opened.take(MAX_FILE).read_to_end(&mut content).await.map_err(failed)?;
    Ok(content)
}

fn content(file: &Given<PathBuf>, what: &'static str) -> TlsFileError {
    TlsFileError::Content { key: file.origin, path: file.value.clone(), what }
}
