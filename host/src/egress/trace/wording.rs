//! Errors in the words of Go's `net` and `net/http`, where a trace of a Go plugin has them, so that searches and alerts find
//! both. Where this host's own words say more, they follow.

use std::io;
use std::net::SocketAddr;

use crate::egress::error::{CertificateFault, CertificateOwner, RequestError};
use crate::net::ResolveError;

const TLS_TIMEOUT: &str = "net/http: TLS handshake timeout";

/// Returns the message of the exception that a failed request leaves in its span.
pub(super) fn of_request(error: &RequestError) -> String {
    match error {
        RequestError::Resolve(error) => format!("dial tcp: {}", of_lookup(error)),
        RequestError::Connect { address, source } => of_connect(*address, source),
        RequestError::ConnectTimeout { authority, .. } => {
            format!("dial tcp {authority}: i/o timeout: {}", error.chain())
        }
        RequestError::Tls { source, .. } => of_handshake(source),
        RequestError::Certificate { fault, .. } => of_certificate(fault),
        RequestError::HandshakeTimeout { .. } => {
            format!("{TLS_TIMEOUT}: {}", error.chain())
        }
        RequestError::ResponseTimeout { .. } => format!("net/http: request canceled: {}", error.chain()),
        RequestError::Closed { source, .. } => of_end(source),
        RequestError::Protocol { .. } => {
            format!(
                "net/http: HTTP/1.x transport connection broken: malformed HTTP response: {}",
                error.chain()
            )
        }
        _ => error.chain(),
    }
}

/// Returns why a connection was not made.
pub(super) fn of_connect(address: SocketAddr, error: &io::Error) -> String {
    // Go names the system call, unless it was its own timer.
    match error.raw_os_error() {
        Some(_) => format!("dial tcp {address}: connect: {}", of_system(error)),
        None if error.kind() == io::ErrorKind::TimedOut => format!("dial tcp {address}: i/o timeout"),
        None => format!("dial tcp {address}: {error}"),
    }
}

/// Returns why a name has no addresses. Go adds which server said so.
pub(super) fn of_lookup(error: &ResolveError) -> String {
    match error {
        ResolveError::NoAddress { host } => format!("lookup {host}: no such host"),
        ResolveError::Failed { host, .. } if error.is_unknown_name() => {
            format!("lookup {host}: no such host")
        }
        ResolveError::Failed { host, source } => format!("lookup {host}: server misbehaving: {source}"),
        ResolveError::Timeout { host, .. } => format!("lookup {host}: i/o timeout"),
        ResolveError::Configuration { .. } | ResolveError::TooManyFiles { .. } => error.to_string(),
    }
}

/// Returns why a handshake failed. `tokio-rustls` wraps what rustls says in an I/O error.
pub(super) fn of_handshake(error: &io::Error) -> String {
    match error.get_ref().and_then(|error| error.downcast_ref()) {
        Some(rustls::Error::InvalidMessage(rustls::InvalidMessage::InvalidContentType)) => {
            "tls: first record does not look like a TLS handshake".to_owned()
        }
        Some(rustls::Error::InvalidCertificate(error)) => {
            of_certificate(&CertificateFault::new(error, CertificateOwner::Upstream { given: false }))
        }
        Some(error) => format!("tls: {error}"),
        None if error.raw_os_error().is_some() => format!("read tcp: read: {}", of_system(error)),
        None if error.kind() == io::ErrorKind::UnexpectedEof => "EOF".to_owned(),
        None if error.kind() == io::ErrorKind::TimedOut => TLS_TIMEOUT.to_owned(),
        None => error.to_string(),
    }
}

fn of_certificate(fault: &CertificateFault) -> String {
    let why = match fault {
        CertificateFault::Expired(_)
        | CertificateFault::NotValidYet(_)
        | CertificateFault::IssuerNotValid => "certificate has expired or is not yet valid".to_owned(),
        CertificateFault::Name { name, names, .. } => format!("certificate is valid for {names}, not {name}"),
        CertificateFault::NoNames { .. } => {
            "certificate relies on legacy Common Name field, use SANs instead".to_owned()
        }
        CertificateFault::NotFromGiven
        | CertificateFault::NotFromTrusted
        | CertificateFault::NotFromTrustedAtProxy
        | CertificateFault::NotFromRootsOfSecureSocks
        | CertificateFault::Authority { .. } => "certificate signed by unknown authority".to_owned(),
        CertificateFault::Purpose => "certificate specifies an incompatible key usage".to_owned(),
        fault => fault.to_string(),
    };
    format!("tls: failed to verify certificate: x509: {why}")
}

/// Returns how a connection ended before the response did.
fn of_end(error: &hyper::Error) -> String {
    let source = std::error::Error::source(error);
    // Without the stream's number, which says nothing to anybody.
    let reset = source.and_then(|source| source.downcast_ref::<h2::Error>());
    if let Some(reason) =
        reset.filter(|error| error.is_reset() && error.is_remote()).and_then(h2::Error::reason)
    {
        return format!("stream error: {reason:?}; received from peer");
    }
    match source.and_then(|source| source.downcast_ref::<io::Error>()) {
        Some(io) if io.raw_os_error().is_some() => format!("read tcp: read: {}", of_system(io)),
        _ => "EOF".to_owned(),
    }
}

/// Returns the system's words as Go writes them: without a capital, and without the number.
fn of_system(error: &io::Error) -> String {
    let text = error.to_string();
    let text = text.split(" (os error").next().unwrap_or_default();
    let mut characters = text.chars();
    let first = characters.next().map(|first| first.to_ascii_lowercase());
    first.into_iter().chain(characters).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connecting_fails_in_gos_words() {
        let address = "192.0.2.1:80".parse().unwrap();
        for (code, words) in [
            (111, "dial tcp 192.0.2.1:80: connect: connection refused"),
            (113, "dial tcp 192.0.2.1:80: connect: no route to host"),
            (101, "dial tcp 192.0.2.1:80: connect: network is unreachable"),
            (110, "dial tcp 192.0.2.1:80: connect: connection timed out"),
        ] {
            assert_eq!(of_connect(address, &io::Error::from_raw_os_error(code)), words);
        }
        let timeout = io::ErrorKind::TimedOut.into();
        assert_eq!(of_connect(address, &timeout), "dial tcp 192.0.2.1:80: i/o timeout");
    }

    #[test]
    fn a_handshake_fails_in_gos_words() {
        let of = |error: rustls::Error| of_handshake(&io::Error::other(error));
        let unknown = rustls::Error::InvalidCertificate(rustls::CertificateError::UnknownIssuer);
        assert_eq!(
            of(unknown),
            "tls: failed to verify certificate: x509: certificate signed by unknown authority"
        );
        let no_tls = rustls::Error::InvalidMessage(rustls::InvalidMessage::InvalidContentType);
        assert_eq!(of(no_tls), "tls: first record does not look like a TLS handshake");
        assert_eq!(of_handshake(&io::ErrorKind::UnexpectedEof.into()), "EOF");
        let reset = io::Error::from_raw_os_error(104);
        assert_eq!(of_handshake(&reset), "read tcp: read: connection reset by peer");
        assert_eq!(of_handshake(&io::ErrorKind::TimedOut.into()), "net/http: TLS handshake timeout");
    }
}
