//! Compares two traces of the same calls, one of them from a plugin on the Go SDK, and finds unintended differences.

use serde_json::Value;

use super::{Attributes, Event, Span, Trace, waterfall};

/// Attributes that are ignored on both sides, and why.
const LEFT_OUT: &[(&str, &str)] = &[
    ("pyroscope.profile.id", "links a span to a Go profile; a component has no such profile"),
    ("exception.type", "a Go type name on one side, a Rust type name or none on the other"),
    ("exception.stacktrace", "names functions of the plugin"),
    ("telemetry.sdk.language", "names the SDK that made the span"),
    ("telemetry.sdk.name", "names the SDK that made the span"),
    ("telemetry.sdk.version", "names the SDK that made the span"),
    ("process.runtime.name", "names the runtime"),
    ("process.runtime.version", "names the runtime"),
    ("process.runtime.description", "names the runtime"),
];

/// Attributes of which only the presence is compared, because their values differ in each run: addresses, ports, times.
const OF_ONE_RUN: &[&str] = &[
    "server.address",
    "server.port",
    "http.remote",
    "http.local",
    "http.conn.idletime",
    "http.conn.done.addr",
];

/// Services that go-plugin calls on its own. The Go SDK makes server spans for them, some of which never end; this host
/// makes none.
const NOT_OF_GRAFANA: &[&str] = &["plugin.", "grpc.health.", "grpc.reflection."];

/// Checks that there are no unintended differences between the traces of `what`.
pub fn assert_alike(what: &str, ours: &Trace, theirs: &Trace) {
    let found = differences(ours, theirs);
    assert!(
        found.is_empty(),
        "{what}:\n{}\nours:\n{}theirs:\n{}",
        found.join("\n"),
        waterfall(ours),
        waterfall(theirs)
    );
}

/// Returns everything about a trace that is compared, a line for each fact, with the path of its span.
pub fn lines(trace: &Trace) -> Vec<String> {
    fn descend(path: &str, trees: &[Tree], lines: &mut Vec<String>) {
        for tree in trees {
            let path = format!("{path}/{}", tree.name);
            lines.push(format!("span {path}"));
            lines.extend(tree.facts.iter().map(|fact| format!("span {path}: {fact}")));
            descend(&path, &tree.children, lines);
        }
    }
    let mut lines = Vec::new();
    descend("", &forest(trace), &mut lines);
    lines
}

/// Returns a line for each difference between the trees, and none if they are equal. The order of siblings does not
/// matter. The scope names the library that made a span and is not compared. `http.url` is compared without userinfo
/// and query values, which this host redacts, and with the path `/` if it has none.
fn differences(ours: &Trace, theirs: &Trace) -> Vec<String> {
    let mut found = Vec::new();
    siblings("", &forest(ours), &forest(theirs), &mut found);
    found
}

/// Returns the trees of a trace, in an order that does not depend on the run.
fn forest(trace: &Trace) -> Vec<Tree> {
    let mut trees: Vec<_> =
        trace.roots().into_iter().filter(compared).map(|root| tree(trace, root)).collect();
    trees.sort();
    trees
}

#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Tree {
    name: String,
    /// Everything about the span itself, one line each.
    facts: Vec<String>,
    children: Vec<Tree>,
}

fn compared(span: &&Span) -> bool {
    !NOT_OF_GRAFANA.iter().any(|service| span.name.starts_with(service))
}

fn tree(trace: &Trace, span: &Span) -> Tree {
    let mut children: Vec<_> =
        trace.children(span).into_iter().filter(compared).map(|child| tree(trace, child)).collect();
    children.sort();
    let mut facts = vec![
        format!("kind {}", span.kind),
        format!("status {} {:?}", span.status, without_ports(&span.status_message)),
    ];
    facts.extend(pairs(&span.attributes).map(|pair| format!("attribute {pair}")));
    facts.extend(pairs(&span.resource).map(|pair| format!("resource {pair}")));
    // In the order of their times, because the order is compared too.
    facts.extend(
        span.events.iter().enumerate().map(|(number, event)| format!("event {number} {}", fact(event))),
    );
    Tree { name: span.name.clone(), facts, children }
}

fn fact(event: &Event) -> String {
    let attributes: Vec<_> = pairs(&event.attributes).collect();
    format!("{} {{{}}}", without_ports(&event.name), attributes.join(", "))
}

fn pairs(attributes: &Attributes) -> impl Iterator<Item = String> {
    attributes.iter().filter(|(key, _)| !LEFT_OUT.iter().any(|(left_out, _)| left_out == key)).map(
        |(key, value)| {
            let value = match value {
                _ if OF_ONE_RUN.contains(&key.as_str()) => "…".to_owned(),
                Value::String(url) if key == "http.url" => redacted(url),
                Value::String(text) => without_ports(text),
                other => other.to_string(),
            };
            format!("{}={value}", without_ports(key))
        },
    )
}

fn siblings(path: &str, ours: &[Tree], theirs: &[Tree], found: &mut Vec<String>) {
    let mut theirs: Vec<_> = theirs.iter().collect();
    for tree in ours {
        // An equal tree, otherwise one of that name: then the difference is inside it.
        let same = theirs.iter().position(|other| *other == tree);
        let alike = same.or_else(|| theirs.iter().position(|other| other.name == tree.name));
        match alike {
            Some(place) => compare(path, tree, theirs.remove(place), found),
            None => found.push(format!("{path}/{}: only ours", tree.name)),
        }
    }
    found.extend(theirs.iter().map(|tree| format!("{path}/{}: only theirs", tree.name)));
}

fn compare(path: &str, ours: &Tree, theirs: &Tree, found: &mut Vec<String>) {
    let path = format!("{path}/{}", ours.name);
    let missing = |from: &Tree, of: &Tree| {
        of.facts.iter().filter(|fact| !from.facts.contains(fact)).cloned().collect::<Vec<_>>()
    };
    found.extend(missing(theirs, ours).iter().map(|fact| format!("{path}: only ours: {fact}")));
    found.extend(missing(ours, theirs).iter().map(|fact| format!("{path}: only theirs: {fact}")));
    siblings(&path, &ours.children, &theirs.children, found);
}

/// Returns scheme, host, path and the names of the query parameters, which both sides may show.
fn redacted(url: &str) -> String {
    let (base, query) = url.split_once('?').unwrap_or((url, ""));
    let base = match (base.find("://"), base.rfind('@')) {
        (Some(scheme), Some(at)) if at > scheme => {
            [base.get(..scheme + 3), base.get(at + 1..)].into_iter().flatten().collect()
        }
        _ => base.to_owned(),
    };
    // A URL without a path requests `/` and is written with it here; Go keeps the URL as it is in the settings.
    let root = base.find("://").is_some_and(|scheme| !base[scheme + 3..].contains('/'));
    let base = if root { format!("{base}/") } else { base };
    let names: Vec<_> = query.split('&').filter_map(|pair| pair.split('=').next()).collect();
    format!("{}?{}", without_ports(&base), names.join("&"))
}

/// Ports differ in each run: `127.0.0.1:40123` becomes `127.0.0.1:…`.
pub fn without_ports(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(colon) = rest.find(':') {
        let (before, after) = rest.split_at(colon + 1);
        out.push_str(before);
        let digits = after.find(|c: char| !c.is_ascii_digit()).unwrap_or(after.len());
        rest = if digits >= 4 {
            out.push('…');
            after.split_at(digits).1
        } else {
            after
        };
    }
    out + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    fn span(name: &str, id: &str, parent: &str, attributes: &[(&str, &str)]) -> Span {
        Span {
            name: name.into(),
            kind: "internal".into(),
            status: "unset".into(),
            span_id: id.into(),
            parent_id: parent.into(),
            attributes: attributes
                .iter()
                .map(|(key, value)| ((*key).to_owned(), Value::from(*value)))
                .collect(),
            ..Default::default()
        }
    }

    #[test]
    fn equal_except_for_order_ids_and_ports() {
        let ours = Trace::new(vec![
            span("call", "1", "0", &[("http.url", "http://127.0.0.1:40001/x?token=REDACTED")]),
            span("A", "2", "1", &[]),
            span("B", "3", "1", &[("pyroscope.profile.id", "3")]),
        ]);
        let theirs = Trace::new(vec![
            span("plugin.GRPCStdio/StreamStdio", "9", "0", &[]),
            span("B", "7", "8", &[]),
            span("A", "6", "8", &[]),
            span("call", "8", "5", &[("http.url", "http://u:p@127.0.0.1:50001/x?token=secret")]),
        ]);
        assert_eq!(differences(&ours, &theirs), Vec::<String>::new());
    }

    #[test]
    fn names_the_differences() {
        let ours = Trace::new(vec![span("call", "1", "0", &[("user", "ada")]), span("A", "2", "1", &[])]);
        let mut theirs = Trace::new(vec![span("call", "1", "0", &[("user", "bob")])]);
        theirs.spans[0].status = "error".into();
        assert_eq!(
            differences(&ours, &theirs),
            [
                "/call: only ours: status unset \"\"",
                "/call: only ours: attribute user=ada",
                "/call: only theirs: status error \"\"",
                "/call: only theirs: attribute user=bob",
                "/call/A: only ours",
            ]
        );
    }

    #[test]
    fn a_moved_span_is_a_difference() {
        let flat =
            Trace::new(vec![span("a", "1", "0", &[]), span("b", "2", "1", &[]), span("c", "3", "1", &[])]);
        let deep =
            Trace::new(vec![span("a", "1", "0", &[]), span("b", "2", "1", &[]), span("c", "3", "2", &[])]);
        assert_eq!(differences(&flat, &deep), ["/a/b/c: only theirs", "/a/c: only ours"]);
    }
}
