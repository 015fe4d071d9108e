//! What has last gone wrong on a connection to the collector, at its source: the errors of HTTP libraries lose it.

use std::error::Error;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::time::Instant;

use super::error::ConnectError;
use crate::telemetry::cause::Cause;

/// What has happened to one of the connections.
#[derive(Clone, Debug)]
pub(in crate::telemetry) struct Fault {
    pub cause: Cause,
    /// Every level of the error.
    pub text: String,
}

/// The last fault of all connections. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub(in crate::telemetry) struct Faults(Arc<Mutex<Option<(Instant, Fault)>>>);

// === impl Faults ===

impl Faults {
    /// Returns the last fault if it happened since `start`.
    pub(in crate::telemetry) fn since(&self, start: Instant) -> Option<Fault> {
        let last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        last.as_ref().filter(|(at, _)| *at >= start).map(|(_, fault)| fault.clone())
    }

    pub(super) fn note(&self, error: &ConnectError) {
        self.set(Fault { cause: of_connect(error), text: chain(error) });
    }

    /// Notes why a connection has broken.
    pub(super) fn broken(&self, error: &io::Error) {
        self.set(Fault { cause: of_io(error), text: format!("the connection broke: {}", chain(error)) });
    }

    fn set(&self, fault: Fault) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some((Instant::now(), fault));
    }
}

fn of_connect(error: &ConnectError) -> Cause {
    match error {
        ConnectError::Address | ConnectError::Resolve(_) => Cause::Unresolvable,
        ConnectError::Tcp { source, .. } => of_io(source),
        ConnectError::Files(_) => Cause::TlsFiles,
        ConnectError::Tls { source, .. } => match of_io(source) {
            // The peer hung up or sent something else.
            Cause::Broken => Cause::Tls,
            cause => cause,
        },
    }
}

fn of_io(error: &io::Error) -> Cause {
    use rustls::{AlertDescription as Alert, Error as Tls};
    let tls = error.get_ref().and_then(|inner| inner.downcast_ref::<Tls>());
    match (tls, error.kind()) {
        (Some(Tls::InvalidCertificate(_)), _) => Cause::TlsUntrusted,
        (
            Some(Tls::AlertReceived(
                Alert::CertificateRequired
                | Alert::BadCertificate
                | Alert::UnsupportedCertificate
                | Alert::CertificateExpired
                | Alert::CertificateRevoked
                | Alert::CertificateUnknown
                | Alert::UnknownCA
                | Alert::AccessDenied,
            )),
            _,
        ) => Cause::TlsClient,
        (Some(_), _) => Cause::Tls,
        (None, io::ErrorKind::ConnectionRefused) => Cause::Refused,
        (None, io::ErrorKind::TimedOut) => Cause::Timeout,
        (
            None,
            io::ErrorKind::HostUnreachable
            | io::ErrorKind::NetworkUnreachable
            | io::ErrorKind::AddrNotAvailable
            | io::ErrorKind::PermissionDenied,
        ) => Cause::Unreachable,
        (None, _) => Cause::Broken,
    }
}

/// Returns the messages of all levels, each once.
pub(in crate::telemetry) fn chain(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(error) = next {
        let message = error.to_string();
        if !text.contains(&message) {
            text = format!("{text}: {message}");
        }
        next = error.source();
    }
    text
}
