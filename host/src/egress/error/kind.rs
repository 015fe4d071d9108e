//! Kinds of errors of requests.

/// What went wrong, for callers that report it in their own terms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RequestErrorKind {
    /// The origin, the path, or the address behind the name is not granted, or no request may have this method. The message names the
    /// remedy.
    Denied,
    /// A limit of the host or of the process is reached. The message names it, and the remedy if there is one.
    Limit,
    InvalidUrl,
    /// DNS did not answer in time.
    NameTimeout,
    /// The name has no address, or it could not be looked up.
    NameNotResolved,
    ConnectTimeout,
    ConnectionRefused,
    /// The peer's network or the peer itself cannot be reached.
    NoRoute,
    /// Connecting failed for another reason.
    ConnectFailed,
    /// The data source's TLS settings, headers or proxy cannot be used. The message names the remedy.
    Settings,
    /// There are no credentials to sign the request with. The message says why.
    Credentials,
    /// A proxy cannot be reached, or it has not opened a way. The message says which one, and why.
    Proxy,
    /// The peer's certificate is not valid or not trusted. The message names the remedy.
    Certificate,
    /// The peer refused the TLS handshake with this alert.
    TlsAlert(u8),
    /// The TLS handshake failed for another reason.
    TlsFailed,
    ResponseTimeout,
    ReadTimeout,
    /// The connection ended before the response did.
    ConnectionLost,
    /// The peer broke the rules of HTTP.
    Protocol,
    RequestBody,
    /// The response's encoding is damaged.
    Encoding,
    /// The decoded response has more than this many bytes.
    TooLarge(u64),
    /// The response has more than Grafana allows. The message is Go's.
    ResponseLimit,
    /// A recording that is played back has no answer, or it does not say what went wrong.
    NotRecorded,
}

// === impl RequestErrorKind ===

impl RequestErrorKind {
    /// Those without a number.
    const PLAIN: [Self; 22] = [
        Self::Denied,
        Self::Limit,
        Self::InvalidUrl,
        Self::NameTimeout,
        Self::NameNotResolved,
        Self::ConnectTimeout,
        Self::ConnectionRefused,
        Self::NoRoute,
        Self::ConnectFailed,
        Self::Settings,
        Self::Credentials,
        Self::Proxy,
        Self::Certificate,
        Self::TlsFailed,
        Self::ResponseTimeout,
        Self::ReadTimeout,
        Self::ConnectionLost,
        Self::Protocol,
        Self::RequestBody,
        Self::Encoding,
        Self::ResponseLimit,
        Self::NotRecorded,
    ];

    /// Returns the name that metrics use.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Denied => "denied",
            Self::Limit => "limit",
            Self::InvalidUrl => "invalid_url",
            Self::NameTimeout => "name_timeout",
            Self::NameNotResolved => "name_not_resolved",
            Self::ConnectTimeout => "connect_timeout",
            Self::ConnectionRefused => "connection_refused",
            Self::NoRoute => "no_route",
            Self::ConnectFailed => "connect_failed",
            Self::Settings => "settings",
            Self::Credentials => "credentials",
            Self::Proxy => "proxy",
            Self::Certificate => "certificate",
            Self::TlsAlert(_) => "tls_alert",
            Self::TlsFailed => "tls_failed",
            Self::ResponseTimeout => "response_timeout",
            Self::ReadTimeout => "read_timeout",
            Self::ConnectionLost => "connection_lost",
            Self::Protocol => "protocol",
            Self::RequestBody => "request_body",
            Self::Encoding => "encoding",
            Self::TooLarge(_) | Self::ResponseLimit => "too_large",
            Self::NotRecorded => "not_recorded",
        }
    }

    /// Returns the number that goes with the name.
    pub(super) fn number(self) -> Option<u64> {
        match self {
            Self::TlsAlert(alert) => Some(alert.into()),
            Self::TooLarge(limit) => Some(limit),
            _ => None,
        }
    }

    /// Returns the kind with this name and this number.
    pub(super) fn named(name: &str, number: Option<u64>) -> Self {
        match (name, number) {
            ("tls_alert", Some(alert)) => u8::try_from(alert).map_or(Self::TlsFailed, Self::TlsAlert),
            ("too_large", Some(limit)) => Self::TooLarge(limit),
            _ => Self::PLAIN.into_iter().find(|kind| kind.name() == name).unwrap_or(Self::NotRecorded),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_is_known_by_its_name_and_its_number() {
        let numbered = [RequestErrorKind::TlsAlert(40), RequestErrorKind::TooLarge(7)];
        for kind in RequestErrorKind::PLAIN.into_iter().chain(numbered) {
            assert_eq!(RequestErrorKind::named(kind.name(), kind.number()), kind);
        }
        assert_eq!(RequestErrorKind::named("unknown", None), RequestErrorKind::NotRecorded);
    }
}
