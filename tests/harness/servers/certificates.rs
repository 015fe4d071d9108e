//! Certificates for tests, as PEM. `host/src/egress/tests/certificates.rs` says what each of them is.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;

use crate::artifacts;

/// Returns the certificates with these names, one after the other.
pub fn chain(names: &[&str]) -> String {
    names.iter().map(|name| pem("CERTIFICATE", &format!("{name}.der"))).collect()
}

/// Returns the key of all of them, except for the authorities of other certificates.
pub fn key() -> String {
    pem("PRIVATE KEY", "localhost.key.der")
}

fn pem(label: &str, file: &str) -> String {
    let path = artifacts::repository().join("host/src/net/test").join(file);
    let der = std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", BASE64_STANDARD.encode(der))
}
