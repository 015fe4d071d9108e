//! The Go peer: go-plugin's client and the Go SDK's own code, driven by JSON lines. `tests/peer/README.md` describes
//! its commands.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::Context as _;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

use crate::artifacts;
use crate::grafana::{DataSource, FROM, Query, TO};
use crate::plugin::Launch;

/// The built commands `peer` and `twin`.
#[derive(Clone, Debug)]
pub struct Tools {
    pub peer: PathBuf,
    /// The example, written on the Go SDK.
    pub twin: PathBuf,
}

/// A running peer. It runs one plugin at a time.
pub struct Peer {
    child: Child,
    commands: ChildStdin,
    answers: Lines<BufReader<ChildStdout>>,
    /// The plugin's directory: it reads its files there after the handshake.
    plugin: Option<Launch>,
}

/// Returns the peer if there is one. If Go is missing, `cargo xtask test` says so and skips the tests that need it.
pub fn tools() -> Option<Tools> {
    let folder = artifacts::peer()?;
    Some(Tools { peer: folder.join("peer"), twin: folder.join("twin") })
}

// === impl Tools ===

impl Tools {
    pub fn start(&self) -> anyhow::Result<Peer> {
        let mut command = Command::new(&self.peer);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).kill_on_drop(true);
        let mut child = command.spawn().context("cannot start the peer")?;
        let commands = child.stdin.take().context("stdin is piped")?;
        let answers = BufReader::new(child.stdout.take().context("stdout is piped")?).lines();
        Ok(Peer { child, commands, answers, plugin: None })
    }

    /// Starts a peer, and a plugin under it with these variables.
    pub async fn run(&self, executable: &Path, environment: Value) -> Peer {
        let mut peer = self.start().expect("the peer starts");
        peer.get("start", json!({ "exe": executable, "env": environment, "timeout_ms": 20000 })).await;
        peer
    }

    /// The same for a plugin whose directory is deleted with the peer.
    pub async fn launch(&self, launch: Launch) -> Peer {
        let mut peer = self.run(launch.executable(), json!({})).await;
        peer.plugin = Some(launch);
        peer
    }
}

// === impl Peer ===

impl Peer {
    /// Sends a command, and returns its result or its error unchanged.
    pub async fn ask(&mut self, command: &str, with: Value) -> Result<Value, Value> {
        self.tell(command, with).await;
        let mut answer = loop {
            let line = self.answers.next_line().await.expect("the peer's stdout");
            let line = line.unwrap_or_else(|| panic!("the peer ended at {command}"));
            let answer: Value = serde_json::from_str(&line).expect("the peer answers in JSON");
            // An answer with an id belongs to a command sent with `tell`.
            if answer["id"].is_null() {
                break answer;
            }
        };
        match answer["error"].take() {
            Value::Null => Ok(answer["result"].take()),
            error => Err(error),
        }
    }

    /// Sends a command without waiting for its answer: it has `"async": true` and an id.
    pub async fn tell(&mut self, command: &str, mut with: Value) {
        with["command"] = command.into();
        let line = format!("{with}\n");
        self.commands.write_all(line.as_bytes()).await.expect("the peer reads commands");
    }

    /// Like `ask`, but an error fails the test.
    pub async fn get(&mut self, command: &str, with: Value) -> Value {
        let answer = self.ask(command, with).await;
        answer.unwrap_or_else(|error| panic!("the peer's {command} failed: {error}"))
    }

    /// Returns how the plugin has counted its requests, sorted.
    pub async fn counts(&mut self) -> Vec<String> {
        let metrics = self.get("metrics", json!({})).await;
        let metrics = metrics["prometheus"].as_str().expect("metrics as text").lines();
        let counts = metrics.filter(|line| line.starts_with("grafana_plugin_request_total"));
        let mut counts: Vec<_> = counts.map(str::to_owned).collect();
        counts.sort_unstable();
        counts
    }

    /// Waits until a cancelled request is counted. The SDK's middleware does that after it has logged the request's end, and
    /// a client that has hung up waits for neither.
    pub async fn wait_for_cancelled(&mut self) {
        while !self.counts().await.iter().any(|line| line.contains("cancelled")) {}
    }

    /// Kills the plugin. Returns how it has counted its requests, and level, endpoint, status and source of its lines about
    /// their ends.
    pub async fn recorded(&mut self) -> (Vec<String>, Vec<Value>) {
        let counts = self.counts().await;
        // Nothing more can arrive.
        self.get("kill", json!({})).await;
        let lines = self.get("logs", json!({})).await;
        let lines = lines["lines"].as_array().expect("lines").iter();
        let of_end = |line: &Value| {
            let fields = &line["fields"];
            json!([line["level"], fields["endpoint"], fields["status"], fields["statusSource"]])
        };
        let ends = lines.filter(|line| line["message"] == "Plugin Request Completed").map(of_end);
        (counts, ends.collect())
    }

    /// Ends the peer and the plugin.
    pub async fn end(mut self) {
        drop(self.commands);
        let status = self.child.wait().await.expect("can wait for the peer");
        assert!(status.success(), "the peer ended with {status}");
    }
}

/// Returns the variables with which Grafana has a plugin of that version send all spans to the collector at `address`.
pub fn tracing(address: &str, version: &str) -> Value {
    json!({
        "GF_VERSION": "13.1.0",
        "GF_PLUGIN_VERSION": version,
        "GF_INSTANCE_OTLP_ADDRESS": address,
        "GF_INSTANCE_OTLP_PROPAGATION": "w3c",
        "GF_INSTANCE_OTLP_SAMPLER_TYPE": "",
        "GF_INSTANCE_OTLP_SAMPLER_PARAM": "1.000000",
        "GF_INSTANCE_OTLP_SAMPLER_REMOTE_URL": "",
    })
}

/// Returns a data source as the peer expects it.
pub fn context(source: &DataSource) -> Value {
    let settings = &source.settings;
    let json: Value = serde_json::from_slice(&settings.json_data).unwrap_or(json!({}));
    json!({
        "org_id": source.org, "plugin_id": source.plugin, "plugin_version": source.plugin_version,
        "namespace": source.namespace, "user_agent": "Grafana/13.1.0 (linux; amd64)", "config": source.grafana,
        "user": source.user.as_ref().map(|user| json!({
            "login": user.login, "name": user.name, "email": user.email, "role": user.role,
        })),
        "data_source": {
            "id": settings.id, "uid": settings.uid, "name": settings.name, "url": settings.url,
            "user": settings.user, "database": settings.database,
            "basic_auth": settings.basic_auth_enabled, "basic_auth_user": settings.basic_auth_user,
            "json_data": json, "secure": settings.decrypted_secure_json_data,
            "updated_ms": settings.last_updated_ms,
        },
    })
}

/// Returns a query as the peer expects it.
pub fn query(query: &Query) -> Value {
    let model = &query.0;
    json!({
        "ref_id": model.ref_id, "query_type": model.query_type, "max_data_points": model.max_data_points,
        "interval_ms": model.interval_ms, "from_ms": FROM, "to_ms": TO,
        "json_text": String::from_utf8_lossy(&model.json),
    })
}
