//! Where spans go, and how they get there.

use std::time::Duration;

use http::uri::Scheme;
use http::{HeaderName, HeaderValue, Uri};

use super::protocol::Protocol;
use super::tls::TlsFiles;
use super::{endpoint, pairs};
use crate::config::{Given, Origin, Tracing, duration};
use crate::telemetry::problem::TracingProblem;
use crate::text::Scrub;

/// How spans are sent, with the origin of each value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Destination {
    /// Scheme, `http` or `https`, and authority. Without a port, the scheme's own is meant. The path is `/` for gRPC, and
    /// the whole path of requests for `http/protobuf`.
    pub endpoint: Given<Uri>,
    pub protocol: Given<Protocol>,
    /// Only with an `https` endpoint.
    pub tls: TlsFiles,
    /// Sent with each request. The values are secret, and marked as sensitive.
    pub headers: Given<Vec<(HeaderName, HeaderValue)>>,
    pub compression: Given<Option<Gzip>>,
    /// For one attempt.
    pub timeout: Given<Duration>,
}

/// The only compression that OTLP knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Gzip;

/// OTLP's default.
const TIMEOUT: Duration = Duration::from_secs(10);

/// What the transport writes itself. Another value would break the request.
const RESERVED: [&str; 11] = [
    "connection",
    "content-encoding",
    "content-length",
    "content-type",
    "host",
    "keep-alive",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

// === impl Destination ===

impl Destination {
    /// Returns `None` if spans cannot be sent, or not as safely as the operator wants. `problems` then says why, unless
    /// nobody named an endpoint.
    pub(super) fn parse(given: &Tracing, problems: &mut Vec<TracingProblem>) -> Option<Self> {
        let endpoint = given.endpoint.as_ref()?;
        let protocol = Protocol::parse(given, endpoint.origin, problems);
        let tls = TlsFiles::parse(given, problems);
        let endpoint = endpoint::parse(endpoint, *protocol, &tls, problems);
        let (tls, endpoint) = (tls?, endpoint?);
        let headers = headers(given, problems);
        let compression = compression(given, problems);
        let timeout = timeout(given, problems);
        Some(Self { endpoint, protocol, tls, headers, compression, timeout })
    }

    /// Whether the connection is encrypted. If so, nothing is ever sent in plaintext.
    pub(crate) fn is_tls(&self) -> bool {
        self.endpoint.scheme() == Some(&Scheme::HTTPS)
    }

    /// Returns what removes the values of the headers from a text, such as the collector's answer.
    pub(crate) fn scrub(&self) -> Scrub {
        // With `Bearer`, and without.
        let values = self.headers.iter().filter_map(|(_, value)| str::from_utf8(value.as_bytes()).ok());
        Scrub::new(values.flat_map(|value| [value, value.rsplit(' ').next().unwrap_or(value)]))
    }
}

fn headers(given: &Tracing, problems: &mut Vec<TracingProblem>) -> Given<Vec<(HeaderName, HeaderValue)>> {
    let Some(given) = &given.headers else { return Given::default() };
    let header = |(name, value): (String, String)| {
        let name = HeaderName::try_from(name).ok().filter(|name| !is_reserved(name))?;
        let mut value = HeaderValue::try_from(value).ok()?;
        value.set_sensitive(true);
        Some((name, value))
    };
    let pairs = pairs::parse(&given.value.0);
    match pairs.and_then(|pairs| pairs.into_iter().map(header).collect::<Option<_>>()) {
        Some(headers) => given.with(headers),
        None => {
            let expected = "name=value pairs of headers other than those of the transport, separated by commas and \
                            percent-encoded";
            problems.push(TracingProblem::invalid(given.origin, expected, "none of them is sent"));
            Given::default()
        }
    }
}

fn is_reserved(name: &HeaderName) -> bool {
    RESERVED.contains(&name.as_str()) || name.as_str().starts_with("grpc-")
}

fn compression(given: &Tracing, problems: &mut Vec<TracingProblem>) -> Given<Option<Gzip>> {
    let Some(given) = &given.compression else { return Given::default() };
    match given.as_str() {
        "gzip" => given.with(Some(Gzip)),
        "none" => given.with(None),
        _ => {
            problems.push(TracingProblem::invalid(given.origin, "gzip or none", "nothing is compressed"));
            Given::default()
        }
    }
}

/// OpenTelemetry's variables are numbers of milliseconds.
fn timeout(given: &Tracing, problems: &mut Vec<TracingProblem>) -> Given<Duration> {
    let Some(given) = &given.timeout else { return Given::default_of(TIMEOUT) };
    let parsed = match given.origin {
        Origin::Otel(_) => {
            duration(&format!("{}ms", given.value)).map_err(|_| "a number of milliseconds up to a day")
        }
        _ => duration(&given.value),
    };
    match parsed {
        Ok(timeout) => given.with(timeout),
        Err(expected) => {
            problems.push(TracingProblem::invalid(given.origin, expected, "10s is used"));
            Given::default_of(TIMEOUT)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ENDPOINT: (&str, &str) = ("GF_PLUGIN_GPX_OTLP_ENDPOINT", "https://tempo.example");

    fn read(pairs: &[(&str, &str)]) -> (Option<Destination>, Vec<TracingProblem>) {
        let settings: crate::config::Settings = pairs.iter().copied().collect();
        let mut problems = Vec::new();
        (Destination::parse(&settings.tracing, &mut problems), problems)
    }

    fn good(pairs: &[(&str, &str)]) -> Destination {
        let (destination, problems) = read(pairs);
        assert_eq!(problems, []);
        destination.unwrap()
    }

    #[test]
    fn without_further_settings_it_is_grpc_as_grafana_does_it() {
        let destination = good(&[("GF_INSTANCE_OTLP_ADDRESS", "localhost:4317")]);
        assert_eq!(*destination.endpoint, "http://localhost:4317/");
        assert_eq!(*destination.protocol, Protocol::Grpc);
        assert_eq!((*destination.compression, *destination.timeout), (None, Duration::from_secs(10)));
        assert!(destination.headers.is_empty() && destination.tls == TlsFiles::default());
        assert!(!destination.is_tls());
        assert_eq!(read(&[]), (None, vec![]));
    }

    #[test]
    fn each_value_has_its_origin() {
        let destination = good(&[
            ENDPOINT,
            ("GF_PLUGIN_GPX_OTLP_CA_FILE", "/etc/ca.pem"),
            ("GF_PLUGIN_GPX_OTLP_TIMEOUT", "2s"),
            ("OTEL_EXPORTER_OTLP_TIMEOUT", "3000"),
            ("OTEL_EXPORTER_OTLP_COMPRESSION", "gzip"),
        ]);
        assert!(destination.is_tls());
        assert_eq!(destination.endpoint.origin, Origin::Plugin("gpx_otlp_endpoint"));
        assert_eq!(destination.tls.ca_file.unwrap().origin, Origin::Plugin("gpx_otlp_ca_file"));
        assert_eq!(
            destination.timeout,
            Given { value: Duration::from_secs(2), origin: Origin::Plugin("gpx_otlp_timeout") }
        );
        assert_eq!(
            destination.compression,
            Given { value: Some(Gzip), origin: Origin::Otel("OTEL_EXPORTER_OTLP_COMPRESSION") }
        );
        assert_eq!(destination.protocol.origin, Origin::Default);
        let destination =
            good(&[("OTEL_EXPORTER_OTLP_ENDPOINT", "http://a:1"), ("OTEL_EXPORTER_OTLP_TIMEOUT", "3000")]);
        assert_eq!(*destination.timeout, Duration::from_secs(3));
    }

    #[test]
    fn opentelemetrys_protocol_does_not_reach_grafanas_address() {
        let otel = ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf");
        let destination = good(&[("GF_INSTANCE_OTLP_ADDRESS", "localhost:4317"), otel]);
        assert_eq!(destination.protocol, Given::default());
        assert_eq!(*good(&[ENDPOINT, otel]).protocol, Protocol::Grpc);
        let destination = good(&[("OTEL_EXPORTER_OTLP_ENDPOINT", "http://a:1"), otel]);
        assert_eq!(*destination.protocol, Protocol::HttpProtobuf);
    }

    #[test]
    fn headers_are_decoded_and_never_printed() {
        let destination = good(&[
            ENDPOINT,
            ("GF_PLUGIN_GPX_OTLP_HEADERS", "Authorization=Bearer%20geheim, x-scope-orgid = 7 "),
        ]);
        let headers: Vec<_> = destination
            .headers
            .iter()
            .map(|(name, value)| (name.as_str(), value.to_str().unwrap()))
            .collect();
        assert_eq!(headers, [("authorization", "Bearer geheim"), ("x-scope-orgid", "7")]);
        let shown = format!("{destination:?}");
        assert!(shown.contains("authorization") && !shown.contains("geheim"), "{shown}");
        let echo = "401: not Bearer geheim, geheim".to_owned();
        assert!(!destination.scrub().text(echo).contains("geheim"));
    }

    #[test]
    fn a_header_in_any_script_is_never_printed() {
        let headers = ("GF_PLUGIN_GPX_OTLP_HEADERS", "authorization=Bearer%20gehe%C3%AFm");
        let echo = "401: not Bearer geheïm, geheïm".to_owned();
        assert!(!good(&[ENDPOINT, headers]).scrub().text(echo).contains("geheïm"));
    }

    #[test]
    fn a_bad_header_is_reported_without_its_value() {
        for bad in ["geheim", "a b=geheim", "host=geheim", "grpc-timeout=geheim", "a=geheim%0a", "=geheim"] {
            let (destination, problems) = read(&[ENDPOINT, ("GF_PLUGIN_GPX_OTLP_HEADERS", bad)]);
            assert!(destination.unwrap().headers.is_empty(), "{bad}");
            let [problem] = problems.as_slice() else { panic!("{bad}: {problems:?}") };
            assert_eq!(problem.origin(), Origin::Plugin("gpx_otlp_headers"));
            assert!(!problem.to_string().contains("geheim") && !format!("{problem:?}").contains("geheim"));
        }
    }

    #[test]
    fn tls_files_that_cannot_be_used_turn_tracing_off() {
        for bad in [
            &[("GF_PLUGIN_GPX_OTLP_CA_FILE", "ca.pem")][..],
            &[("GF_PLUGIN_GPX_OTLP_CLIENT_CERT", "/c.pem")],
            &[("GF_PLUGIN_GPX_OTLP_CLIENT_KEY", "/c.pem")],
            &[("GF_PLUGIN_GPX_OTLP_CLIENT_CERT", "/c.pem"), ("OTEL_EXPORTER_OTLP_CLIENT_KEY", "k.pem")],
        ] {
            let (destination, problems) = read(&[&[ENDPOINT], bad].concat());
            assert_eq!((destination, problems.len()), (None, 1), "{bad:?}");
        }
    }

    #[test]
    fn other_bad_values_have_their_default() {
        let (destination, problems) = read(&[
            ENDPOINT,
            ("GF_PLUGIN_GPX_OTLP_PROTOCOL", "http/json"),
            ("GF_PLUGIN_GPX_OTLP_COMPRESSION", "zstd"),
            ("GF_PLUGIN_GPX_OTLP_TIMEOUT", "5"),
        ]);
        assert_eq!(destination, Some(good(&[ENDPOINT])));
        let texts: Vec<_> = problems.iter().map(ToString::to_string).collect();
        assert_eq!(
            texts[0],
            "gpx_otlp_protocol must be grpc or http/protobuf; until it is corrected, grpc is used"
        );
        assert_eq!(texts.len(), 3);
    }
}
