//! Uses each interface of the contract. At a release, the built component goes into tests/released, so that later hosts are
//! tested with it: wit/README.md says how.

use std::time::{Duration, SystemTime};

use gpx_sdk::admission::{self, Denial, Mutation, Object, Verdict};
use gpx_sdk::chunks::ChunkSender;
use gpx_sdk::conversion::{self, StoredObject};
use gpx_sdk::frame::{Enumeration, FieldConfig, Json, Meta, Visualization};
use gpx_sdk::http::StatusCode;
use gpx_sdk::metrics::{Counter, Gauge, Histogram};
use gpx_sdk::resource::{self, ResponseSender, Router};
use gpx_sdk::span::{Link, SpanKind, Status};
use gpx_sdk::stream::{self, Include, PacketSender, Reply};
use gpx_sdk::{
    Admission, Answer, Context, Conversion, Data, DataChunked, Diagnostics, Fault, Field, Frame, Health,
    Plugin, Query, QueryConversion, Resource, Result, Settings, Stream, Time, Unread, attributes, cache,
    http, log, span,
};
use serde::{Deserialize, Serialize};

static QUERIES: Counter<1> = Counter::new("released_queries_total", "Queries").labels(["kind"]);
static OPEN: Gauge = Gauge::new("released_open", "Instances that are open");
static SECONDS: Histogram = Histogram::new("released_seconds", "How long the upstream took");

struct Released(Settings);

#[derive(Deserialize, Serialize)]
pub struct Posted {
    name: String,
}

gpx_sdk::plugin!(
    Released: admission, conversion, data, data_chunked, diagnostics, query_conversion, resource, stream;
    attributes: { "released.flag": true };
    secrets: ["token"];
    headers: ["X-Released"];
);

impl Plugin for Released {
    fn open(settings: Settings) -> Result<Self> {
        OPEN.set(1.0);
        Ok(Self(settings))
    }
}

impl Data<Unread, Answer> for Released {
    fn query(&self, context: &Context, query: &Query) -> Result<Answer> {
        QUERIES.with([query.query_type.as_str()]).inc();
        match query.query_type.as_str() {
            "context" => Ok(self.context(context).into()),
            "types" => Ok(Answer::from(types()?).status(206).also("B", types()?)),
            "upstream" => Ok(self.upstream()?.into()),
            "shared" => Ok(Frame::new("shared").field("value", [shared()?]).into()),
            _ => Err(Fault::downstream(503, "failed on purpose")),
        }
    }
}

impl Released {
    /// What the host says about the call and the data source.
    fn context(&self, context: &Context) -> Frame {
        let (plugin, user) = (context.plugin(), context.user());
        let text = |text: &Option<String>| text.clone().unwrap_or_default();
        let grafana = plugin.grafana.as_ref();
        let pairs = [
            ("org", plugin.org_id.to_string()),
            ("plugin", plugin.plugin_id.clone()),
            ("version", text(&plugin.plugin_version)),
            ("namespace", text(&plugin.namespace)),
            ("api", text(&plugin.api_version)),
            ("grafana", grafana.map(|grafana| grafana.version.clone()).unwrap_or_default()),
            ("toggles", plugin.feature_toggles.join(" ")),
            ("user", user.map(|user| format!("{} {}", user.login, user.role)).unwrap_or_default()),
            ("header", context.header("X-Released").unwrap_or_default().to_owned()),
            ("has time", context.time_left().is_some().to_string()),
            ("cancelled", context.cancelled().to_string()),
            ("kind", format!("{:?}", self.0.kind())),
            ("uid", self.0.uid().to_owned()),
            ("token", self.0.secret("token").unwrap_or_default().to_owned()),
            ("team", self.0.operator_settings().map(|(_, value)| value).collect()),
        ];
        let (names, values): (Vec<_>, Vec<_>) = pairs.into_iter().unzip();
        Frame::new("context").field("name", names).field("value", values)
    }

    /// Reads from the data source, with spans, a line, and a metric.
    fn upstream(&self) -> Result<Frame> {
        let outer = span!("outer", "number" = 1);
        outer.set_attribute("texts", ["a", "b"]);
        outer.add_event("happened", attributes!("times" = 2));
        let current = span::current().map(|context| context.trace_id).unwrap_or_default();
        let link = Link::new(outer.span_context(), []);
        let inner = span::builder("inner").with_kind(SpanKind::Client).with_links([link]).start();
        let text = SECONDS.time(|| http::get(self.0.url()).header("X-Released", "sent").send()?.text())?;
        inner.error("failed on purpose");
        drop(inner);
        outer.update_name("renamed");
        outer.set_status(Status::Ok);
        log::info!("read", "bytes" = text.len(), "recording" = outer.is_recording());
        Ok(Frame::new("upstream").field("text", [text]).field("trace", [current]))
    }
}

/// A column of each type.
fn types() -> Result<Frame> {
    let meta = Meta::new().visualization(Visualization::Table).custom(&["a"])?;
    let on = FieldConfig::new().enumeration(["off", "on"]);
    Ok(Frame::new("types")
        .meta(meta)
        .time("time", [Time::from_unix_millis(1_700_000_000_000)])
        .with(Field::new("text", [None::<String>]).label("a", "b").config(FieldConfig::new().unit("short")))
        .field("bool", [true])
        .field("i8", [-1_i8])
        .field("i16", [-2_i16])
        .field("i32", [-3_i32])
        .field("i64", [-4_i64])
        .field("u8", [1_u8])
        .field("u16", [2_u16])
        .field("u32", [3_u32])
        .field("u64", [4_u64])
        .field("f32", [0.5_f32])
        .field("f64", [Some(0.25)])
        .field("json", [Json("[1]".to_owned())])
        .with(Field::new("enum", [Enumeration(1)]).config(on)))
}

/// A value that all instances share.
fn shared() -> Result<String> {
    cache::set("gone", "x", Duration::from_secs(60))?;
    cache::remove("gone");
    let gone: Option<String> = cache::get("gone");
    let value = cache::get_or_load("value", || Ok(("loaded".to_owned(), Duration::from_secs(60))))?;
    Ok(format!("{value} {gone:?}"))
}

impl DataChunked for Released {
    fn query_chunked(&self, _: &Context, queries: &[Query], chunks: &mut ChunkSender) -> Result<()> {
        for query in queries {
            chunks.frame(&query.ref_id, "f", Frame::new("chunk").field("row", [1]))?;
            chunks.frame(&query.ref_id, "f", Frame::new("chunk").field("row", [2]))?;
            chunks.fault(&query.ref_id, Fault::downstream(503, "failed on purpose"))?;
        }
        Ok(())
    }
}

impl Diagnostics for Released {
    fn check_health(&self, _: &Context) -> Result<Health> {
        Health::ok("well").details(&Some(std::collections::BTreeMap::from([("a", 1)])))
    }
}

impl Resource for Released {
    fn routes() -> Router<Self> {
        Router::new().post("greet/{greeting}", Self::greet)
    }
}

impl Released {
    fn greet(&self, _: &Context, request: &resource::Request, response: &mut ResponseSender) -> Result<()> {
        let greeting: String = request.parameter("greeting")?;
        let Posted { name } = request.json()?;
        response.start(StatusCode::CREATED, &[("X-Released", "answered")])?;
        response.send(greeting.as_bytes())?;
        Ok(response.send(format!(" {name}").as_bytes())?)
    }
}

impl Stream for Released {
    fn subscribe(&self, _: &Context, request: &stream::Request) -> Result<Reply> {
        match request.path.as_str() {
            "ticks" => Ok(Reply::frame(tick(0), Include::Schema)),
            "secret" => Ok(Reply::permission_denied()),
            _ => Ok(Reply::not_found()),
        }
    }

    fn publish(&self, _: &Context, request: &stream::Request) -> Result<Reply> {
        Reply::json(&request.json::<Vec<i64>>()?)
    }

    fn run(&self, context: &Context, _: &stream::Request, packets: &mut PacketSender) -> Result<()> {
        packets.json(&["first"])?;
        for number in 1.. {
            if context.cancelled() {
                break;
            }
            packets.frame(tick(number), if number == 1 { Include::All } else { Include::Data })?;
            std::thread::sleep(Duration::from_millis(1));
        }
        Ok(())
    }
}

fn tick(number: i64) -> Frame {
    Frame::new("tick").time("time", [SystemTime::now()]).field("number", [number])
}

impl Admission for Released {
    fn validate(&self, _: &Context, request: &admission::Request) -> Result<Verdict> {
        Ok(match request.kind.name.as_str() {
            "Denied" => Denial::new(422, "denied on purpose").reason("Invalid").into(),
            _ => Verdict::allow().warning("beware"),
        })
    }

    fn mutate(&self, context: &Context, request: &admission::Request) -> Result<Mutation> {
        let verdict = self.validate(context, request)?;
        Ok(match &request.object {
            Some(Object::DataSource(source)) => verdict.store(source.clone().with_name("renamed")),
            Some(Object::App(app)) => verdict.store(app.clone().with_json(&Posted { name: String::new() })?),
            Some(Object::Serialized(_)) => verdict.store(Object::Serialized(b"{}".to_vec())),
            None => verdict.into(),
        })
    }
}

impl Conversion for Released {
    fn convert(&self, _: &Context, request: &conversion::Request) -> Result<conversion::Conversion> {
        if request.target.version == "unknown" {
            return Ok(Err(Denial::new(404, "there is no such version")));
        }
        let convert = |object: &StoredObject| StoredObject::of_json(&object.json::<Posted>()?);
        request.objects.iter().map(convert).collect::<Result<_>>().map(Ok)
    }
}

impl QueryConversion<Posted, Posted> for Released {
    fn convert_query(&self, _: &Context, query: Posted) -> Result<Posted> {
        Ok(Posted { name: format!("{} converted", query.name) })
    }
}
