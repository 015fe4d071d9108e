//! The collector's address, in the three forms in which it is given.

use http::Uri;
use http::uri::{Authority, PathAndQuery, Scheme};

use super::protocol::Protocol;
use super::tls::{OFF, TlsFiles};
use crate::config::{Given, OTEL_TRACES_ENDPOINT, Origin};
use crate::telemetry::problem::TracingProblem;

/// OTLP's path for traces, below the path of an endpoint for all signals.
const TRACES: &str = "/v1/traces";

/// `tls` is `None` if the files are invalid.
pub(super) fn parse(
    given: &Given<String>,
    protocol: Protocol,
    tls: &Option<TlsFiles>,
    problems: &mut Vec<TracingProblem>,
) -> Option<Given<Uri>> {
    let wants_tls = tls.as_ref().is_none_or(TlsFiles::wanted);
    let (scheme, authority, base) = match given.origin {
        Origin::Grafana(_) => {
            let Some(authority) = host_and_port(given) else {
                // Before it, there may be a password.
                let shown = match given.rsplit_once('@') {
                    Some((_, host)) => format!("…@{host}"),
                    None => given.value.clone(),
                };
                problems.push(TracingProblem::Address(shown));
                return None;
            };
            (if wants_tls { Scheme::HTTPS } else { Scheme::HTTP }, authority, String::new())
        }
        _ => {
            let Some(parts) = url(given) else {
                let expected = "a URL that starts with http:// or https://, without user, password or query";
                problems.push(TracingProblem::invalid(given.origin, expected, OFF));
                return None;
            };
            parts
        }
    };
    if wants_tls && scheme == Scheme::HTTP {
        problems.push(TracingProblem::Plaintext(given.origin));
        return None;
    }
    if protocol == Protocol::Grpc && !base.is_empty() {
        problems.push(TracingProblem::Path(given.origin));
    }
    let path = match protocol {
        Protocol::Grpc => "/".to_owned(),
        Protocol::HttpProtobuf if given.origin == Origin::Otel(OTEL_TRACES_ENDPOINT) => base,
        Protocol::HttpProtobuf if base.ends_with(TRACES) => base,
        Protocol::HttpProtobuf => base + TRACES,
    };
    let path = PathAndQuery::try_from(if path.is_empty() { "/".to_owned() } else { path }).ok()?;
    let uri = Uri::builder().scheme(scheme).authority(authority).path_and_query(path).build().ok()?;
    Some(given.with(uri))
}

fn host_and_port(address: &str) -> Option<Authority> {
    let authority: Authority = address.parse().ok()?;
    let complete = authority.port_u16().is_some() && !authority.host().is_empty() && !address.contains('@');
    complete.then_some(authority)
}

/// Returns the parts of a URL. Its path has no slash at the end.
fn url(text: &str) -> Option<(Scheme, Authority, String)> {
    let uri: Uri = text.parse().ok()?;
    let scheme = uri.scheme().filter(|scheme| [&Scheme::HTTP, &Scheme::HTTPS].contains(scheme))?;
    let authority = uri.authority()?;
    // What is behind the host must be a port.
    let complete = authority.port_u16().is_some() || authority.as_str() == authority.host();
    let plain = !text.contains(['@', '?', '#']) && !authority.host().is_empty() && complete;
    plain.then(|| (scheme.clone(), authority.clone(), uri.path().trim_end_matches('/').to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const GRAFANA: Origin = Origin::Grafana("address");
    const PLUGIN: Origin = Origin::Plugin("gpx_otlp_endpoint");
    const ANY: Origin = Origin::Otel("OTEL_EXPORTER_OTLP_ENDPOINT");
    const ONLY_TRACES: Origin = Origin::Otel(OTEL_TRACES_ENDPOINT);

    fn read(
        text: &str,
        origin: Origin,
        protocol: Protocol,
        tls: TlsFiles,
    ) -> (Option<String>, Vec<TracingProblem>) {
        let mut problems = Vec::new();
        let given = Given { value: text.to_owned(), origin };
        let endpoint = parse(&given, protocol, &Some(tls), &mut problems);
        (endpoint.map(|endpoint| endpoint.value.to_string()), problems)
    }

    fn ca(origin: Origin) -> TlsFiles {
        TlsFiles { ca_file: Some(Given { value: "/ca.pem".into(), origin }), ..TlsFiles::default() }
    }

    #[test]
    fn grafanas_address_is_host_and_port() {
        let read = |text| read(text, GRAFANA, Protocol::Grpc, TlsFiles::default());
        for good in ["localhost:4317", "127.0.0.1:4317", "[::1]:4317", "tempo.monitoring.svc:4317"] {
            assert_eq!(read(good), (Some(format!("http://{good}/")), vec![]));
        }
        for bad in ["localhost", "http://localhost:4317", ":4317", "host:99999", "a b:1"] {
            assert_eq!(read(bad), (None, vec![TracingProblem::Address(bad.into())]));
        }
        let hidden = TracingProblem::Address("…@host:4317".into());
        assert_eq!(read("ada:geheim@host:4317"), (None, vec![hidden]));
    }

    #[test]
    fn others_are_urls() {
        let read = |text, protocol| read(text, PLUGIN, protocol, TlsFiles::default());
        for (text, grpc, http) in [
            ("https://a.example", "https://a.example/", "https://a.example/v1/traces"),
            ("http://[::1]:4318/", "http://[::1]:4318/", "http://[::1]:4318/v1/traces"),
        ] {
            assert_eq!(read(text, Protocol::Grpc), (Some(grpc.into()), vec![]));
            assert_eq!(read(text, Protocol::HttpProtobuf), (Some(http.into()), vec![]));
        }
        for text in ["https://a.example/otlp", "https://a.example/otlp/", "https://a.example/otlp/v1/traces"]
        {
            let http = read(text, Protocol::HttpProtobuf);
            assert_eq!(http, (Some("https://a.example/otlp/v1/traces".into()), vec![]));
            assert_eq!(
                read(text, Protocol::Grpc),
                (Some("https://a.example/".into()), vec![TracingProblem::Path(PLUGIN)])
            );
        }
        for bad in [
            "a.example:4317",
            "ftp://a.example",
            "https://",
            "https://ada:geheim@a.example",
            "https://a.example/?token=geheim",
            "https://a.example/#part",
            "https://a.example:99999",
            "/v1/traces",
        ] {
            let (endpoint, problems) = read(bad, Protocol::Grpc);
            assert_eq!((endpoint, problems.len()), (None, 1), "{bad}");
            assert!(!problems[0].to_string().contains("geheim"));
        }
    }

    #[test]
    fn the_endpoint_for_traces_is_used_as_it_is() {
        let read = |text, origin| read(text, origin, Protocol::HttpProtobuf, TlsFiles::default()).0.unwrap();
        assert_eq!(read("http://a:1/x", ANY), "http://a:1/x/v1/traces");
        assert_eq!(read("http://a:1/x", ONLY_TRACES), "http://a:1/x");
        assert_eq!(read("http://a:1", ONLY_TRACES), "http://a:1/");
    }

    #[test]
    fn whoever_wants_tls_never_gets_plaintext() {
        let read = |text, origin, files| read(text, origin, Protocol::Grpc, ca(files));
        assert_eq!(read("a:4317", GRAFANA, PLUGIN), (Some("https://a:4317/".into()), vec![]));
        assert_eq!(read("a:4317", GRAFANA, ANY), (Some("http://a:4317/".into()), vec![]));
        assert_eq!(read("http://a:4317", PLUGIN, PLUGIN), (None, vec![TracingProblem::Plaintext(PLUGIN)]));
        assert_eq!(read("http://a:4317", ANY, ANY).0.unwrap(), "http://a:4317/");
    }
}
