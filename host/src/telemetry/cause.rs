//! Why the collector does not take spans: by what somebody has to do about it.

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Cause {
    Unresolvable,
    Refused,
    Unreachable,
    TlsFiles,
    TlsUntrusted,
    /// The collector refuses this side's certificate, or asks for one.
    TlsClient,
    Tls,
    Timeout,
    /// The connection broke, or what came over it was not the protocol.
    Broken,
    /// HTTP 401, gRPC `Unauthenticated`.
    Unauthenticated,
    /// HTTP 403, gRPC `PermissionDenied`.
    Forbidden,
    /// HTTP 404, gRPC `Unimplemented`.
    NotFound,
    /// The collector asks for fewer spans.
    Throttled,
    Unavailable,
    TooLarge,
    /// Any other refusal that another attempt would not change.
    Rejected,
}

// === impl Cause ===

impl Cause {
    pub(crate) const ALL: [Self; 16] = [
        Self::Unresolvable,
        Self::Refused,
        Self::Unreachable,
        Self::TlsFiles,
        Self::TlsUntrusted,
        Self::TlsClient,
        Self::Tls,
        Self::Timeout,
        Self::Broken,
        Self::Unauthenticated,
        Self::Forbidden,
        Self::NotFound,
        Self::Throttled,
        Self::Unavailable,
        Self::TooLarge,
        Self::Rejected,
    ];

    /// Returns its name in metrics, logs and health details.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Unresolvable => "unresolvable",
            Self::Refused => "refused",
            Self::Unreachable => "unreachable",
            Self::TlsFiles => "tls_files",
            Self::TlsUntrusted => "tls_untrusted",
            Self::TlsClient => "tls_client_certificate",
            Self::Tls => "tls",
            Self::Timeout => "timeout",
            Self::Broken => "broken",
            Self::Unauthenticated => "unauthenticated",
            Self::Forbidden => "forbidden",
            Self::NotFound => "not_found",
            Self::Throttled => "throttled",
            Self::Unavailable => "unavailable",
            Self::TooLarge => "too_large",
            Self::Rejected => "rejected",
        }
    }

    /// Returns what to do about it, as an instruction.
    pub(crate) fn remedy(self) -> &'static str {
        match self {
            Self::Unresolvable => {
                "check the name in the collector's address, and that this machine's DNS or /etc/hosts knows it"
            }
            Self::Refused => "check that the collector runs and listens on that port",
            Self::Unreachable => {
                "check the address, and that the network and firewalls let this machine reach it"
            }
            Self::TlsFiles => "correct the path or the content of that file, and let Grafana's user read it",
            Self::TlsUntrusted => {
                "set `gpx_otlp_ca_file` to the authority that has signed the collector's certificate, and use a name \
                 that the certificate has; with http:// instead of https://, nothing is verified or encrypted"
            }
            Self::TlsClient => {
                "set `gpx_otlp_client_cert` and `gpx_otlp_client_key` to a certificate that the collector accepts"
            }
            Self::Tls => {
                "check that the collector uses TLS on that port; if it does not, write http:// instead of https://"
            }
            Self::Timeout => {
                "check that the collector answers and that no firewall drops packets, or raise `gpx_otlp_timeout`"
            }
            Self::Broken => {
                "check that the port takes OTLP by this protocol (usually 4317 for grpc, 4318 for http/protobuf), and \
                 whether it uses TLS: then write https://"
            }
            Self::Unauthenticated => "set `gpx_otlp_headers` to the credentials that the collector asks for",
            Self::Forbidden => "let the credentials in `gpx_otlp_headers` write traces, or use others",
            Self::NotFound => {
                "check that the port takes OTLP traces by this protocol, and for http/protobuf the path, usually /v1/traces"
            }
            Self::Throttled => "raise the collector's rate limit, or record fewer traces",
            Self::Unavailable => "check the collector's log, and whether what is behind it runs",
            Self::TooLarge => "raise the collector's limit for the size of a message",
            Self::Rejected => "check the collector's log",
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_cause_has_its_own_name_and_remedy() {
        let names: HashSet<_> = Cause::ALL.iter().map(|cause| cause.name()).collect();
        let remedies: HashSet<_> = Cause::ALL.iter().map(|cause| cause.remedy()).collect();
        assert_eq!((names.len(), remedies.len()), (Cause::ALL.len(), Cause::ALL.len()));
    }
}
