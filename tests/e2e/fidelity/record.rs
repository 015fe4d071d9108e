//! What the calls of a group leave behind, as lines that two plugins can be compared by.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Mutex;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use gpx_tests::collector::Collector;
use gpx_tests::peer::{self, Peer, Tools};
use gpx_tests::proxy::Proxy;
use gpx_tests::trace::{Trace, lines, without_ports};
use gpx_tests::upstream::{Request, Upstream};
use gpx_tests::wire::Wire;
use serde_json::{Map, Value, json};
use tokio::net::TcpListener;

use super::corpus::{Behaviour, Call, Group, TRACE, Tracing};

pub(super) struct Record {
    /// One for each call.
    pub(super) parts: Vec<Part>,
}

pub(super) struct Part {
    /// The call's.
    pub(super) name: String,
    pub(super) lines: Vec<String>,
}

/// The value of each series, by its name and labels.
type Metrics = BTreeMap<String, f64>;

/// What stands at the other end of a data source's URL.
enum Other {
    Upstream(Upstream),
    Wire(Wire),
    /// It speaks no TLS, and is asked to.
    Plain(Upstream),
    Nobody(String),
}

/// A proxy, and what it leads to.
struct Behind {
    proxy: Proxy,
    _other: Other,
}

/// Fields of log lines whose values are compared; of the others, the names are.
const SAME: [&str; 8] =
    ["endpoint", "status", "statusSource", "dsUID", "dsName", "pluginId", "number", "ref"];

/// A field that the Go SDK does not have: see docs/tracing.md.
const OURS: &str = "spanId";

/// Headers of requests that differ in each run.
const OF_ONE_RUN: [&str; 1] = ["host"];

// === impl Record ===

impl Record {
    /// Starts the executable, makes all calls one after the other, and ends it.
    pub(super) async fn of(tools: &Tools, executable: &Path, group: &Group) -> Self {
        let collector = Collector::start().await;
        let mut environment = environment(&collector, group.tracing.as_ref());
        let behind = match &group.behind_proxy {
            Some(behaviour) => Some(Behind::of(behaviour).await),
            None => None,
        };
        if let Some(Behind { proxy, .. }) = &behind {
            let address = format!("http://{}", proxy.address());
            (environment["HTTP_PROXY"], environment["HTTPS_PROXY"]) = (json!(address), json!(address));
        }
        let mut peer = tools.run(executable, environment).await;
        let (mut parts, mut before) = (Vec::new(), metrics(&mut peer).await);
        for (number, call) in group.calls.iter().enumerate() {
            let other = Other::of(&call.upstream).await;
            let mut lines = answer(&mut peer, call, number, &other.url()).await;
            if let Other::Upstream(upstream) = &other {
                let trace = trace_id(number);
                lines.extend(upstream.requests().iter().flat_map(|request| requested(request, call, &trace)));
            }
            let after = counted(&mut peer, call, &before).await;
            lines.extend(changes(call, &before, &after));
            before = after;
            parts.push(Part { name: call.name.clone(), lines });
        }
        // It flushes.
        peer.get("kill", json!({})).await;
        let logged = logged(&mut peer).await;
        peer.end().await;
        let spans = collector.spans();
        for (number, part) in parts.iter_mut().enumerate() {
            let own = |trace_id: &str| {
                trace_id == self::trace_id(number)
                    || spans
                        .iter()
                        .any(|span| span.trace_id == trace_id && span.text("datasource_uid") == uid(number))
            };
            let of_call = spans.iter().filter(|span| own(&span.trace_id)).cloned().collect();
            part.lines.extend(lines(&Trace::new(of_call)));
            let of_call = logged.iter().filter(|(of, _)| *of == uid(number));
            part.lines.extend(of_call.map(|(_, line)| line.clone()));
        }
        Self { parts }
    }
}

fn environment(collector: &Collector, tracing: Option<&Tracing>) -> Value {
    let Some(tracing) = tracing else { return json!({ "GF_VERSION": "13.1.0" }) };
    // The version is that of the packaged example.
    let mut environment = peer::tracing(&collector.address(), "0.1.0");
    environment["GF_INSTANCE_OTLP_PROPAGATION"] = tracing.propagation.into();
    environment["GF_INSTANCE_OTLP_SAMPLER_TYPE"] = tracing.sampler.into();
    environment["GF_INSTANCE_OTLP_SAMPLER_PARAM"] = tracing.param.into();
    environment
}

fn trace_id(number: usize) -> String {
    format!("{}{number:02x}", &TRACE[..30])
}

fn uid(number: usize) -> String {
    format!("uid-{number}")
}

/// Makes a call and returns what its caller sees of the answer.
async fn answer(peer: &mut Peer, call: &Call, number: usize, url: &str) -> Vec<String> {
    let settings = &call.settings;
    let json = match &settings.json {
        Value::Null => json!({}),
        json => json.clone(),
    };
    let mut context = json!({
        "orgId": 1, "pluginId": "gpx-httpbackend-datasource", "pluginVersion": "0.1.0",
        "user": { "login": "ada", "name": "Ada Lovelace", "email": "ada@example.com", "role": "Admin" },
    });
    if !settings.none {
        context["dataSourceInstanceSettings"] = json!({
            "id": number, "uid": uid(number), "name": "Source", "url": format!("{url}{}", settings.path),
            "jsonData": BASE64_STANDARD.encode(json.to_string()), "decryptedSecureJsonData": settings.secrets,
            "database": settings.database, "basicAuthEnabled": !settings.basic_auth_user.is_empty(), "basicAuthUser": settings.basic_auth_user,
        });
    }
    let mut request = call.request.clone();
    request["pluginContext"] = context;
    let trace = trace_id(number);
    let metadata: Map<String, Value> = call
        .metadata
        .iter()
        .map(|(name, value)| ((*name).to_owned(), value.replace("TRACE", &trace).into()))
        .collect();
    let from = peer.get("logs", json!({})).await["next"].take();
    let asked = json!({
        "method": format!("pluginv2.{}", call.method), "request": request, "metadata": metadata,
        "timeout_ms": call.timeout_ms, "cancel_after_ms": call.cancel_after_ms,
    });
    let answer = match peer.ask("invoke", asked).await {
        Ok(answer) => answer,
        Err(error) => json!({ "messages": [], "error": error }),
    };
    if call.timeout_ms + call.cancel_after_ms > 0 {
        // Its caller does not wait for its end.
        let end = json!({ "from": from, "wait_for": "Plugin Request Completed", "timeout_ms": 10000 });
        peer.get("logs", end).await;
    }
    outline(&answer)
}

/// Status, error and source of each query, a resource's status and body, a check's result, and the code of a failure.
fn outline(answer: &Value) -> Vec<String> {
    let mut lines = Vec::new();
    for message in answer["messages"].as_array().into_iter().flatten() {
        for (ref_id, response) in message["responses"].as_object().into_iter().flatten() {
            let frames = response["frames"].as_array().map_or(0, Vec::len);
            let [status, error, source] = ["status", "error", "errorSource"].map(|key| &response[key]);
            lines.push(format!("answer {ref_id}: {status} {error} {source} {frames} frames"));
        }
        for key in ["code", "status", "message", "body", "headers"] {
            if let Some(value) = message.get(key) {
                lines.push(format!("answer {key}: {value}"));
            }
        }
    }
    let error = &answer["error"];
    if !error.is_null() {
        lines.push(format!("failure {} {}", error["code"], error["error_source"]));
    }
    lines
}

/// Returns a line for each header that the upstream got.
fn requested(request: &Request, call: &Call, trace: &str) -> Vec<String> {
    let mut lines = vec![format!("request {} {}", request.method, request.path)];
    for (name, value) in &request.headers {
        let came = call.metadata.iter().find(|(other, _)| other == name);
        let value = match name.as_str() {
            _ if OF_ONE_RUN.contains(&name.as_str()) => "…".to_owned(),
            _ if came.is_some_and(|(_, came)| came.replace("TRACE", trace) == *value) => {
                "as it came".to_owned()
            }
            "traceparent" | "uber-trace-id" => context_of(value, trace),
            // It names the plugin, which has another id and version than its twin.
            "user-agent" => value.split(' ').next().unwrap_or_default().to_owned(),
            // Go sends no slash after an authority alone.
            "referer" => without_ports(value.trim_end_matches('/')),
            _ => value.clone(),
        };
        lines.push(format!("request header {name}: {value}"));
    }
    lines
}

/// Whose trace a header names, and its flags.
fn context_of(value: &str, trace: &str) -> String {
    let whose = match value {
        _ if value.contains(trace) => "the caller's",
        _ if value.contains(&TRACE.replace('0', "1")) => "the other",
        _ => "its own",
    };
    let flags = value.rsplit(['-', ':']).next().unwrap_or_default();
    format!("{whose} trace, flags {flags}")
}

/// Returns the metrics once the call is among them.
async fn counted(peer: &mut Peer, call: &Call, before: &Metrics) -> Metrics {
    let counts = |metrics: &Metrics| {
        let of_calls = metrics.iter().filter(|(name, _)| name.starts_with("grafana_plugin_request_total"));
        of_calls.map(|(_, value)| value).sum::<f64>()
    };
    loop {
        let after = metrics(peer).await;
        // Its caller has not waited for its end.
        let has_left = call.timeout_ms + call.cancel_after_ms > 0;
        if !has_left || counts(&after) > counts(before) {
            return after;
        }
    }
}

async fn metrics(peer: &mut Peer) -> Metrics {
    let metrics = peer.get("metrics", json!({})).await;
    let mut all = Metrics::new();
    for family in metrics["families"].as_array().into_iter().flatten() {
        let name = family["name"].as_str().unwrap_or_default();
        // The runtime's own, and what only one of them has.
        if ["go_", "process_", "gpx_", "promhttp_"].iter().any(|prefix| name.starts_with(prefix))
            // It may go down a moment after the call.
            || name.ends_with("_in_flight")
        {
            continue;
        }
        // go-plugin calls its own services, whenever it likes.
        let of_grafana = |series: &&Value| {
            !series["labels"]["grpc_service"].as_str().is_some_and(|name| name.starts_with("plugin."))
        };
        for series in family["series"].as_array().into_iter().flatten().filter(of_grafana) {
            let value = series["value"].as_str().and_then(|value| value.parse().ok()).unwrap_or_default();
            all.insert(format!("{name} {}", series["labels"]), value);
        }
    }
    all
}

/// Returns a line for each series that the call has changed. Those about metrics themselves depend on how often they are read.
fn changes(call: &Call, before: &Metrics, after: &Metrics) -> Vec<String> {
    let is_about = |name: &str| call.method.ends_with("CollectMetrics") || !name.contains("ollectMetrics");
    let changed = after.iter().filter_map(|(name, value)| {
        let change = value - before.get(name).unwrap_or(&0.0);
        (change != 0.0 && is_about(name)).then(|| format!("metric {name} {change:+}"))
    });
    changed.collect()
}

/// Returns the lines about calls, each with the uid of the call's data source.
async fn logged(peer: &mut Peer) -> Vec<(String, String)> {
    let logs = peer.get("logs", json!({})).await;
    let lines = logs["lines"].as_array().into_iter().flatten();
    let of_calls = lines.filter_map(|line| {
        let fields = line["fields"].as_object()?;
        let uid = fields.get("dsUID")?.as_str()?.to_owned();
        let mut told: Vec<_> = fields
            .iter()
            .filter(|(key, _)| *key != OURS)
            .map(
                |(key, value)| {
                    if SAME.contains(&key.as_str()) { format!("{key}={value}") } else { key.clone() }
                },
            )
            .collect();
        told.sort();
        Some((uid, format!("log {} {} {}", line["level"], line["message"], told.join(" "))))
    });
    of_calls.collect()
}

// === impl Behind ===

impl Behind {
    async fn of(behaviour: &Behaviour) -> Self {
        let other = Other::of(behaviour).await;
        let address = match &other {
            Other::Upstream(upstream) => upstream.address(),
            _ => unreachable!("only upstreams are behind proxies"),
        };
        Self { proxy: Proxy::http(address).await, _other: other }
    }
}

// === impl Other ===

impl Other {
    async fn of(behaviour: &Behaviour) -> Self {
        match behaviour {
            Behaviour::Answers(answers) => {
                let rest = Mutex::new(answers.clone());
                let next = move |_: &Request| {
                    let mut rest = rest.lock().expect("nobody panics with it");
                    if rest.len() > 1 { rest.remove(0) } else { rest[0].clone() }
                };
                Self::Upstream(Upstream::start(next).await)
            }
            Behaviour::Raw(bytes) => {
                let wire = Wire::start().await;
                wire.answer(vec![(*bytes).to_owned(); 8]);
                Self::Wire(wire)
            }
            Behaviour::Refuses => {
                let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
                Self::Nobody(format!("http://{}", listener.local_addr().expect("the bound address")))
            }
            Behaviour::Plain => {
                let upstream = Upstream::points(1).await;
                Self::Plain(upstream)
            }
            Behaviour::Secure { http2, answer } => {
                let answer = answer.clone();
                Self::Upstream(Upstream::start_secure(*http2, move |_: &Request| answer.clone()).await)
            }
            Behaviour::Proxied(url) => Self::Nobody((*url).to_owned()),
            Behaviour::Unknown => Self::Nobody("http://no-such-host.invalid".to_owned()),
        }
    }

    fn url(&self) -> String {
        match self {
            Self::Upstream(upstream) => upstream.url(),
            Self::Wire(wire) => format!("http://{}", wire.address()),
            Self::Plain(upstream) => upstream.url().replace("http://", "https://"),
            Self::Nobody(url) => url.clone(),
        }
    }
}
