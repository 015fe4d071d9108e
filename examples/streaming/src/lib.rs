//! A data source whose values panels show as they come, ten times a second. They come from an HTTP service that answers
//! `GET /<path>` with `{"value": number}`.

use std::time::{Duration, Instant, SystemTime};

use gpx_sdk::frame::Meta;
use gpx_sdk::stream::{Include, PacketSender, Reply, Request};
use gpx_sdk::{
    Context, Data, Diagnostics, Frame, Health, Plugin, Query, Result, Settings, Stream, http, span,
};
use serde::Deserialize;

/// How often the service is asked.
const PERIOD: Duration = Duration::from_millis(100);

struct Streaming {
    url: String,
    uid: String,
}

/// The query that the editor saves.
#[derive(Deserialize)]
struct Model {
    path: String,
}

/// The answer of the service.
#[derive(Deserialize)]
struct Answer {
    value: f64,
}

gpx_sdk::plugin!(Streaming: data, diagnostics, stream);

impl Plugin for Streaming {
    fn open(settings: Settings) -> Result<Self> {
        Ok(Self { url: settings.url().to_owned(), uid: settings.uid().to_owned() })
    }
}

impl Data<Model, Frame> for Streaming {
    /// Answers with the value of now, and names the channel with those that follow: the panel subscribes to it.
    fn query(&self, _: &Context, query: &Query<Model>) -> Result<Frame> {
        let path = &query.model.path;
        Ok(self.read(path)?.meta(Meta::new().channel(format!("ds/{}/{path}", self.uid))))
    }
}

impl Stream for Streaming {
    /// Whoever may query the data source may subscribe. A subscriber gets the schema first, so that `run` need not repeat it.
    fn subscribe(&self, _: &Context, request: &Request) -> Result<Reply> {
        Ok(Reply::frame(self.read(&request.path)?, Include::All))
    }

    fn run(&self, _: &Context, request: &Request, packets: &mut PacketSender) -> Result<()> {
        let mut next = Instant::now();
        loop {
            // Returns with an error if the service fails, and then Grafana runs the stream again, after a pause; or if nobody
            // is subscribed any more.
            packets.frame(self.read(&request.path)?, Include::Data)?;
            // What a slow service has missed is not made up for.
            next = (next + PERIOD).max(Instant::now());
            std::thread::sleep(next.saturating_duration_since(Instant::now()));
        }
    }
}

impl Streaming {
    fn read(&self, path: &str) -> Result<Frame> {
        // In a stream, each of these spans begins a trace of its own, which has the request.
        let _span = span!("read", "path" = path);
        let Answer { value } = http::get(&self.url).path([path]).send()?.error_for_status()?.json()?;
        Ok(Frame::new(path).time("time", [SystemTime::now()]).field("value", [value]))
    }
}

impl Diagnostics for Streaming {
    fn check_health(&self, _: &Context) -> Result<Health> {
        http::get(&self.url).send()?;
        Ok(Health::ok("The service answers"))
    }
}
