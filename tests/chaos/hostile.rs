//! Data sources that attack, each in one way, again and again.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Result, bail};
use gpx_tests::collector::Collector;
use gpx_tests::component::component;
use gpx_tests::grafana::{DataSource, query};
use gpx_tests::plugin::Plugin;
use gpx_tests::upstream::{Answer, Gate, Upstream, points};
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::task::JoinSet;

/// The least time between two calls of one attacker. It is about what an attack does to others, not about how many there
/// are.
const PAUSE: Duration = Duration::from_millis(100);

/// The attack that is another component.
const TABLES: &str = "tables";

pub(crate) struct Hostile {
    attackers: JoinSet<Heard>,
    stop: watch::Sender<bool>,
    upstreams: [Arc<Upstream>; 2],
}

/// What one attacker was told.
struct Heard {
    kind: &'static str,
    calls: usize,
    /// How often each message came. An answer without an error is "".
    messages: BTreeMap<String, usize>,
}

pub(crate) struct Said(Vec<Heard>);

// === impl Hostile ===

impl Hostile {
    /// Starts all attackers, or `only` some.
    pub(crate) async fn start(
        plugin: Arc<Plugin>,
        collector: Arc<Collector>,
        only: Vec<String>,
    ) -> Result<Self> {
        let is_wanted = |kind: &str| only.is_empty() || only.iter().any(|only| only == kind);
        let quick = Arc::new(Upstream::points(1).await);
        let hanging = Arc::new(Upstream::always(Answer::json(points(1)).after(&Gate::closed())).await);
        let mut hostile = Self {
            attackers: JoinSet::new(),
            stop: watch::Sender::new(false),
            upstreams: [quick.clone(), hanging.clone()],
        };
        let kinds: [(&str, &str, Value, &Upstream); 11] = [
            ("trap", "trap", json!({}), &quick),
            ("panic", "panic", json!({}), &quick),
            ("recurse", "recurse", json!({ "count": 100_000_000 }), &quick),
            ("loop", "loop", json!({}), &quick),
            ("allocate", "allocate", json!({}), &quick),
            ("handles", "bodies", json!({}), &quick),
            ("flood of log lines", "log-flood", json!({ "count": 20_000, "bytes": 100 }), &quick),
            ("flood of spans", "span-events", json!({ "count": 10, "bytes": 1000 }), &quick),
            ("flood of requests", "request-flood", json!({ "count": 500 }), &quick),
            ("inconsistent frames", "bad-frame", json!({}), &quick),
            ("hanging HTTP", "fetch", json!({}), &hanging),
        ];
        let names = kinds.iter().map(|(kind, ..)| *kind).chain([TABLES]);
        let names: Vec<_> = names.collect();
        if let Some(unknown) = only.iter().find(|only| !names.contains(&only.as_str())) {
            bail!("there is no attack \"{unknown}\"; there are: {}", names.join(", "));
        }
        for (kind, query_type, mut model, upstream) in kinds {
            if !is_wanted(kind) {
                continue;
            }
            model["url"] = upstream.url().into();
            hostile.attack(plugin.clone(), kind, query_type, model, DataSource::new(&upstream.url()));
        }
        // No compiler produces these, so it is another component, and another process.
        if is_wanted(TABLES) {
            let launch = Plugin::of(&tables()).tracing(&collector.address()).unread();
            hostile.attack(Arc::new(launch.start().await), TABLES, "", json!({}), DataSource::new(""));
        }
        Ok(hostile)
    }

    /// Stops all attackers once their last calls have ended.
    pub(crate) async fn end(self) -> Said {
        self.stop.send_replace(true);
        let mut heard = self.attackers.join_all().await;
        heard.sort_by_key(|heard| heard.kind);
        Said(heard)
    }

    fn attack(
        &mut self,
        plugin: Arc<Plugin>,
        kind: &'static str,
        query_type: &'static str,
        model: Value,
        source: DataSource,
    ) {
        let (stopped, upstreams) = (self.stop.subscribe(), self.upstreams.clone());
        self.attackers.spawn(async move {
            let mut heard = Heard { kind, calls: 0, messages: BTreeMap::new() };
            let mut pause = tokio::time::interval(PAUSE);
            pause.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
            while !*stopped.borrow() {
                pause.tick().await;
                let attack = query("A").kind(query_type).json(model.clone());
                let message = match plugin.query(&source, [attack]).await {
                    Ok(reply) => reply.answer("A").error.clone(),
                    Err(status) => status.to_string(),
                };
                heard.calls += 1;
                *heard.messages.entry(message).or_default() += 1;
                upstreams.iter().for_each(|upstream| upstream.forget());
            }
            heard
        });
    }
}

/// A component whose queries grow sixteen tables until the host refuses.
fn tables() -> Vec<u8> {
    let (mut items, mut growth) = (String::new(), String::new());
    for number in 0..16 {
        items += &format!("(table $t{number} 0 funcref)");
        growth += &format!(
            "(loop $more{number} (br_if $more{number} (i32.ne (i32.const -1)
                (table.grow $t{number} (ref.null func) (i32.const 100000)))))"
        );
    }
    component(&items, &format!("{growth} unreachable"), 1)
}

// === impl Said ===

impl Said {
    /// Prints the most frequent message of each kind.
    pub(crate) fn print(&self) {
        println!("{:20} {:>7} {:>7}  what the plugin said", "attack", "calls", "failed");
        for Heard { kind, calls, messages } in &self.0 {
            let failed = calls - messages.get("").copied().unwrap_or(0);
            let most = messages.iter().filter(|(text, _)| !text.is_empty()).max_by_key(|(_, count)| **count);
            let text = most.map_or("", |(text, _)| text.as_str());
            println!("{kind:20} {calls:7} {failed:7}  {text:.500}");
        }
    }
}
