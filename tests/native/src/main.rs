//! examples/http-backend as a native plugin, on the crate `grafana-plugin-sdk` with `reqwest`: the benchmark compares both. It has no
//! spans and no metrics, which that crate leaves to the author.

use chrono::{DateTime, Utc};
use futures_util::stream::FuturesOrdered;
use grafana_plugin_sdk::backend::{
    BoxDataResponseStream, DataQuery, DataQueryError, DataQueryStatus, DataResponse, DataService,
    QueryDataRequest,
};
use grafana_plugin_sdk::data;
use grafana_plugin_sdk::prelude::*;
use serde::Deserialize;
use serde_json::Value;

#[derive(Clone, Debug, GrafanaPlugin)]
#[grafana_plugin(plugin_type = "datasource", json_data = "Value", secure_json_data = "Value")]
struct HttpBackend {
    client: reqwest::Client,
}

/// The query, as the editor saves it.
#[derive(Debug, Deserialize)]
struct Model {
    #[serde(default)]
    multiplier: i64,
}

/// The response of the service.
#[derive(Deserialize)]
struct Answer {
    datapoints: Vec<Point>,
}

#[derive(Deserialize)]
struct Point {
    time: DateTime<Utc>,
    value: f64,
}

#[derive(Debug, thiserror::Error)]
enum Reason {
    #[error("the query has no data source")]
    NoSource,
    #[error("bad gateway request")]
    Request(#[from] reqwest::Error),
    #[error("bad gateway response")]
    Response,
    #[error("the frame is not valid")]
    Frame(#[from] data::Error),
}

#[derive(Debug, thiserror::Error)]
#[error("{reason}")]
struct Failure {
    ref_id: String,
    reason: Reason,
}

impl DataQueryError for Failure {
    fn ref_id(self) -> String {
        self.ref_id
    }

    fn status(&self) -> DataQueryStatus {
        DataQueryStatus::Internal
    }
}

#[tonic::async_trait]
impl DataService for HttpBackend {
    type Query = Model;
    type QueryError = Failure;
    type Stream = BoxDataResponseStream<Failure>;

    async fn query_data(&self, request: QueryDataRequest<Model, Self>) -> Self::Stream {
        let url = request.plugin_context.instance_settings.map(|settings| settings.url);
        let answers = request.queries.into_iter().map(|query| {
            let (client, url) = (self.client.clone(), url.clone());
            async move {
                tracing::debug!(r#ref = query.ref_id, "Processing query");
                let response = match frame(&client, url, &query).await {
                    Ok(frame) => frame
                        .check()
                        .map(|frame| DataResponse::new(query.ref_id.clone(), vec![frame]))
                        .map_err(Reason::from),
                    Err(reason) => Err(reason),
                };
                response.map_err(|reason| Failure { ref_id: query.ref_id, reason })
            }
        });
        Box::pin(answers.collect::<FuturesOrdered<_>>())
    }
}

async fn frame(
    client: &reqwest::Client,
    url: Option<String>,
    query: &DataQuery<Model>,
) -> Result<data::Frame, Reason> {
    let request = client.get(url.ok_or(Reason::NoSource)?).query(&[("multiplier", query.query.multiplier)]);
    let response = request.send().await?;
    if response.status() != reqwest::StatusCode::OK {
        return Err(Reason::Response);
    }
    let Answer { datapoints } = response.json().await?;
    let (times, values): (Vec<_>, Vec<_>) =
        datapoints.into_iter().map(|point| (point.time, point.value)).unzip();
    let fields = [times.into_field("time"), values.into_field("values")];
    Ok(fields.into_frame("response"))
}

#[grafana_plugin_sdk::main(services(data))]
async fn plugin() -> HttpBackend {
    HttpBackend { client: reqwest::Client::new() }
}
