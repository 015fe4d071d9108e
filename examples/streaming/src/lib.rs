//! A data source whose values panels show as they come, ten times a second. They come from an HTTP service that answers
//! `GET /<path>` with `{"value": number}`.

use std::time::Duration;

use gpx_sdk::frame::Meta;
use gpx_sdk::stream::{Include, PacketSender, Reply, Request};
use gpx_sdk::{
    Context, Data, Diagnostics, Frame, Health, Plugin, Query, Result, Settings, Stream, Time, http, span,
    time,
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
        let mut next = time::monotonic();
        loop {
            // Returns with an error if the service fails, and then Grafana runs the stream again, after a pause; or if nobody
            // is subscribed any more.
            packets.frame(self.read(&request.path)?, Include::Data)?;
            // What a slow service has missed is not made up for.
            next = (next + PERIOD).max(time::monotonic());
            time::sleep(next.saturating_sub(time::monotonic()));
        }
    }
}

impl Streaming {
    fn read(&self, path: &str) -> Result<Frame> {
        // In a stream, each of these spans begins a trace of its own, which has the request.
        let _span = span!("read", "path" = path);
        let Answer { value } = http::get(&self.url).path([path]).send()?.error_for_status()?.json()?;
        Ok(Frame::new(path).time("time", [Time::now()]).field("value", [value]))
    }
}

impl Diagnostics for Streaming {
    fn check_health(&self, _: &Context) -> Result<Health> {
        http::get(&self.url).send()?;
        Ok(Health::ok("The service answers"))
    }
}

#[cfg(test)]
mod tests {
    use gpx_sdk::Source;
    use gpx_sdk::test::{Host, PacketRecord, ReplyRecord, data_source, get, json, query, status};
    use serde_json::json;

    use super::*;

    fn value(value: f64, millis: i64) -> Frame {
        let time = Time::parse("2026-01-01T00:00:00Z").unwrap().unix_millis() + millis;
        Frame::new("gold").time("time", [Time::from_unix_millis(time)]).field("value", [value])
    }

    #[test]
    fn a_query_names_the_channel() {
        let host = Host::new();
        host.given(get("/gold")).respond(json(&json!({ "value": 1.5 })));
        let plugin = host.open::<Streaming>(data_source("http://service.example").uid("abc")).unwrap();
        let frames = plugin.query(query("A").model(&json!({ "path": "gold" }))).unwrap();
        assert_eq!(frames, [value(1.5, 0).meta(Meta::new().channel("ds/abc/gold"))]);
    }

    #[test]
    fn a_subscriber_gets_values_ten_times_a_second() {
        let host = Host::new();
        let slow = Duration::from_millis(250);
        host.given(get("/gold")).times(3).respond(json(&json!({ "value": 1.5 })));
        host.given(get("/gold")).once().respond(json(&json!({ "value": 2.5 })).delay(slow));
        host.given(get("/gold")).respond(json(&json!({ "value": 3.5 })));
        let plugin = host.open::<Streaming>(data_source("http://service.example")).unwrap();

        let first = PacketRecord::Frame(value(1.5, 0), Include::All);
        assert_eq!(plugin.subscribe("gold").unwrap(), ReplyRecord::Accepted(Some(first)));
        let (packets, outcome) = plugin.run("gold", 4);
        let sent = [value(1.5, 0), value(1.5, 100), value(2.5, 450), value(3.5, 450)];
        assert_eq!(packets, sent.map(|frame| PacketRecord::Frame(frame, Include::Data)));
        assert_eq!(outcome.unwrap_err().status, 499, "nobody is subscribed any more");
    }

    #[test]
    fn a_service_that_fails_ends_the_stream() {
        let host = Host::new();
        host.given(get("/gold")).respond(status(503));
        let plugin = host.open::<Streaming>(data_source("http://service.example")).unwrap();
        let (packets, outcome) = plugin.run("gold", 1);
        let fault = outcome.unwrap_err();
        assert_eq!((packets.len(), fault.status, fault.source), (0, 503, Source::Downstream));
    }
}
