//! A data source whose series come from a service that speaks JSON:
//!
//! - `GET {url}/series` answers with the names of all series, `["daily", …]`;
//! - `GET {url}/series/{name}?from=…&to=…&step=…`, in milliseconds, answers with `[{"time": RFC 3339, "value": 1.5}, …]`.
//!
//! A data source without a URL shows what `demo` makes up.

mod demo;
#[cfg(test)]
mod tests;

use gpx_sdk::resource::Router;
use gpx_sdk::{Context, Data, Diagnostics, Frame, Health, Plugin, Query, Resource, Result, Settings, Time};
use gpx_sdk::{http, span};
use serde::Deserialize;

/// An instance is made from the settings of one data source.
struct DataSource {
    url: String,
}

/// What the query editor saves.
#[derive(Deserialize)]
struct Model {
    series: String,
}

#[derive(Deserialize)]
struct Point {
    time: Time,
    value: f64,
}

gpx_sdk::plugin!(
    DataSource: data, diagnostics, resource;
    // Of the data source's secrets. The host sends it to the data source's own URL; this code never sees it.
    secrets: ["apiToken" as header "Authorization: Bearer {}"];
);

impl Plugin for DataSource {
    fn open(settings: Settings) -> Result<Self> {
        Ok(Self { url: settings.url().to_owned() })
    }
}

impl Data<Model> for DataSource {
    fn query(&self, _: &Context, query: &Query<Model>) -> Result<Vec<Frame>> {
        let series = &query.model.series;
        let span = span!("read series", "series.name" = series);
        let points = self.points(series, query)?;
        span.set_attribute("series.points", points.len());
        let (times, values): (Vec<_>, Vec<_>) =
            points.into_iter().map(|point| (point.time, point.value)).unzip();
        Ok(vec![Frame::new(series).time("time", times).field("value", values)])
    }
}

impl Diagnostics for DataSource {
    fn check_health(&self, _: &Context) -> Result<Health> {
        Ok(Health::ok(format!("{} series can be read", self.series()?.len())))
    }
}

impl Resource for DataSource {
    fn routes() -> Router<Self> {
        // The query editor's list, and the values of a dashboard's variable.
        Router::<Self>::new().get("/series", |source, _, _, response| response.json(&source.series()?))
    }
}

impl DataSource {
    fn series(&self) -> Result<Vec<String>> {
        if self.url.is_empty() {
            return Ok(demo::series());
        }
        Ok(http::get(&self.url).path(["series"]).send()?.json()?)
    }

    fn points(&self, series: &str, query: &Query<Model>) -> Result<Vec<Point>> {
        let (from, to) = (query.time_range.start(), query.time_range.end());
        if self.url.is_empty() {
            return demo::points(series, from, to, query.interval_ms);
        }
        let request = http::get(&self.url).path(["series", series]);
        let request = request.query("from", from.unix_millis()).query("to", to.unix_millis());
        Ok(request.query("step", query.interval_ms).send()?.json()?)
    }
}
