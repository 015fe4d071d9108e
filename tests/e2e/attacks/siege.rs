//! An attack on a plugin, and what must hold during it and after it.

use std::future::Future;

use gpx_tests::grafana::{DataSource, Query};
use gpx_tests::plugin::{Launch, Plugin};
use gpx_tests::process::Process;
use gpx_tests::proto::pluginv2::data_client::DataClient;
use gpx_tests::proto::pluginv2::{DataFrameFormat, DataResponse, QueryDataResponse};
use gpx_tests::upstream::{Gate, Upstream};
use tokio::task::JoinSet;
use tonic::{Response, Status};

use crate::data_source::count;

/// What `gpx_memory_max` and `gpx_memory_total` are during attacks, in MiB.
pub(super) const MAX: u64 = 32;
pub(super) const TOTAL: u64 = 96;

/// How many data sources attack at once.
pub(super) const ATTACKERS: usize = 4;

/// How many of them hold what they took at once. So many fit into the total in any case.
const HOLDERS: usize = 2;

/// How many descriptors may be open afterwards that were not open before: the idle connections of as many requests as
/// well-meaning calls of these tests have open at once.
const IDLE_CONNECTIONS: usize = 80;

const MIB: u64 = 1 << 20;

type Asked = Result<Response<QueryDataResponse>, Status>;

pub(super) struct Siege {
    pub plugin: Plugin,
    pub process: Process,
    /// A data source that attacks nobody.
    pub other: DataSource,
    /// What the attackers ask for.
    pub format: DataFrameFormat,
    /// Bytes in memory, and descriptors, before the attack.
    resident: u64,
    descriptors: usize,
}

// === impl Siege ===

impl Siege {
    /// Starts the probe with small limits.
    pub(super) async fn of_probe() -> Self {
        Self::of(Plugin::guest("probe")).await
    }

    pub(super) async fn of(launch: Launch) -> Self {
        let launch = launch.setting("gpx_memory_max", &MAX.to_string()).setting("gpx_cpu_timeout", "2s");
        let plugin = launch.setting("gpx_memory_total", &TOTAL.to_string()).start().await;
        let (process, other) = (plugin.process(), DataSource::new(""));
        let format = DataFrameFormat::Json;
        let siege = Self { plugin, process, other, format, resident: 0, descriptors: 0 };
        siege.others_are_answered().await;
        siege.process.forget_peak();
        Self { resident: siege.process.resident(), descriptors: siege.process.descriptors(), ..siege }
    }

    /// Has several data sources ask this query at once, and returns their answers. Meanwhile another data source is
    /// answered.
    pub(super) async fn attack(&self, url: &str, query: &Query) -> Vec<DataResponse> {
        self.during(self.attackers(url, query).join_all()).await.into_iter().map(answered).collect()
    }

    /// Like [`Siege::attack`]. Some of them take what they can and hold it at the same time: they wait for this upstream,
    /// whose gate is closed.
    pub(super) async fn held(&self, upstream: &Upstream, gate: &Gate, query: &Query) -> Vec<DataResponse> {
        let mut attackers = self.attackers(&upstream.url(), query);
        let mut answers = Vec::new();
        let attack = async {
            while answers.len() < HOLDERS {
                let held = upstream.wait_for_requests(HOLDERS - answers.len());
                tokio::select! {
                    _ = held => break,
                    Some(reply) = attackers.join_next() => answers.push(answered(reply.expect("no panic"))),
                }
            }
            gate.open();
            answers.extend(attackers.join_all().await.into_iter().map(answered));
        };
        self.during(attack).await;
        answers
    }

    fn attackers(&self, url: &str, query: &Query) -> JoinSet<Asked> {
        let ask = |_| {
            // Not by a `Call`, which would decode the frames.
            let mut message = self.plugin.query(&DataSource::new(url), [query.clone()]).message;
            message.format = self.format.into();
            let mut client =
                DataClient::new(self.plugin.channel.clone()).max_decoding_message_size(usize::MAX);
            async move { client.query_data(message).await }
        };
        (0..ATTACKERS).map(ask).collect()
    }

    /// Another data source is answered until `attack` is over.
    pub(super) async fn during<T>(&self, attack: impl Future<Output = T>) -> T {
        let mut attack = std::pin::pin!(attack);
        loop {
            tokio::select! {
                over = &mut attack => return over,
                () = self.others_are_answered() => {}
            }
        }
    }

    /// Like [`Siege::attack`], and each of them is refused with one sentence that has all of `words`.
    pub(super) async fn refused(&self, url: &str, query: &Query, words: &[&str]) {
        for answer in self.attack(url, query).await {
            assert_told(&answer.error, words);
        }
    }

    /// The process never had more memory than it may have, and gives it back, with all descriptors.
    pub(super) async fn over(self) {
        let allowed = self.resident + TOTAL * MIB * 5 / 4 + 32 * MIB;
        let peak = self.process.peak();
        // For the table of an audit: `cargo xtask test attacks --nocapture`.
        let test = std::thread::current();
        let (test, idle) = (test.name().unwrap_or_default(), self.resident);
        println!("{test}: idle {} MiB, peak {} MiB of {}", idle / MIB, peak / MIB, allowed / MIB);
        assert!(
            peak <= allowed,
            "{} MiB in memory, where {} MiB are allowed and {} MiB are idle",
            peak / MIB,
            allowed / MIB,
            self.resident / MIB
        );
        // What idle instances may keep until others need it.
        let kept = self.resident + TOTAL * MIB + 32 * MIB;
        loop {
            self.others_are_answered().await;
            if self.process.descriptors() <= self.descriptors + IDLE_CONNECTIONS
                && self.process.resident() <= kept
            {
                break;
            }
        }
        assert!(self.plugin.stop().await.success());
    }

    /// Another data source is answered so often that whatever was asked before has begun.
    pub(super) async fn others_are_answered_often(&self) {
        for _ in 0..50 {
            self.others_are_answered().await;
        }
    }

    /// Checks a health check, which every component of these tests answers in one way or another, and a query if it is the
    /// probe: that goes ahead of nobody.
    async fn others_are_answered(&self) {
        match self.plugin.health(&self.other).await {
            Ok(health) => {
                assert_eq!(health.message, "all is well");
                count(&self.plugin, &self.other).await;
            }
            Err(status) => assert_eq!(status.code(), tonic::Code::Unimplemented, "{status}"),
        }
    }
}

fn answered(asked: Asked) -> DataResponse {
    let reply = asked.expect("the call is answered").into_inner();
    reply.responses.into_values().next().expect("an answer to the only query")
}

/// Checks that an attack succeeded, or that it is told why not.
pub(super) fn assert_ended(answers: &[DataResponse]) {
    assert_eq!(answers.len(), ATTACKERS);
    for answer in answers.iter().filter(|answer| !answer.error.is_empty()) {
        assert_told(&answer.error, &[]);
    }
}

/// Checks that a message is one sentence of a reasonable length that has all of `words`.
pub(super) fn assert_told(message: &str, words: &[&str]) {
    let sentence = !message.is_empty() && !message.contains('\n') && message.len() <= 9 << 10;
    assert!(sentence, "not a sentence of {} bytes: {message:.1000}", message.len());
    for word in words {
        assert!(message.contains(word), "no {word:?} in: {message:.1000}");
    }
}
