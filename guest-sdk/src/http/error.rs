//! Why a request failed, and the fault that the panel's user sees.

use std::fmt;

use http::StatusCode;
use wasip2::http::types::ErrorCode;

use crate::Source;

/// Statuses that Grafana's Go SDK blames on the plugin, whose request was wrong. It blames all others on the upstream.
const BLAMED_ON_PLUGIN: [u16; 10] = [405, 406, 412, 413, 414, 416, 417, 426, 431, 501];

/// A request that failed. `?` turns it into a [`Fault`] with the status and source that Grafana's Go SDK would choose.
#[derive(Debug)]
pub struct Error {
    /// Method and URL, without userinfo and query, which may contain a secret.
    request: String,
    cause: Cause,
}

/// Why a request failed.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Cause {
    /// The request could not be made: its URL, a header or its body is not valid.
    Invalid(String),
    /// The upstream did not answer in time.
    Timeout,
    /// The host's name could not be resolved.
    Dns,
    /// Nothing listens at the address.
    Refused,
    /// There is no route to the address.
    Unreachable,
    /// The connection ended before the response began.
    Reset,
    /// The connection ended in the middle of the response's body.
    Incomplete,
    /// The upstream's certificate is not valid or not trusted. The text says why, and what to do about it.
    Certificate(String),
    /// No secure connection could be made, for another reason.
    Tls(&'static str),
    /// The host does not let this plugin reach that origin, or the address behind it.
    Denied(&'static str),
    /// A redirect leads nowhere, or there were too many.
    Redirect(String),
    /// The status is not 200 to 299. The text is the content type and how the body begins.
    Status(StatusCode, String),
    /// The body is not the JSON that was expected.
    Decode(String),
    /// A proxy cannot be reached, or lets nothing through to the upstream. The text says which one, and why.
    Proxy(String),
    /// Anything else, in the host's words.
    Other(String),
}

// === impl Error ===

impl Error {
    pub(crate) fn new(request: &str, cause: impl Into<Cause>) -> Self {
        Self { request: request.to_owned(), cause: cause.into() }
    }

    pub fn cause(&self) -> &Cause {
        &self.cause
    }

    /// The status and source that Grafana's Go SDK would choose.
    pub(crate) fn blame(&self) -> (u16, Source) {
        match &self.cause {
            Cause::Timeout => (504, Source::Downstream),
            Cause::Refused | Cause::Proxy(_) => (502, Source::Downstream),
            Cause::Status(status, _) if BLAMED_ON_PLUGIN.contains(&status.as_u16()) => {
                (status.as_u16(), Source::Plugin)
            }
            Cause::Status(status, _) => (status.as_u16(), Source::Downstream),
            Cause::Dns | Cause::Unreachable | Cause::Reset | Cause::Certificate(_) => {
                (500, Source::Downstream)
            }
            _ => (500, Source::Plugin),
        }
    }

    pub fn is_timeout(&self) -> bool {
        matches!(self.cause, Cause::Timeout)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.request, self.cause)
    }
}

impl std::error::Error for Error {}

// === impl Cause ===

impl Cause {
    /// The host's library passes the words of an error in a body, and not its code.
    pub(crate) fn in_body(words: String) -> Self {
        match words.as_str() {
            "connection read timeout" | "HTTP response timeout" => Self::Timeout,
            "connection terminated" => Self::Incomplete,
            // What follows is meant for people.
            _ => Self::Other(match words.strip_prefix("internal error: ") {
                Some(what) => what.to_owned(),
                None => words,
            }),
        }
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Invalid(what) => f.write_str(what),
            Self::Timeout => f.write_str("no response in time"),
            Self::Dns => f.write_str("the name cannot be resolved"),
            Self::Refused => f.write_str("connection refused"),
            Self::Unreachable => f.write_str("the address cannot be reached"),
            Self::Reset => f.write_str("the connection ended before the response began"),
            Self::Incomplete => f.write_str("the connection ended in the middle of the response"),
            Self::Certificate(what) => write!(f, "no secure connection: {what}"),
            Self::Tls(what) => write!(f, "no secure connection: {what}"),
            Self::Denied(what) => {
                write!(
                    f,
                    "the {what} is not granted to this plugin: the operator can grant it with gpx_allow_hosts"
                )
            }
            Self::Redirect(what) => f.write_str(what),
            Self::Status(status, body) => write!(f, "answered {status} ({body})"),
            Self::Decode(what) => write!(f, "unexpected JSON: {what}"),
            Self::Proxy(what) | Self::Other(what) => f.write_str(what),
        }
    }
}

impl From<ErrorCode> for Cause {
    fn from(code: ErrorCode) -> Self {
        match code {
            ErrorCode::DnsTimeout
            | ErrorCode::ConnectionTimeout
            | ErrorCode::ConnectionReadTimeout
            | ErrorCode::ConnectionWriteTimeout
            | ErrorCode::HttpResponseTimeout => Self::Timeout,
            ErrorCode::DnsError(_) | ErrorCode::DestinationNotFound => Self::Dns,
            ErrorCode::ConnectionRefused => Self::Refused,
            ErrorCode::DestinationUnavailable | ErrorCode::DestinationIpUnroutable => Self::Unreachable,
            ErrorCode::ConnectionTerminated | ErrorCode::HttpResponseIncomplete => Self::Reset,
            ErrorCode::TlsProtocolError => Self::Tls("the handshake failed"),
            ErrorCode::TlsAlertReceived(alert) => match (alert.alert_id, alert.alert_message) {
                // The host's own alert says what is wrong with the upstream's certificate.
                (None, Some(what)) => Self::Certificate(what),
                (id, _) => Self::Tls(id.map_or("the handshake failed", alert_words)),
            },
            ErrorCode::TlsCertificateError => Self::Certificate("the certificate is not trusted".to_owned()),
            ErrorCode::HttpRequestDenied => Self::Denied("origin"),
            ErrorCode::DestinationIpProhibited => Self::Denied("address"),
            // There is no code for it: the host's words begin so.
            ErrorCode::InternalError(Some(what)) if what.starts_with("no way to ") => Self::Proxy(what),
            ErrorCode::InternalError(Some(what)) => Self::Other(what),
            other => Self::Other(words(&other).to_owned()),
        }
    }
}

/// Why the upstream ended the handshake (RFC 8446, 6.2), where the data source's settings can help.
fn alert_words(alert: u8) -> &'static str {
    match alert {
        42 | 43 | 46 | 48 => {
            "the server does not accept the data source's client certificate: use one that it trusts (tlsClientCert, tlsClientKey)"
        }
        44 => {
            "the data source's client certificate has been revoked: use another (tlsClientCert, tlsClientKey)"
        }
        45 => "the data source's client certificate has expired: use another (tlsClientCert, tlsClientKey)",
        70 => "the server speaks neither TLS 1.2 nor 1.3, or not the version that Grafana insists on",
        112 => {
            "the server does not know the name that it was asked for: correct the URL or the data source's serverName"
        }
        116 => {
            "the server wants a client certificate: give the data source one (tlsAuth, tlsClientCert, tlsClientKey)"
        }
        _ => "the handshake failed",
    }
}

/// All other codes are about the form of the request or of the response; the host's log has the details.
fn words(code: &ErrorCode) -> &'static str {
    match code {
        ErrorCode::InternalError(_) => "the host failed to send the request",
        ErrorCode::ConnectionLimitReached => "too many connections are open",
        ErrorCode::HttpRequestUriInvalid => {
            "the URL is not valid: write it like http://host/path, with a port up to 65535"
        }
        ErrorCode::HttpRequestUriTooLong => "the URL is too long",
        ErrorCode::HttpResponseBodySize(_) => "the response is too large",
        ErrorCode::HttpResponseContentCoding(_) => "the response's encoding is not valid",
        ErrorCode::ConfigurationError => "the data source's HTTP settings are not valid",
        _ => "the request or its response is not valid HTTP",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Fault;

    fn fault(cause: impl Into<Cause>) -> (u16, Source) {
        let fault = Fault::from(Error::new("GET http://a.example/", cause));
        (fault.status, fault.source)
    }

    #[test]
    fn statuses_and_sources_are_those_of_go() {
        for (code, status) in [
            (ErrorCode::ConnectionTimeout, 504),
            (ErrorCode::HttpResponseTimeout, 504),
            (ErrorCode::ConnectionRefused, 502),
            (ErrorCode::ConnectionTerminated, 500),
            (ErrorCode::DestinationIpUnroutable, 500),
            (ErrorCode::TlsCertificateError, 500),
            (ErrorCode::DestinationNotFound, 500),
        ] {
            assert_eq!(fault(code.clone()), (status, Source::Downstream), "{code:?}");
        }
        for cause in [
            Cause::from(ErrorCode::HttpRequestDenied),
            ErrorCode::HttpProtocolError.into(),
            ErrorCode::TlsProtocolError.into(),
            Cause::Invalid("no URL".into()),
            Cause::Redirect("it leads nowhere".into()),
            Cause::Decode("it is not JSON".into()),
            Cause::Incomplete,
        ] {
            let name = format!("{cause:?}");
            assert_eq!(fault(cause), (500, Source::Plugin), "{name}");
        }
    }

    #[test]
    fn what_ends_a_body_is_known_by_its_words() {
        assert_eq!(fault(Cause::in_body("connection read timeout".into())), (504, Source::Downstream));
        assert_eq!(fault(Cause::in_body("connection terminated".into())), (500, Source::Plugin));
    }

    #[test]
    fn a_status_passes_on_with_the_source_that_go_gives_it() {
        assert_eq!(fault(Cause::Status(StatusCode::NOT_FOUND, String::new())), (404, Source::Downstream));
        assert_eq!(
            fault(Cause::Status(StatusCode::SERVICE_UNAVAILABLE, String::new())),
            (503, Source::Downstream)
        );
        assert_eq!(
            fault(Cause::Status(StatusCode::METHOD_NOT_ALLOWED, String::new())),
            (405, Source::Plugin)
        );
    }
}
