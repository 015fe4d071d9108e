//! What leaves the process, and where to. Most of it is in a table, `egress/table.jsonl`: tries to reach what was not
//! granted, each with what is refused in which words, or with the bytes that reach which upstream.

mod names;
mod reuse;
mod row;
mod settings;

use gpx_tests::grafana::{DataSource, query};
use gpx_tests::plugin::{Launch, Plugin};
use gpx_tests::wire::Wire;

use row::{Places, Row};

const TABLE: &str = include_str!("egress/table.jsonl");

/// The two upstreams of the rows, one of which may be granted.
pub(crate) struct Upstreams {
    own: Wire,
    other: Wire,
}

// === impl Upstreams ===

impl Upstreams {
    pub(crate) async fn start() -> Self {
        Self { own: Wire::start().await, other: Wire::start().await }
    }

    /// The probe, in an environment that names a proxy.
    pub(crate) fn probe(&self) -> Launch {
        let proxy = format!("http://{}", self.other.address());
        let names = ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"];
        names.iter().fold(Plugin::guest("probe"), |launch, name| launch.env(name, &proxy))
    }
}

/// A data source with credentials that the host applies.
pub(crate) fn source(url: &str) -> DataSource {
    let json = serde_json::json!({ "httpHeaderName1": "X-Key" });
    DataSource::new(url).json(json).secret("httpHeaderValue1", "key").basic_auth("user", "password")
}

/// Tries all rows of the table that are for a plugin with such settings, and shows those that do not hold.
async fn assert_rows_hold(with: &str, launch: impl FnOnce(Launch, &Upstreams) -> Launch) {
    let upstreams = Upstreams::start().await;
    let plugin = launch(upstreams.probe(), &upstreams).start().await;
    let places = Places::of(&upstreams);
    let mut failures = String::new();
    let mut rows: Vec<_> = Row::all(TABLE, &places).into_iter().filter(|row| row.with == with).collect();
    // What an upstream sees of these may come late.
    rows.sort_by_key(|row| row.torn);
    for row in rows {
        if let Err(what) = row.holds(&plugin, &upstreams).await {
            failures.push_str(&format!("\n{}: {what}", row.name));
        }
    }
    assert!(failures.is_empty(), "{failures}");
}

#[gpx_tests::test]
async fn nothing_leaves_that_was_not_granted() {
    assert_rows_hold("", |launch, _| launch).await;
}

#[gpx_tests::test]
async fn what_is_granted_leaves_without_credentials() {
    let launch = |launch: Launch, upstreams: &Upstreams| {
        let other = upstreams.other.address().to_string();
        launch.setting("gpx_allow_hosts", &other).setting("gpx_allow_paths", "/ready")
    };
    assert_rows_hold("granted", launch).await;
}

#[gpx_tests::test]
async fn only_public_upstreams_if_the_operator_says_so() {
    let launch = |launch: Launch, upstreams: &Upstreams| {
        let other = upstreams.other.address().to_string();
        launch.setting("gpx_allow_hosts", &other).setting("gpx_deny_private", "on")
    };
    assert_rows_hold("public", launch).await;
}

#[gpx_tests::test]
async fn more_headers_than_a_request_can_have_are_told_in_words() {
    let upstreams = Upstreams::start().await;
    let plugin = upstreams.probe().start().await;
    let url = format!("http://{}", upstreams.own.address());
    let numbers = 1..25_000;
    let names =
        numbers.clone().map(|number| (format!("httpHeaderName{number}"), format!("x-{number}").into()));
    let json = serde_json::Value::Object(names.collect());
    let source = DataSource::new(&url).json(json);
    let source =
        numbers.fold(source, |source, number| source.secret(&format!("httpHeaderValue{number}"), "v"));
    let fetch = query("A").kind("fetch").json(serde_json::json!({ "url": url }));
    let reply = plugin.query(&source, [fetch]).await.unwrap();
    let words = "the data source has more than 256 headers, or 65536 bytes of them, in httpHeaderName1 and so on: remove some";
    assert!(reply.answer("A").error.ends_with(words), "{}", reply.answer("A").error);
    assert_eq!(upstreams.own.received().connections, 0);
}

#[test]
fn the_table_has_many_rows_and_each_a_name() {
    let rows = Row::all(TABLE, &Places::default());
    let mut names: Vec<_> = rows.iter().map(|row| row.name.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), rows.len(), "each row has a name of its own");
    assert!(rows.len() >= 200, "{}", rows.len());
    assert!(
        rows.iter().all(|row| ["", "granted", "public"].contains(&row.with.as_str())),
        "no row is left out"
    );
}
