//! Failures of connections are told apart.

use rustls::AlertDescription;

use super::*;

fn tls(source: io::Error) -> RequestErrorKind {
    RequestError::Tls { authority: "h:443".to_owned(), source }.kind()
}

#[test]
fn failures_of_tls_are_told_apart() {
    let alert = rustls::Error::AlertReceived(AlertDescription::HandshakeFailure);
    assert_eq!(tls(io::Error::other(alert)), RequestErrorKind::TlsAlert(40));
    assert_eq!(tls(io::Error::other(rustls::Error::DecryptError)), RequestErrorKind::TlsFailed);
    assert_eq!(tls(io::ErrorKind::ConnectionReset.into()), RequestErrorKind::ConnectionLost);
}

#[test]
fn failures_to_connect_are_told_apart() {
    for (source, kind) in [
        (io::ErrorKind::ConnectionRefused, RequestErrorKind::ConnectionRefused),
        (io::ErrorKind::TimedOut, RequestErrorKind::ConnectTimeout),
        (io::ErrorKind::NetworkUnreachable, RequestErrorKind::NoRoute),
        (io::ErrorKind::ConnectionReset, RequestErrorKind::ConnectionLost),
        (io::ErrorKind::AddrNotAvailable, RequestErrorKind::ConnectFailed),
    ] {
        let address = "192.0.2.1:80".parse().unwrap();
        assert_eq!(RequestError::Connect { address, source: source.into() }.kind(), kind);
    }
}

#[test]
fn too_many_open_files_are_told_in_words() {
    let error = RequestError::of_connect("192.0.2.1:80".parse().unwrap(), io::Error::from_raw_os_error(24));
    let text = error.chain();
    assert!(text.contains("the process has as many files open as it may (its limit is "), "{text}");
    assert!(text.contains("ulimit -n"), "{text}");
    assert_eq!(error.kind(), RequestErrorKind::Limit);
}
