//! Tests of a plugin without a host: all that Grafana calls runs under plain `cargo test`, natively.
//!
//! Enable it with `[dev-dependencies] gpx-sdk = { …, features = ["test"] }`. A component contains nothing of it.
//!
//! A [`Host`] is the host of its thread for as long as it lives. It answers requests by what the test has scripted, and
//! records them with all spans, log lines and metrics. [`Host::open`] makes the plugin as the host does, and what it
//! returns calls it in the same way.
//!
//! ```
//! use gpx_sdk::test::{self, Host, data_source, get, query};
//! use gpx_sdk::*;
//!
//! struct Prices {
//!     url: String,
//! }
//!
//! #[derive(serde::Deserialize)]
//! struct Model {
//!     symbol: String,
//! }
//!
//! impl Plugin for Prices {
//!     fn open(settings: Settings) -> Result<Self> {
//!         Ok(Self { url: settings.url().to_owned() })
//!     }
//! }
//!
//! impl Data<Model, Frame> for Prices {
//!     fn query(&self, _: &Context, query: &Query<Model>) -> Result<Frame> {
//!         let _span = span!("read prices", "prices.symbol" = query.model.symbol);
//!         let request = http::get(&self.url).path(["prices"]).query("symbol", &query.model.symbol);
//!         let prices: Vec<f64> = request.send()?.json()?;
//!         Ok(Frame::new("prices").field("price", prices))
//!     }
//! }
//!
//! plugin!(Prices: data);
//!
//! // #[test]
//! fn prices_become_a_frame() -> Result<()> {
//!     let host = Host::new();
//!     host.given(get("/prices").query("symbol", "gold")).respond(test::json(&[1.5, 2.5]));
//!     let prices = host.open::<Prices>(data_source("http://prices.example"))?;
//!
//!     let frames = prices.query(query("A").model(&serde_json::json!({ "symbol": "gold" })))?;
//!
//!     assert_eq!(frames, [Frame::new("prices").field("price", [1.5, 2.5])]);
//!     assert_eq!(host.span("read prices").attributes["prices.symbol"], "gold");
//!     assert_eq!(host.requests()[0].span.as_deref(), Some("read prices"));
//!     Ok(())
//! }
//! # prices_become_a_frame().unwrap();
//! ```
//!
//! **Time** stands still at 2026-01-01T00:00:00Z, and passes only while the plugin waits: for a response that is scripted
//! with a [delay](ResponseTemplate::delay), and in [`time::sleep`](crate::time::sleep). So no test really waits. Random numbers
//! are the same in every run. Both hold for this crate, and for what the plugin asks it for: [`Time::now`](crate::Time::now),
//! [`time::monotonic`](crate::time::monotonic), [`random::number`](crate::random::number). What reads the clock of `std` gets the
//! machine's.
//!
//! **What is not checked:** which origins the operator grants, the limits of memory and processor time, and which headers a
//! component may see. The data source's own credentials and headers are not added to requests, and secrets are not replaced in
//! log lines and faults.
//!
//! Requests, spans and log lines are also printed, which `cargo test` shows if a test fails.
//!
//! Without a [`Host`], log lines go to stderr and spans and metrics nowhere. A request, the cache and the context panic then, and
//! say what to do; other tests go on.
#![cfg_attr(
    not(feature = "test"),
    allow(dead_code, unreachable_pub, unused_imports, reason = "only the feature makes it public")
)]

mod host;
pub(crate) mod mock;
mod objects;
mod opened;
mod query;
pub(crate) mod record;
mod resource;
mod rows;
mod settings;
mod stream;
#[cfg(test)]
mod tests;

pub use self::host::{Given, Host};
pub use self::mock::{Matcher, ResponseTemplate, SentRequest, any, failure, get, json, post, status, text};
pub use self::objects::{AdmissionRequest, MutationRecord, VerdictRecord};
pub use self::opened::{AnswerRecord, ChunkRecord, Opened};
pub use self::query::{QueryBuilder, query};
pub use self::record::{EventRecord, LogRecord, RequestSpanRecord, SpanRecord, SpanStatus};
pub use self::resource::{ResourceRequest, ResourceResponse};
pub use self::rows::rows;
pub use self::settings::{SettingsBuilder, app, data_source, no_settings};
pub use self::stream::{PacketRecord, ReplyRecord};

/// 2026-01-01T00:00:00Z, in seconds since 1970.
pub(crate) const START: i64 = 1_767_225_600;
