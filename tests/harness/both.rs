//! Our plugin and the twin on the Go SDK, and what each of them got.

use std::collections::BTreeMap;

use crate::grafana::{DataSource, query};
use crate::peer::{self, Peer};
use crate::plugin::{Launch, Plugin};
use serde_json::{Value, json};

/// Both of them, running.
pub struct Both {
    pub ours: Peer,
    pub theirs: Peer,
    /// Our plugin's files.
    _launch: Launch,
}

/// The answer to a query.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    pub status: u64,
    /// Who is to blame.
    pub source: String,
    pub error: String,
    /// What each request got: `status`, `url`, `body`, and `header.NAME` for each header. The values of a header are joined.
    pub answers: Vec<BTreeMap<String, String>>,
}

// === impl Both ===

impl Both {
    /// Starts them with these variables. None if Go is missing, which it says.
    pub async fn start(environment: Value) -> Option<Self> {
        let tools = peer::tools()?;
        let launch = Plugin::guest("probe");
        let ours = tools.run(launch.executable(), environment.clone()).await;
        let theirs = tools.run(&tools.twin, environment).await;
        Some(Self { ours, theirs, _launch: launch })
    }

    /// Has each send the request that `wanted` describes: `url`, `method`, `headers`, `body`, and `count`, how often at once.
    pub async fn fetch(&mut self, source: &DataSource, wanted: Value) -> [Outcome; 2] {
        let call = call(source, wanted);
        let mut outcomes = Vec::new();
        for peer in [&mut self.ours, &mut self.theirs] {
            let mut answer = peer.get("query", call.clone()).await;
            outcomes.push(Outcome::of(answer["responses"]["A"].take()));
        }
        outcomes.try_into().expect("two")
    }

    /// Does the same, and checks that both have the same status, the same blame, and the same answers but for their dates.
    pub async fn fetch_alike(&mut self, what: &str, source: &DataSource, wanted: Value) -> Outcome {
        let [ours, theirs] = self.fetch(source, wanted).await;
        let alike = |outcome: &Outcome| Outcome { error: String::new(), ..outcome.clone() };
        assert!(alike(&ours) == alike(&theirs), "{what}:\n{}\n{}", ours.shown(), theirs.shown());
        assert_eq!(
            ours.error.is_empty(),
            theirs.error.is_empty(),
            "{what}:\n{}\n{}",
            ours.error,
            theirs.error
        );
        ours
    }

    pub async fn end(self) {
        self.ours.end().await;
        self.theirs.end().await;
    }
}

/// Returns the call as the peer expects it.
pub fn call(source: &DataSource, wanted: Value) -> Value {
    let kind = if wanted["count"].is_null() { "fetch" } else { "fetch-many" };
    json!({ "plugin_context": peer::context(source), "queries": [peer::query(&query("A").kind(kind).json(wanted))] })
}

// === impl Outcome ===

impl Outcome {
    fn of(answer: Value) -> Self {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let pairs = |frame: &Value| {
            let column =
                |number: usize| frame["fields"][number]["values"].as_array().cloned().unwrap_or_default();
            let mut pairs = BTreeMap::<String, String>::new();
            for (name, value) in column(0).iter().zip(&column(1)) {
                let values = pairs.entry(text(name)).or_default();
                let comma = if values.is_empty() { "" } else { ", " };
                values.push_str(&format!("{comma}{}", text(value)));
            }
            // `wasi:http` shows no header of the connection.
            for left_out in ["header.date", "header.connection", "header.keep-alive"] {
                pairs.remove(left_out);
            }
            // Go leaves the path out if the URL has none.
            if let Some(url) = pairs.get_mut("url").filter(|url| url.matches('/').count() == 2) {
                url.push('/');
            }
            pairs
        };
        let frames = answer["frames"].as_array().cloned().unwrap_or_default();
        Self {
            status: answer["status"].as_u64().unwrap_or_default(),
            source: text(&answer["error_source"]),
            error: text(&answer["error"]),
            answers: frames.iter().map(pairs).collect(),
        }
    }

    /// Shows it without what is too long for anybody to read.
    fn shown(&self) -> String {
        format!("{self:?}").chars().take(4000).collect()
    }

    /// Returns one of the pairs of the first answer.
    pub fn of_first(&self, name: &str) -> &str {
        let pairs = self.answers.first().unwrap_or_else(|| panic!("no answer: {}", self.error));
        pairs.get(name).map(String::as_str).unwrap_or_default()
    }
}
