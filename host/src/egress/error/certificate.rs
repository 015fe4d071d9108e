//! What is wrong with a peer's certificate, and what to do about it.

use rustls::CertificateError;
use rustls::pki_types::{ServerName, UnixTime};
use time::OffsetDateTime;

/// Whose certificate it is, which decides what to do about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::egress) enum CertificateOwner {
    /// `given` says whether the data source names the authorities itself.
    Upstream { given: bool },
    /// A proxy that the environment names.
    Proxy,
    /// Grafana's secure SOCKS proxy.
    SecureSocks,
}

/// A clause that follows "the certificate of example.com:443".
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum CertificateFault {
    #[error("has expired{}: renew it on the server", .0.as_deref().unwrap_or_default())]
    Expired(Option<String>),
    #[error(
        "is not valid yet{}: check the clocks of the server and of Grafana's machine",
        .0.as_deref().unwrap_or_default()
    )]
    NotValidYet(Option<String>),
    #[error("was issued by an authority whose own certificate is not valid now: renew that one")]
    IssuerNotValid,
    #[error("is for {names}, not for {name}: put one of its names into {place}")]
    Name { name: String, names: String, place: &'static str },
    #[error(
        "has no name but the one in its subject, which does not count: issue one with {name} as subject alternative name"
    )]
    NoNames { name: String },
    #[error(
        "is not from the data source's CA certificate (tlsCACert): add the certificate of the authority that issued it, or \
         let the server send those in between"
    )]
    NotFromGiven,
    #[error(
        "is from an authority that is not trusted here: give the authority's certificate as the data source's CA certificate \
         (tlsCACert), or to all of them with gpx_ca_file; if it is a public one, let the server send those in between"
    )]
    NotFromTrusted,
    #[error(
        "is from an authority that is not trusted here: give the authority's certificate with gpx_ca_file; if it is a public \
         one, let the proxy send those in between"
    )]
    NotFromTrustedAtProxy,
    #[error(
        "is not from an authority of root_ca_cert under [secure_socks_datasource_proxy] in grafana.ini: add the certificate of \
         the authority that issued it"
    )]
    NotFromRootsOfSecureSocks,
    #[error(
        "is not for servers: issue one with server authentication in its extended key usage, or without one"
    )]
    Purpose,
    #[error(
        "is one of an authority (CA:TRUE), and not trusted itself: give it as {place}, or issue one with CA:FALSE"
    )]
    Authority { place: &'static str },
    #[error("has a signature that is wrong: install the certificate and its key on the server again")]
    Signature,
    #[error("is signed with an algorithm that is not supported, such as SHA-1: issue one with SHA-256")]
    Algorithm,
    #[error("has been revoked: issue another")]
    Revoked,
    #[error("cannot be read: {0}")]
    Other(String),
}

/// An authority that has expired, or is not valid yet, is the only one that fits.
#[derive(Debug, thiserror::Error)]
#[error("the issuer's certificate is not valid now")]
pub(in crate::egress) struct IssuerNotValid;

// === impl CertificateOwner ===

impl CertificateOwner {
    /// Where a name is set that the certificate must have.
    fn place_of_name(self) -> &'static str {
        match self {
            Self::Upstream { .. } => "the URL, or into the data source's serverName",
            Self::Proxy => "the proxy's URL",
            Self::SecureSocks => "server_name under [secure_socks_datasource_proxy] in grafana.ini",
        }
    }

    fn place_of_authorities(self) -> &'static str {
        match self {
            Self::Upstream { .. } => "the data source's CA certificate (tlsCACert)",
            Self::Proxy => "gpx_ca_file",
            Self::SecureSocks => "root_ca_cert under [secure_socks_datasource_proxy] in grafana.ini",
        }
    }
}

// === impl CertificateFault ===

impl CertificateFault {
    #[expect(deprecated, reason = "another verifier may still return it")]
    pub(in crate::egress) fn new(error: &CertificateError, owner: CertificateOwner) -> Self {
        match error {
            CertificateError::Expired => Self::Expired(None),
            CertificateError::ExpiredContext { not_after, .. } => {
                Self::Expired(date(*not_after).map(|date| format!(" on {date}")))
            }
            CertificateError::NotValidYet => Self::NotValidYet(None),
            CertificateError::NotValidYetContext { not_before, .. } => {
                Self::NotValidYet(date(*not_before).map(|date| format!(", but from {date} on")))
            }
            CertificateError::NotValidForNameContext { expected, presented } => {
                name(expected, presented, owner)
            }
            CertificateError::UnknownIssuer => match owner {
                CertificateOwner::Upstream { given: true } => Self::NotFromGiven,
                CertificateOwner::Upstream { given: false } => Self::NotFromTrusted,
                CertificateOwner::Proxy => Self::NotFromTrustedAtProxy,
                CertificateOwner::SecureSocks => Self::NotFromRootsOfSecureSocks,
            },
            CertificateError::InvalidPurpose | CertificateError::InvalidPurposeContext { .. } => {
                Self::Purpose
            }
            CertificateError::BadSignature => Self::Signature,
            CertificateError::UnsupportedSignatureAlgorithm
            | CertificateError::UnsupportedSignatureAlgorithmContext { .. }
            | CertificateError::UnsupportedSignatureAlgorithmForPublicKeyContext { .. } => Self::Algorithm,
            CertificateError::Revoked => Self::Revoked,
            CertificateError::Other(other) if other.0.is::<IssuerNotValid>() => Self::IssuerNotValid,
            // webpki's error is not among rustls's.
            CertificateError::Other(other) if other.to_string() == "CaUsedAsEndEntity" => {
                Self::Authority { place: owner.place_of_authorities() }
            }
            other => Self::Other(other.to_string()),
        }
    }
}

/// How many of a certificate's names are listed. They are the peer's, and there may be thousands.
const SHOWN_NAMES: usize = 8;

fn name(expected: &ServerName<'_>, presented: &[String], owner: CertificateOwner) -> CertificateFault {
    let name = expected.to_str().into_owned();
    // Written as `DnsName("a.example")` and `IpAddress(127.0.0.1)`.
    let plain = |text: &String| {
        let inner = text.split_once('(').and_then(|(_, rest)| rest.strip_suffix(')')).unwrap_or(text);
        inner.trim_matches('"').to_owned()
    };
    if presented.is_empty() {
        return CertificateFault::NoNames { name };
    }
    // As in Go, addresses are listed for an address only, and names for a name only; unless there are none.
    let is_address = |text: &&String| text.starts_with("IpAddress");
    let alike = |text: &&String| is_address(text) == matches!(expected, ServerName::IpAddress(_));
    let mut all: Vec<_> = presented.iter().filter(alike).collect();
    if all.is_empty() {
        all = presented.iter().collect();
    }
    let mut names: Vec<_> = all.iter().take(SHOWN_NAMES).map(|text| plain(text)).collect();
    if all.len() > SHOWN_NAMES {
        names.push(format!("{} more", all.len() - SHOWN_NAMES));
    }
    CertificateFault::Name { name, names: names.join(", "), place: owner.place_of_name() }
}

fn date(time: UnixTime) -> Option<String> {
    let time = OffsetDateTime::from_unix_timestamp(i64::try_from(time.as_secs()).ok()?).ok()?;
    Some(time.date().to_string())
}
