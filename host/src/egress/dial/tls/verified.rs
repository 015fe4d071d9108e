//! The check of a peer's certificate: by webpki, and by Go's rules where webpki has none.

use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{verify_server_cert_signed_by_trust_anchor, verify_server_name};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, DigitallySignedStruct, Error, OtherError, RootCertStore, SignatureScheme};

use crate::egress::error::IssuerNotValid;
use crate::net::{Authorities, Unfit, check_itself};

/// Accepts a certificate that one of the authorities has issued, or that is one of them. An authority that has expired
/// counts for nothing.
#[derive(Debug)]
pub(super) struct Verified {
    authorities: Arc<Authorities>,
    provider: Arc<CryptoProvider>,
}

// === impl Verified ===

impl Verified {
    pub(super) fn new(authorities: Arc<Authorities>, provider: Arc<CryptoProvider>) -> Self {
        Self { authorities, provider }
    }

    fn check_chain(
        &self,
        parsed: &ParsedCertificate<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<(), Error> {
        let verify = |store: &RootCertStore| {
            let algorithms = self.provider.signature_verification_algorithms.all;
            verify_server_cert_signed_by_trust_anchor(parsed, store, intermediates, now, algorithms)
        };
        verify(self.authorities.store())?;
        match self.authorities.valid_at(now) {
            None => Ok(()),
            Some(valid) => verify(&valid).map_err(|error| match error {
                // With those that have expired, there was a chain.
                Error::InvalidCertificate(CertificateError::UnknownIssuer) => {
                    let error = OtherError(Arc::new(IssuerNotValid));
                    Error::InvalidCertificate(CertificateError::Other(error))
                }
                error => error,
            }),
        }
    }
}

fn is_of_time(error: &Error) -> bool {
    use CertificateError::{Expired, ExpiredContext, NotValidYet, NotValidYetContext};
    matches!(
        error,
        Error::InvalidCertificate(Expired | ExpiredContext { .. } | NotValidYet | NotValidYetContext { .. })
    )
}

impl ServerCertVerifier for Verified {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        // Refuses critical extensions that it does not know.
        let parsed = ParsedCertificate::try_from(end_entity)?;
        let checked = if self.authorities.contain(end_entity) {
            // As in Go, a chain of one. webpki has no such thing, and takes no authority's certificate for a server's.
            check_itself(end_entity, now).map_err(|unfit| {
                Error::InvalidCertificate(match unfit {
                    Unfit::NotYetValid => CertificateError::NotValidYet,
                    Unfit::Expired => CertificateError::Expired,
                    Unfit::NotForServers => CertificateError::InvalidPurpose,
                })
            })
        } else {
            self.check_chain(&parsed, intermediates, now)
        };
        // Of several faults, Go names one of the time before one of the name, and that before one of the chain.
        if !checked.as_ref().is_err_and(is_of_time) {
            verify_server_name(&parsed, server_name)?;
        }
        checked.map(|()| ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
