//! What differs from Go plugins on purpose, call by call.

use std::fmt;

/// An intended difference: a line that only one side has.
#[derive(Debug)]
pub(super) struct Intended {
    /// The beginnings of the names of the calls that it concerns.
    calls: &'static [&'static str],
    /// What the line contains, one of these.
    lines: &'static [&'static str],
    go: &'static str,
    ours: &'static str,
    reason: &'static str,
}

/// docs/tracing.md prints it.
pub(super) const INTENDED: &[Intended] = &[
    Intended {
        calls: &["the caller's deadline"],
        lines: &[""],
        go: "the code that the plugin makes of it, in vain; spans end unset, with `CANCELLED`",
        ours: "`DeadlineExceeded`, and the spans that are open then end in error",
        reason: "the trace says what happened",
    },
    Intended {
        calls: &["cancelled", "a cancelled check"],
        lines: &[""],
        go: "goes on until the plugin's code returns, and has the status of what that makes of it",
        ours: "ends at once, with the status `cancelled`; spans that are open then end in error",
        reason: "nobody waits for it, whatever the plugin does",
    },
    Intended {
        calls: &["a trap"],
        lines: &[
            "answer A",
            "failure",
            "metric gr",
            "QueryData: status",
            "QueryData: attribute rpc.response.status_code",
            "sdk.queryData: attribute",
            "log ",
            // Of the test component.
            "resource probe.",
            "resource my_plugin.",
        ],
        go: "a panic fails the whole call, and nothing but gRPC counts it",
        ours: "a trap, as of a panic, is the error of its query; the call is recorded as any other",
        reason: "each panel shows the reason, and the operator sees the failures",
    },
    Intended {
        calls: &["unknown flags"],
        lines: &[""],
        go: "a `traceparent` of version 00 with more flags than two is no parent",
        ours: "the other flags are ignored",
        reason: "W3C Trace Context, §3.2.2.5",
    },
    Intended {
        calls: &["baggage"],
        lines: &["request header baggage"],
        go: "baggage is left out",
        ours: "baggage is handed on, as Grafana itself does",
        reason: "whoever sends baggage wants it to arrive",
    },
    Intended {
        calls: &["a redirect to nowhere"],
        lines: &["HTTP Outgoing Request", "metric plugins_datasource"],
        go: "a span for the request that cannot be sent",
        ours: "none",
        reason: "the component follows redirects, and asks the host only for what is a URL",
    },
    Intended {
        calls: &["reset", "no HTTP", "a bad header", "too slow for the data source"],
        lines: &["exception.message="],
        go: "an exception names both addresses, or shows what was received",
        ours: "the beginning of Go's words, and then its own, with the limit if there was one",
        reason: "what an upstream sends may be secret",
    },
    Intended {
        calls: &["HTTP/2"],
        lines: &["http.send.", "http.receive.start"],
        go: "the events of sending are missing at times, if the answer has no body",
        ours: "they are always there",
        reason: "Go's client for HTTP/2 adds them in another goroutine than the one that ends the span",
    },
    Intended {
        calls: &["HTTP/2, reset"],
        lines: &["exception.message="],
        go: "an exception has the number of the stream",
        ours: "it does not",
        reason: "it says nothing about the upstream",
    },
    Intended {
        calls: &["unknown"],
        lines: &["no such host"],
        go: "an exception names the DNS server",
        ours: "it does not",
        reason: "any of several may have said so",
    },
    Intended {
        calls: &["a query that is not JSON", "a query of another type"],
        lines: &["answer A", "exception.message"],
        go: "the words of `encoding/json`",
        ours: "the words of `gpx-sdk`, with the query and the field",
        reason: "two parsers",
    },
    Intended {
        calls: &["a path and a query string"],
        lines: &["http.url="],
        go: "query parameters are sorted, if the plugin uses `url.Values`",
        ours: "query parameters stay in their order",
        reason: "the twin's own code",
    },
    Intended {
        calls: &["no data source", "subscribe", "publish", "run", "chunks"],
        lines: &["status error", "exception.message", "log "],
        go: "`data source instance settings cannot be nil`, `unimplemented`",
        ours: "names what is missing, or what the plugin does not export",
        reason: "Grafana reads only the code, people read the text",
    },
    Intended {
        calls: &["no data source", "subscribe", "publish", "run", "chunks"],
        lines: &["plugins_active_instances", "plugins_datasource_instances_total"],
        go: "an instance is counted if a call that nobody serves has a data source, none without one",
        ours: "the other way round",
        reason: "an instance is made for whatever is called",
    },
    Intended {
        calls: &["validate", "mutate", "convert"],
        lines: &["span /"],
        go: "nothing, since the service is not registered",
        ours: "a span, if the plugin does not export what is called",
        reason: "the trace shows that somebody asked",
    },
    Intended {
        calls: &["another method", "nothing there", "migrate what is no JSON", "echo"],
        lines: &["answer body", "answer headers"],
        go: "texts of `net/http`, and types that it guesses",
        ours: "JSON with `message`, and no type that nobody named",
        reason: "Grafana's front end shows it",
    },
    Intended {
        calls: &["migrate"],
        lines: &["answer body"],
        go: "JSON ends with a line break",
        ours: "it does not",
        reason: "two encoders",
    },
    Intended {
        calls: &["echo of nothing"],
        lines: &[""],
        go: "a handler that writes nothing panics",
        ours: "an empty answer",
        reason: "a fault of the SDK's adapter",
    },
];

/// A line that only one side has.
#[derive(Debug)]
pub(super) enum Difference {
    OnlyOurs(String),
    OnlyTheirs(String),
}

/// Returns the lines that only one of them has. Each line counts as often as it is there.
pub(super) fn between(ours: &[String], theirs: &[String]) -> Vec<Difference> {
    let only_ours = without(ours, theirs).map(Difference::OnlyOurs);
    only_ours.chain(without(theirs, ours).map(Difference::OnlyTheirs)).collect()
}

fn without(lines: &[String], others: &[String]) -> impl Iterator<Item = String> {
    let mut others = others.to_vec();
    let is_alone = move |line: &&String| match others.iter().position(|other| other == *line) {
        Some(place) => {
            others.swap_remove(place);
            false
        }
        None => true,
    };
    lines.iter().filter(is_alone).cloned()
}

/// Returns the list as docs/tracing.md prints it.
pub(super) fn table() -> String {
    let rows = INTENDED.iter().map(|Intended { calls, go, ours, reason, .. }| {
        format!("| {} | {go} | {ours} | {reason} |\n", calls.join("; "))
    });
    format!("| calls | Go SDK | gpx-host | reason |\n|---|---|---|---|\n{}", rows.collect::<String>())
}

// === impl Difference ===

impl Difference {
    fn line(&self) -> &str {
        match self {
            Self::OnlyOurs(line) | Self::OnlyTheirs(line) => line,
        }
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let side = if matches!(self, Self::OnlyOurs(_)) { "ours" } else { "theirs" };
        write!(f, "only {side}: {}", self.line())
    }
}

// === impl Intended ===

impl Intended {
    /// Whether this is the reason of the difference, in the call of that name.
    pub(super) fn explains(&self, call: &str, difference: &Difference) -> bool {
        self.calls.iter().any(|beginning| call.starts_with(beginning))
            && self.lines.iter().any(|part| difference.line().contains(part))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_counts_as_often_as_it_is_there() {
        let lines = |text: &str| text.split(' ').map(str::to_owned).collect::<Vec<_>>();
        let found: Vec<_> =
            between(&lines("a b b c"), &lines("b a d")).iter().map(ToString::to_string).collect();
        assert_eq!(found, ["only ours: b", "only ours: c", "only theirs: d"]);
    }
}
