use opentelemetry::trace::TraceContextExt as _;

use super::*;

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const OTHER: &str = "0af7651916cd43dd8448eb211c80319c";
const SPAN: &str = "00f067aa0ba902b7";

fn parse(list: &str) -> (Propagation, usize) {
    let mut problems = Vec::new();
    let propagation = Propagation::parse(Some(&Given::default_of(list.to_owned())), &mut problems);
    (propagation.value, problems.len())
}

fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
    pairs.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect()
}

fn passed_on(list: &str, incoming: &HeaderMap) -> HeaderMap {
    let propagation = parse(list).0;
    let mut outgoing = HeaderMap::new();
    propagation.inject(&propagation.extract(incoming), &mut outgoing);
    outgoing
}

#[test]
fn the_list_is_trimmed_and_case_does_not_matter() {
    for (list, expected, problems) in [
        ("", "w3c,baggage", 0),
        (" , ", "w3c,baggage", 0),
        (" W3C ,", "w3c,baggage", 0),
        ("jaeger", "jaeger", 0),
        ("Jaeger, w3c", "jaeger,w3c,baggage", 0),
        ("w3c,jaeger", "w3c,jaeger,baggage", 0),
        ("w3c,jaeger,w3c", "jaeger,w3c,baggage", 0),
        ("b3", "w3c,baggage", 1),
        ("b3,jaeger,xray", "jaeger", 2),
    ] {
        let (propagation, count) = parse(list);
        assert_eq!((propagation.to_string().as_str(), count), (expected, problems), "{list}");
    }
    let mut problems = Vec::new();
    assert_eq!(Propagation::parse(None, &mut problems).to_string(), "w3c,baggage");
    assert_eq!(problems, []);
}

#[test]
fn each_format_reads_and_writes_its_own_headers() {
    let traceparent = format!("00-{TRACE}-{SPAN}-01");
    let uber = format!("{TRACE}:{SPAN}:0:1");
    let w3c = headers(&[("traceparent", &traceparent), ("tracestate", "a=1"), ("baggage", "tenant=7")]);
    let jaeger = headers(&[("uber-trace-id", &uber)]);
    assert_eq!(passed_on("w3c", &w3c), w3c);
    assert_eq!(passed_on("w3c", &jaeger), HeaderMap::new());
    assert_eq!(passed_on("jaeger", &jaeger), jaeger);
    assert_eq!(passed_on("jaeger", &w3c), HeaderMap::new());
    for both in ["jaeger,w3c", "w3c,jaeger"] {
        let mut all = w3c.clone();
        all.extend(jaeger.clone());
        assert_eq!(passed_on(both, &w3c), all, "{both}");
        let written = passed_on(both, &jaeger);
        assert_eq!(written["uber-trace-id"], uber.as_str());
        assert_eq!(written["traceparent"], traceparent.as_str());
    }
}

/// Lines of a header, what comes in it, and what Go's propagator makes of that, computed by a test of tests/peer.
const OF_GO: &str = include_str!("../../../../tests/peer/propagation/cases.txt");

/// Where Go does not do what W3C Trace Context says, and this host does: a `traceparent` of version 00 must end after its flags,
/// and flags without a meaning are to be ignored.
const OF_W3C: [(&str, &str); 2] = [
    ("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-", ""),
    (
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-ff",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-03",
    ),
];

#[test]
fn a_header_goes_out_as_go_would_send_it() {
    for line in OF_GO.lines() {
        let [header, incoming, expected] = line.splitn(3, '\t').collect::<Vec<_>>().try_into().unwrap();
        let list = if header == "uber-trace-id" { "jaeger" } else { "w3c" };
        let value = |text: &str| http::HeaderValue::from_bytes(text.as_bytes()).unwrap();
        let mut headers: HeaderMap = [(header.parse().unwrap(), value(incoming))].into_iter().collect();
        if header == "tracestate" {
            headers.insert("traceparent", value(&format!("00-{TRACE}-{SPAN}-01")));
        }
        let outgoing = passed_on(list, &headers);
        let outgoing = outgoing.get(header).map_or("", |value| value.to_str().unwrap());
        let expected = match OF_W3C.iter().find(|(ours, _)| *ours == incoming) {
            Some((_, instead)) => {
                assert_ne!(*instead, expected, "Go does the same now");
                instead
            }
            None => expected,
        };
        if header == "baggage" {
            let mut members: Vec<_> = outgoing.split(',').collect();
            members.sort_unstable();
            assert_eq!(members.join(","), expected, "of {headers:?}");
        } else {
            assert_eq!(outgoing, expected, "of {headers:?}");
        }
    }
}

#[test]
fn of_two_contexts_the_last_format_counts() {
    let incoming = headers(&[
        ("traceparent", &format!("00-{TRACE}-{SPAN}-01")),
        ("uber-trace-id", &format!("{OTHER}:{SPAN}:0:1")),
    ]);
    let trace = |list| parse(list).0.extract(&incoming).span().span_context().trace_id().to_string();
    assert_eq!(trace("jaeger,w3c"), TRACE);
    assert_eq!(trace("w3c,jaeger"), OTHER);
}

#[test]
fn without_tracing_there_is_no_baggage() {
    let incoming = headers(&[("baggage", "tenant=7")]);
    let mut outgoing = HeaderMap::new();
    Propagation::default().inject(&Propagation::default().extract(&incoming), &mut outgoing);
    assert!(outgoing.is_empty());
}
