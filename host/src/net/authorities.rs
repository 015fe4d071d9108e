//! Certificates whose word is taken for others, and when each is valid.

use std::sync::Arc;

use rustls::RootCertStore;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, UnixTime};
use x509_cert::der::Decode;
use x509_cert::der::asn1::ObjectIdentifier;
use x509_cert::der::oid::AssociatedOid;
use x509_cert::ext::pkix::ExtendedKeyUsage;
use x509_cert::time::Validity;

/// RFC 5280, 4.2.1.12.
const SERVER: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.1");
const ANY_PURPOSE: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.37.0");

/// A set of authorities. Each is trusted only while its own certificate is valid, as in Go.
#[derive(Clone, Debug)]
pub(crate) struct Authorities {
    store: Arc<RootCertStore>,
    /// Those of `store` that were read as certificates.
    certificates: Vec<Authority>,
}

#[derive(Clone, Debug)]
struct Authority {
    certificate: CertificateDer<'static>,
    /// Seconds since 1970, both included.
    valid: (u64, u64),
}

/// What a certificate that is trusted itself, and not through another, says against its use by a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unfit {
    NotYetValid,
    Expired,
    NotForServers,
}

// === impl Authorities ===

impl Authorities {
    pub(crate) fn empty() -> Self {
        Self { store: RootCertStore::empty().into(), certificates: Vec::new() }
    }

    /// Returns Mozilla's, which are part of the executable.
    pub(crate) fn bundled() -> Self {
        let store: RootCertStore = webpki_roots::TLS_SERVER_ROOTS.iter().cloned().collect();
        Self { store: store.into(), certificates: Vec::new() }
    }

    /// As in Go, what is no certificate, or none that can be read, is passed over. Returns none if nothing is left.
    pub(crate) fn from_pem(pem: &[u8]) -> Option<Self> {
        let mut all = Self::empty();
        all.add(CertificateDer::pem_slice_iter(pem).filter_map(Result::ok));
        (!all.is_empty()).then_some(all)
    }

    /// Adds those that can be read.
    pub(crate) fn add(&mut self, certificates: impl IntoIterator<Item = CertificateDer<'static>>) {
        for certificate in certificates {
            if let Some(valid) = parse(&certificate).map(|parsed| seconds(&parsed.tbs_certificate.validity))
                && Arc::make_mut(&mut self.store).add(certificate.clone()).is_ok()
            {
                self.certificates.push(Authority { certificate, valid });
            }
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.store.is_empty()
    }

    pub(crate) fn store(&self) -> &Arc<RootCertStore> {
        &self.store
    }

    /// Returns those that are valid at this time. None if all are. Mozilla's have no time.
    pub(crate) fn valid_at(&self, now: UnixTime) -> Option<RootCertStore> {
        let is_valid = |authority: &&Authority| is_within(authority.valid, now).is_ok();
        if self.certificates.iter().all(|authority| is_valid(&authority)) {
            return None;
        }
        let mut store = RootCertStore::empty();
        for authority in self.certificates.iter().filter(is_valid) {
            // It was added before.
            let _ = store.add(authority.certificate.clone());
        }
        Some(store)
    }

    /// Whether exactly this certificate is one of the authorities.
    pub(crate) fn contain(&self, certificate: &CertificateDer<'_>) -> bool {
        self.certificates.iter().any(|authority| authority.certificate == *certificate)
    }
}

/// Checks a server's certificate that is one of the authorities itself: as in Go, it must be valid now, and for servers if
/// it says what it is for.
pub(crate) fn check_itself(certificate: &CertificateDer<'_>, now: UnixTime) -> Result<(), Unfit> {
    let parsed = parse(certificate).ok_or(Unfit::NotForServers)?;
    is_within(seconds(&parsed.tbs_certificate.validity), now)?;
    let mut extensions = parsed.tbs_certificate.extensions.iter().flatten();
    let Some(usage) = extensions.find(|extension| extension.extn_id == ExtendedKeyUsage::OID) else {
        return Ok(());
    };
    let usage = ExtendedKeyUsage::from_der(usage.extn_value.as_bytes()).map_err(|_| Unfit::NotForServers)?;
    if usage.0.iter().any(|purpose| [SERVER, ANY_PURPOSE].contains(purpose)) {
        Ok(())
    } else {
        Err(Unfit::NotForServers)
    }
}

fn parse(certificate: &CertificateDer<'_>) -> Option<x509_cert::Certificate> {
    x509_cert::Certificate::from_der(certificate).ok()
}

fn seconds(validity: &Validity) -> (u64, u64) {
    let of = |time: &x509_cert::time::Time| time.to_unix_duration().as_secs();
    (of(&validity.not_before), of(&validity.not_after))
}

fn is_within((begin, end): (u64, u64), now: UnixTime) -> Result<(), Unfit> {
    if now.as_secs() < begin {
        Err(Unfit::NotYetValid)
    } else if now.as_secs() > end {
        Err(Unfit::Expired)
    } else {
        Ok(())
    }
}
