//! The calls.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use gpx_tests::upstream::{Answer, Gate, points};
use serde_json::{Value, json};

pub(super) const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
pub(super) const PARENT: &str = "b7ad6b7169203331";

/// Calls to one process.
pub(super) struct Group {
    pub(super) name: String,
    /// What Grafana says about tracing, beside the collector's address. Tracing is off without it.
    pub(super) tracing: Option<Tracing>,
    /// Everything goes through an HTTP proxy, to this.
    pub(super) behind_proxy: Option<Behaviour>,
    /// The test component that has the place of the example's.
    pub(super) component: Option<&'static str>,
    pub(super) calls: Vec<Call>,
}

pub(super) struct Tracing {
    pub(super) propagation: &'static str,
    pub(super) sampler: &'static str,
    pub(super) param: &'static str,
}

pub(super) struct Call {
    pub(super) name: String,
    pub(super) method: &'static str,
    /// In protobuf's JSON format, except for the context of the plugin.
    pub(super) request: Value,
    pub(super) settings: Settings,
    pub(super) upstream: Behaviour,
    /// Of the gRPC call. `TRACE` stands for the trace id of this call.
    pub(super) metadata: Vec<(&'static str, String)>,
    pub(super) timeout_ms: u64,
    pub(super) cancel_after_ms: u64,
}

/// The data source's.
#[derive(Default)]
pub(super) struct Settings {
    /// Follows the upstream's origin.
    pub(super) path: &'static str,
    pub(super) json: Value,
    pub(super) secrets: Value,
    pub(super) basic_auth_user: &'static str,
    /// `http2`: the twin may speak HTTP/2, which plugins on the Go SDK do only if they are told to.
    pub(super) database: &'static str,
    /// There is no data source.
    pub(super) none: bool,
}

pub(super) enum Behaviour {
    /// One answer after the other; the last one repeats.
    Answers(Vec<Answer>),
    /// Bytes that are sent as they are.
    Raw(&'static str),
    Refuses,
    /// It speaks no TLS, and the URL says `https`.
    Plain,
    /// The same answer over TLS, by an authority that nobody trusts unless a data source says so.
    Secure {
        http2: bool,
        answer: Answer,
    },
    /// No name server knows it.
    Unknown,
    /// Whatever is behind the group's proxy.
    Proxied(&'static str),
}

fn query(name: &str, upstream: Behaviour) -> Call {
    Call {
        name: name.to_owned(),
        method: "Data/QueryData",
        request: json!({ "queries": [one("A", "")] }),
        settings: Settings::default(),
        upstream,
        metadata: vec![("traceparent", format!("00-TRACE-{PARENT}-01"))],
        timeout_ms: 0,
        cancel_after_ms: 0,
    }
}

fn one(ref_id: &str, model: &str) -> Value {
    json!({
        "refId": ref_id, "maxDataPoints": "100", "intervalMS": "1000", "json": BASE64_STANDARD.encode(model),
        "timeRange": { "fromEpochMS": "1767225600000", "toEpochMS": "1767229200000" },
    })
}

fn call(name: &str, method: &'static str, request: Value) -> Call {
    Call { method, request, ..query(name, ok()) }
}

fn ok() -> Behaviour {
    Behaviour::Answers(vec![Answer::json(points(3))])
}

fn answers(answers: impl Into<Vec<Answer>>) -> Behaviour {
    Behaviour::Answers(answers.into())
}

fn resource(name: &str, method: &str, path: &str, content_type: &str, body: &str) -> Call {
    let headers = match content_type {
        "" => json!({}),
        _ => json!({ "Content-Type": { "values": [content_type] } }),
    };
    let body = BASE64_STANDARD.encode(body);
    call(
        name,
        "Resource/CallResource",
        json!({ "method": method, "path": path, "url": path, "headers": headers, "body": body }),
    )
}

impl Call {
    fn models(mut self, models: &[&str]) -> Self {
        let queries = models.iter().zip(["A", "B", "C", "D"]).map(|(model, ref_id)| one(ref_id, model));
        self.request["queries"] = queries.collect();
        self
    }

    fn settings(mut self, json: Value, secrets: Value) -> Self {
        (self.settings.json, self.settings.secrets) = (json, secrets);
        self
    }

    fn path(mut self, path: &'static str) -> Self {
        self.settings.path = path;
        self
    }

    /// Replaces all metadata.
    fn metadata(mut self, pairs: &[(&'static str, &str)]) -> Self {
        self.metadata = pairs.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
        self
    }

    fn and(mut self, name: &'static str, value: &str) -> Self {
        self.metadata.push((name, value.to_owned()));
        self
    }
}

fn traced(name: &str, calls: Vec<Call>) -> Group {
    let tracing = Tracing { propagation: "w3c", sampler: "", param: "1.000000" };
    Group { name: name.to_owned(), tracing: Some(tracing), behind_proxy: None, component: None, calls }
}

pub(super) fn queries() -> Group {
    let user = json!({ "httpHeaderName1": "X-Own", "httpHeaderName2": "X-Other" });
    let values = json!({ "httpHeaderValue1": "one", "httpHeaderValue2": "two", "basicAuthPassword": "pw" });
    let with_basic_auth = {
        let mut call = query("basic auth and headers", ok()).settings(user.clone(), values.clone());
        call.settings.basic_auth_user = "ada";
        call
    };
    traced(
        "queries",
        vec![
            query("a query", ok()),
            query("a query with a model", ok()).models(&[r#"{"multiplier":2}"#]),
            query("a query of an old model", ok()).models(&[r#"{"multiply":3}"#]),
            query("a query that is not JSON", ok()).models(&["{"]),
            query("a query of another type", ok()).models(&[r#"{"multiplier":"two"}"#]),
            query("two queries, one of them refused", ok()).models(&["", ""]),
            query("no queries", ok()).models(&[]),
            query("no points", answers([Answer::json(points(0))])),
            query("a thousand points", answers([Answer::json(points(1000))])),
            query("gzip", answers([Answer::gzip(points(10).to_string().as_bytes())])),
            query("a path and a query string", ok()).path("/base/api?a=1&token=x").models(&["{}"]),
            query("custom headers", ok()).settings(user, values),
            with_basic_auth,
            query("a redirect", answers([Answer::redirect("/there"), Answer::json(points(1))])),
            query(
                "two redirects",
                answers([Answer::redirect("/1"), Answer::redirect("/2"), Answer::json(points(1))]),
            ),
            Call {
                settings: Settings { none: true, ..Settings::default() },
                ..query("no data source", ok())
            },
            query("a user's headers", ok()).and("x-grafana-org-id", "1").and("fromalert", "true"),
            query("a tenant", ok()).and("tenantid", "tenant-1"),
            query("another tenant", ok()).and("tenantid", "tenant-2"),
        ],
    )
}

pub(super) fn failures() -> Group {
    let status = |status: u16| query(&format!("status {status}"), answers([Answer::status(status)]));
    let hangs = || answers([Answer::json(points(1)).after(&Gate::closed())]);
    let body = || points(3).to_string().into();
    traced(
        "failures",
        vec![
            status(204),
            status(400),
            status(401),
            status(404),
            status(429),
            status(500),
            status(503),
            query("no JSON", answers([Answer::text("application/json", "{")])),
            query("HTML", answers([Answer::text("text/html", "<html>")])),
            query("an empty body", answers([Answer::text("application/json", "")])),
            query("half a body", answers([Answer::CloseMidBody(body())])),
            query("closed without an answer", answers([Answer::Close])),
            query("reset", answers([Answer::Reset])),
            query("refused", Behaviour::Refuses),
            query("unknown", Behaviour::Unknown),
            query("no TLS", Behaviour::Plain),
            query("no HTTP", Behaviour::Raw("hello\r\n\r\n")),
            query("a bad header", Behaviour::Raw("HTTP/1.1 200 OK\r\nbad header\r\n\r\n")),
            query("a redirect without end", answers([Answer::redirect("/again")])),
            query("a redirect to nowhere", answers([Answer::redirect("http://")])),
            query("too slow for the data source", hangs()).settings(json!({ "timeout": 1 }), json!({})),
            query("a body too slow for the data source", answers([Answer::StallMidBody(body())]))
                .settings(json!({ "timeout": 1 }), json!({})),
            Call { timeout_ms: 400, ..query("the caller's deadline", hangs()) },
            Call { cancel_after_ms: 300, ..query("cancelled", hangs()) },
        ],
    )
}

pub(super) fn secure() -> Group {
    let secure = |http2, answer| Behaviour::Secure { http2, answer };
    let points = || Answer::json(points(3));
    let trusts = || json!({ "tlsSkipVerify": true });
    let query = |name: &str, http2, answer, json| {
        let mut call = query(name, secure(http2, answer)).settings(json, json!({}));
        call.settings.database = if http2 { "http2" } else { "" };
        call
    };
    let other_name = json!({ "tlsSkipVerify": true, "serverName": "other.example" });
    traced(
        "secure",
        vec![
            query("TLS", false, points(), trusts()),
            query("TLS by nobody's authority", false, points(), json!({})),
            query("TLS for another name", false, points(), other_name),
            query("TLS, half a body", false, Answer::CloseMidBody("half of it".into()), trusts()),
            query("TLS, closed", false, Answer::Close, trusts()),
            query("HTTP/2", true, points(), trusts()),
            query("HTTP/2 by nobody's authority", true, points(), json!({})),
            query("HTTP/2, status 404", true, Answer::status(404), trusts()),
            query("HTTP/2, gzip", true, Answer::gzip(b"{\"datapoints\":[]}"), trusts()),
            query("HTTP/2, a redirect", true, Answer::redirect("/again"), trusts()),
            query("HTTP/2, reset", true, Answer::Close, trusts()),
        ],
    )
}

/// Names that only the proxy knows.
pub(super) fn proxied() -> Group {
    let over = |name: &str, url| query(name, Behaviour::Proxied(url));
    let group = traced(
        "proxied",
        vec![
            over("through a proxy", "http://prices.example"),
            over("through a proxy, with a port", "http://prices.example:8080"),
            Call { metadata: Vec::new(), ..over("through a proxy, no parent", "http://prices.example") },
        ],
    );
    Group { behind_proxy: Some(ok()), ..group }
}

pub(super) fn tunneled() -> Group {
    let over = |name: &str, json| {
        query(name, Behaviour::Proxied("https://prices.example")).settings(json, json!({}))
    };
    let group = traced(
        "tunneled",
        vec![
            over("through a tunnel", json!({ "tlsSkipVerify": true })),
            over("through a tunnel by nobody's authority", json!({})),
        ],
    );
    let behind = Behaviour::Secure { http2: false, answer: Answer::json(points(3)) };
    Group { behind_proxy: Some(behind), ..group }
}

pub(super) fn other_calls() -> Group {
    let health = |name: &str, upstream| Call { upstream, ..call(name, "Diagnostics/CheckHealth", json!({})) };
    traced(
        "other calls",
        vec![
            health("healthy", ok()),
            health("unhealthy", answers([Answer::status(500)])),
            health("health of what is refused", Behaviour::Refuses),
            Call {
                cancel_after_ms: 300,
                ..health("a cancelled check", answers([Answer::status(200).after(&Gate::closed())]))
            },
            call("metrics", "Diagnostics/CollectMetrics", json!({})),
            resource("echo", "POST", "echo", "", "hi"),
            resource("echo of a type", "POST", "echo", "text/plain", "hi"),
            resource("echo of nothing", "GET", "echo", "text/plain", ""),
            resource("nothing there", "GET", "no-such", "", ""),
            resource("another method", "GET", "migrate-query", "", ""),
            resource("migrate", "POST", "migrate-query", "application/json", r#"{"multiply":3}"#),
            resource("migrate what is no JSON", "POST", "migrate-query", "application/json", "{"),
        ],
    )
}

/// The example does not trap, a test component and the twin do.
pub(super) fn traps() -> Group {
    let of_type = |query_type: &str| {
        let mut query = one("A", "");
        query["queryType"] = query_type.into();
        query
    };
    let trap = |name: &str, queries: &[Value]| {
        let mut call = query(name, ok());
        call.request["queries"] = queries.into();
        call
    };
    let calls = vec![
        trap("a trap", &[of_type("trap")]),
        Call { metadata: Vec::new(), ..trap("a trap, no parent", &[of_type("trap")]) },
        trap("a trap, unsampled", &[of_type("trap")])
            .metadata(&[("traceparent", &format!("00-TRACE-{PARENT}-00"))]),
    ];
    Group { component: Some("probe"), ..traced("traps", calls) }
}

pub(super) fn unserved() -> Group {
    let empty = |name: &str, method| call(name, method, json!({}));
    traced(
        "unserved",
        vec![
            empty("subscribe", "Stream/SubscribeStream"),
            empty("publish", "Stream/PublishStream"),
            empty("run", "Stream/RunStream"),
            empty("chunks", "Data/QueryChunkedData"),
            empty("validate", "AdmissionControl/ValidateAdmission"),
            empty("mutate", "AdmissionControl/MutateAdmission"),
            empty("convert", "ResourceConversion/ConvertObjects"),
        ],
    )
}

/// Each with a trace of its own, whatever its headers say.
pub(super) fn contexts(propagation: &'static str) -> Group {
    let parent = |flags: &str| format!("00-TRACE-{PARENT}-{flags}");
    let other = format!("00-{}-{PARENT}-01", TRACE.replace('0', "1"));
    let uber = |flags: &str| format!("TRACE:{PARENT}:0:{flags}");
    let with = |name: &str, pairs: &[(&'static str, &str)]| query(name, ok()).metadata(pairs);
    let calls = vec![
        with("no parent", &[]),
        with("sampled", &[("traceparent", &parent("01"))]),
        with("unsampled", &[("traceparent", &parent("00"))]),
        with("random flag", &[("traceparent", &parent("03"))]),
        with("random flag, unsampled", &[("traceparent", &parent("02"))]),
        with("unknown flags", &[("traceparent", &parent("ff"))]),
        with("a state", &[("traceparent", &parent("01")), ("tracestate", "a=1,b=2")]),
        with("a malformed state", &[("traceparent", &parent("01")), ("tracestate", "a=1,=")]),
        with("baggage", &[("traceparent", &parent("01")), ("baggage", "tenant=7")]),
        with("baggage alone", &[("baggage", "tenant=7")]),
        with("capitals", &[("traceparent", &parent("01").replace("TRACE", &TRACE.to_uppercase()))]),
        with("a future version", &[("traceparent", &(parent("01").replacen("00", "01", 1) + "-more"))]),
        with("an impossible version", &[("traceparent", &parent("01").replacen("00", "ff", 1))]),
        with("more of this version", &[("traceparent", &(parent("01") + "-more"))]),
        with("no trace", &[("traceparent", &format!("00-{}-{PARENT}-01", "0".repeat(32)))]),
        with("no span", &[("traceparent", "00-TRACE-0000000000000000-01")]),
        with("no context", &[("traceparent", "hello")]),
        with("jaeger", &[("uber-trace-id", &uber("1"))]),
        with("jaeger, unsampled", &[("uber-trace-id", &uber("0"))]),
        with("jaeger, debug", &[("uber-trace-id", &uber("3"))]),
        with("malformed jaeger", &[("uber-trace-id", "1:2")]),
        with("both", &[("traceparent", &parent("01")), ("uber-trace-id", &uber("1"))]),
        with("both, of two traces", &[("traceparent", &other), ("uber-trace-id", &uber("1"))]),
        with("both, one unsampled", &[("traceparent", &parent("00")), ("uber-trace-id", &uber("1"))]),
        with("both, one malformed", &[("traceparent", "hello"), ("uber-trace-id", &uber("1"))]),
    ];
    let tracing = Tracing { propagation, sampler: "", param: "1.000000" };
    let tracing = Some(tracing).filter(|_| !propagation.is_empty());
    let name = if propagation.is_empty() { "tracing off" } else { propagation };
    Group { name: name.to_owned(), tracing, behind_proxy: None, component: None, calls }
}

pub(super) fn never_sampled() -> Group {
    let unsampled = format!("00-TRACE-{PARENT}-00");
    let calls = vec![
        query("no parent, not sampled", ok()).metadata(&[]),
        query("a sampled parent", ok()),
        query("an unsampled parent", ok()).metadata(&[("traceparent", &unsampled)]),
    ];
    let tracing = Tracing { propagation: "w3c", sampler: "const", param: "0.000000" };
    Group {
        name: "a sampler that takes none".to_owned(),
        tracing: Some(tracing),
        behind_proxy: None,
        component: None,
        calls,
    }
}
