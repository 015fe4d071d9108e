//! A row of the table. In its texts, `{own}`, `{other}`, `{port}`, `{other_port}` and `{wrapped}` stand for the upstreams'
//! addresses.

use gpx_tests::grafana::query;
use gpx_tests::plugin::Plugin;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Upstreams, source};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Row {
    pub(super) name: String,
    /// Which settings the plugin has.
    #[serde(default)]
    pub(super) with: String,
    /// The data source's URL.
    #[serde(default = "own")]
    url: String,
    /// The URL of a request by the SDK. Without it, the request is made by `raw`, the parts of one over `wasi:http`.
    get: Option<String>,
    #[serde(default)]
    raw: Value,
    method: Option<String>,
    segments: Option<Vec<String>>,
    headers: Option<Value>,
    body: Option<String>,
    /// What the upstreams answer first.
    #[serde(default)]
    answers: Vec<String>,
    #[serde(default)]
    other_answers: Vec<String>,
    /// What the error says. Without it, the request succeeds.
    refused: Option<String>,
    /// What reaches the upstreams: the first line of each request, with a mark if it has the data source's credentials, its
    /// headers in order except those that every request has, and its body. Nothing else reaches them.
    #[serde(default)]
    own: Vec<String>,
    #[serde(default)]
    other: Vec<String>,
    /// The request ends in the middle, so that what its own upstream has seen of it depends on the moment.
    #[serde(default)]
    pub(super) torn: bool,
}

/// What the placeholders stand for.
#[derive(Default)]
pub(super) struct Places(Vec<(&'static str, String)>);

fn own() -> String {
    "http://{own}".to_owned()
}

// === impl Places ===

impl Places {
    pub(super) fn of(upstreams: &Upstreams) -> Self {
        let (own, other) = (upstreams.own.address(), upstreams.other.address());
        Self(vec![
            ("{own}", own.to_string()),
            ("{other}", other.to_string()),
            ("{port}", own.port().to_string()),
            ("{other_port}", other.port().to_string()),
            // The same port for those who count only 16 bits.
            ("{wrapped}", (u32::from(own.port()) + 65_536).to_string()),
        ])
    }

    fn fill(&self, text: &str) -> String {
        self.0.iter().fold(text.to_owned(), |text, (name, value)| text.replace(name, value))
    }

    fn fill_all(&self, value: Value) -> Value {
        match value {
            Value::String(text) => Value::String(self.fill(&text)),
            Value::Array(list) => list.into_iter().map(|value| self.fill_all(value)).collect(),
            Value::Object(map) => map.into_iter().map(|(key, value)| (key, self.fill_all(value))).collect(),
            value => value,
        }
    }
}

// === impl Row ===

impl Row {
    pub(super) fn all(table: &str, places: &Places) -> Vec<Self> {
        let row = |line: &str| {
            let mut value: Value = serde_json::from_str(line).expect(line);
            value.as_object_mut().expect("a row is an object").entry("url").or_insert_with(|| own().into());
            serde_json::from_value(places.fill_all(value)).expect(line)
        };
        table.lines().map(row).collect()
    }

    /// Sends the request, and says what is not as it should be.
    pub(super) async fn holds(&self, plugin: &Plugin, upstreams: &Upstreams) -> Result<(), String> {
        upstreams.own.answer(self.answers.clone());
        upstreams.other.answer(self.other_answers.clone());
        let before = (upstreams.own.received(), upstreams.other.received());
        let query = match &self.get {
            Some(url) => query("A").kind("fetch").json(json!({
                "url": url, "method": self.method.as_deref().unwrap_or("GET"),
                "segments": self.segments.clone().unwrap_or_default(),
                "headers": self.headers.clone().unwrap_or_else(|| json!({})),
                "body": self.body.clone().unwrap_or_default(),
            })),
            None => query("A").kind("raw").json(self.parts(upstreams)),
        };
        let reply = plugin.query(&source(&self.url), [query]).await.map_err(|status| status.to_string())?;
        let error = &reply.answer("A").error;
        match &self.refused {
            Some(words) if error.is_empty() => return Err(format!("it is not refused with {words:?}")),
            Some(words) if !error.contains(words) => return Err(format!("{error:?} does not say {words:?}")),
            None if !error.is_empty() => return Err(format!("it is refused: {error}")),
            _ => {}
        }
        let after = (upstreams.own.received(), upstreams.other.received());
        let new = |before: &gpx_tests::wire::Received, after: &gpx_tests::wire::Received, address: String| {
            let requests = after.requests.iter().skip(before.requests.len());
            (
                after.connections - before.connections,
                requests.map(|(_, bytes)| shown(bytes, &address)).collect::<Vec<_>>(),
            )
        };
        let own = new(&before.0, &after.0, upstreams.own.address().to_string());
        let other = new(&before.1, &after.1, upstreams.other.address().to_string());
        for (what, (connections, requests), expected) in
            [("its own", own, &self.own), ("the other", other, &self.other)]
        {
            if what == "its own" && self.torn {
                continue;
            }
            if requests != *expected {
                return Err(format!("{what} upstream has seen {requests:#?}"));
            }
            if expected.is_empty() && connections > 0 {
                return Err(format!("{what} upstream has seen a connection"));
            }
        }
        Ok(())
    }

    fn parts(&self, upstreams: &Upstreams) -> Value {
        let mut parts = json!({ "authority": upstreams.own.address().to_string(), "path": "/x" });
        let given = self.raw.as_object().cloned().unwrap_or_default();
        parts.as_object_mut().expect("an object").extend(given);
        parts
    }
}

/// A request as the table shows it.
fn shown(bytes: &[u8], address: &str) -> String {
    const CREDENTIALS: [&str; 2] = ["authorization: Basic dXNlcjpwYXNzd29yZA==", "x-key: key"];
    let text = String::from_utf8_lossy(bytes);
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
    let (first, headers) = head.split_once("\r\n").unwrap_or((head, ""));
    let mut headers: Vec<_> = headers.split("\r\n").filter(|line| !line.is_empty()).collect();
    headers.sort_unstable();
    let mut first = first.to_owned();
    if CREDENTIALS.iter().all(|line| headers.contains(line)) {
        headers.retain(|line| !CREDENTIALS.contains(line));
        first.push_str(" +credentials");
    }
    // The SDK's, after a redirect.
    headers.retain(|line| !line.starts_with("referer: "));
    let host = format!("host: {address}");
    let agent = "user-agent: Grafana/13.1.0 (linux; amd64) gpx-test-datasource/1.2.3";
    for usual in [host.as_str(), agent, "accept-encoding: gzip"] {
        match headers.iter().position(|line| *line == usual) {
            Some(place) => drop(headers.remove(place)),
            None => first.push_str(&format!(" without {usual}")),
        }
    }
    let mut shown = first;
    for line in headers {
        shown.push_str(&format!("\n{line}"));
    }
    if !body.is_empty() {
        shown.push_str(&format!("\n\n{body}"));
    }
    shown
}
