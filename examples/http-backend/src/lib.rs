//! A data source that gets its points from an HTTP service: `{"datapoints":[{"time":RFC 3339,"value":number}, …]}`.
//! It does the same as the HTTP backend example of Grafana's documentation, with the same spans.

use gpx_sdk::http::{self, StatusCode};
use gpx_sdk::resource::{Request, ResponseSender, Router};
use gpx_sdk::{Context, Data, Diagnostics, Fault, Frame, Health, Plugin, Query, Resource, Result, Settings};
use gpx_sdk::{Time, log, span};
use serde::Deserialize;

mod model;
#[cfg(test)]
mod tests;

use model::Model;

/// A data source. Each instance is created from the data source's settings.
struct HttpBackend {
    url: String,
}

/// The response of the service.
#[derive(Deserialize)]
struct Answer {
    datapoints: Vec<Point>,
}

#[derive(Deserialize)]
struct Point {
    time: Time,
    value: f64,
}

gpx_sdk::plugin!(
    HttpBackend: data, diagnostics, resource;
    attributes: { "my_plugin.my_attribute": "custom value" };
);

impl Plugin for HttpBackend {
    fn open(settings: Settings) -> Result<Self> {
        Ok(Self { url: settings.url().to_owned() })
    }
}

impl Data for HttpBackend {
    fn query(&self, _: &Context, query: &Query) -> Result<Vec<Frame>> {
        log::debug!("Processing query", "number" = query.index, "ref" = query.ref_id);
        if query.index % 2 == 1 {
            let number = query.index + 1;
            return Err(Fault::bad_request(format_args!(
                "query {number} is refused on purpose, to show a status per query"
            )));
        }
        self.points(query)
    }
}

impl HttpBackend {
    fn points(&self, query: &Query) -> Result<Vec<Frame>> {
        // The span ends when it goes out of scope. The span of the request below becomes its child.
        let span = span!(
            "query processing",
            "query.ref_id" = query.ref_id,
            "query.type" = query.query_type,
            "query.max_data_points" = query.max_data_points,
            "query.interval_ms" = query.interval_ms,
            "query.time_range.from" = query.time_range.start().unix_seconds(),
            "query.time_range.to" = query.time_range.end().unix_seconds(),
        );

        let mut request = http::get(&self.url);
        if !query.json.is_empty() {
            // By default, invalid JSON in a query is status 400. Grafana's example returns 500, and so does this one.
            let model: Model = query.json().map_err(|fault| Fault { status: 500, ..fault })?;
            request = request.query("multiplier", model.multiplier);
        }
        let response = request.send().map_err(gateway)?;
        span.add_event("HTTP request done", []);
        if response.status() != StatusCode::OK {
            return Err(Fault::new(400, "bad gateway response"));
        }

        let answer: Answer = response.json().map_err(gateway)?;
        span.add_event("JSON response decoded", []);

        let (times, values): (Vec<_>, Vec<_>) =
            answer.datapoints.into_iter().map(|point| (point.time, point.value)).unzip();
        span.add_event("Datapoints created", []);

        let frame = Frame::new("response").time("time", times).field("values", values);
        span.add_event("Frames created", []);
        Ok(vec![frame])
    }
}

/// The error in the panel if the request to the service fails, with the text of Grafana's example; the log says why.
/// With `?` instead, the panel would say why, and Grafana would attribute the error to the service, not to the plugin.
fn gateway(error: http::Error) -> Fault {
    log::warn!("upstream failed", "error" = error.to_string());
    match error.cause() {
        http::Cause::Timeout => Fault::new(504, "gateway timeout"),
        http::Cause::Invalid(_) => error.into(),
        _ => Fault::new(502, "bad gateway request"),
    }
}

impl Diagnostics for HttpBackend {
    fn check_health(&self, _: &Context) -> Result<Health> {
        Ok(match http::get(&self.url).send() {
            Ok(response) if response.status() == StatusCode::OK => Health::ok("Data source is working"),
            Ok(response) => Health::error(format!("got response code {}", response.status().as_u16())),
            Err(_) => Health::error("request error"),
        })
    }
}

impl Resource for HttpBackend {
    fn routes() -> Router<Self> {
        Router::new().any("/echo", Self::echo).post("/migrate-query", Self::migrate_query)
    }
}

impl HttpBackend {
    fn echo(&self, _: &Context, request: &Request, response: &mut ResponseSender) -> Result<()> {
        if let Some(content_type) = request.header("Content-Type") {
            response.start(StatusCode::OK, &[("Content-Type", content_type)])?;
        }
        Ok(response.send(&request.body)?)
    }

    /// The query editor sends a query that an older version of the editor saved.
    fn migrate_query(&self, _: &Context, request: &Request, response: &mut ResponseSender) -> Result<()> {
        response.json(&request.json::<Model>()?)
    }
}
