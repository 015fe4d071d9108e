//! The queries of a request: JSON as the query editor saves it, or as Grafana's query inspector shows it.

use std::io::Read as _;

use anyhow::{Context as _, Result, bail};
use gpx_client::proto::pluginv2::{DataQuery, TimeRange};
use serde_json::{Map, Value, json};

use crate::folder::Folder;
use crate::moment;
use crate::source;
use crate::terminal::shown;

/// No file of queries is larger.
const LARGEST: u64 = 64 << 20;

/// What Grafana assumes if a query does not say.
const MAX_DATA_POINTS: i64 = 100;
const INTERVAL_MS: i64 = 1000;

#[derive(clap::Args)]
#[command(next_help_heading = "Queries")]
pub(crate) struct Queries {
    /// A query, as the query editor saves it; or a list of queries, or the `request` that Grafana's query inspector shows.
    /// Without it, the query is `{}`.
    ///
    /// What does not begin with `{` or `[` is the name of a file; `-` is standard input.
    #[arg(long = "query", value_name = "JSON|FILE")]
    texts: Vec<String>,
    /// When the time range begins: `now-6h`, `2026-01-31T12:00:00Z` or milliseconds since 1970. [default: now-6h]
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    from: Option<String>,
    /// When the time range ends. [default: now]
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    to: Option<String>,
}

// === impl Queries ===

impl Queries {
    /// Whether there are none, so that the plugin gets one without any content.
    pub(crate) fn is_empty(&self) -> bool {
        self.texts.is_empty()
    }

    pub(crate) fn read(&self, folder: &Folder, now: i64) -> Result<Vec<DataQuery>> {
        let (mut models, mut range) = (Vec::new(), [None, None]);
        for text in &self.texts {
            let (name, bytes) = source_of(text)?;
            let value = serde_json::from_slice(&bytes).with_context(|| format!("{name} is not JSON"))?;
            collect(value, &name, &mut models, &mut range)?;
        }
        if self.is_empty() {
            models.push(Map::new());
        }
        let [from, to] = range;
        let time = |given: &Option<String>, saved: Option<String>, default: &str| {
            moment::parse(given.as_deref().or(saved.as_deref()).unwrap_or(default), now)
        };
        let from_epoch_ms = time(&self.from, from, "now-6h").context("--from")?;
        let to_epoch_ms = time(&self.to, to, "now").context("--to")?;
        if from_epoch_ms > to_epoch_ms {
            bail!("the time range ends before it begins; look at --from and --to");
        }
        let mut queries = Vec::<DataQuery>::new();
        for model in models {
            let query = data_query(model, folder, queries.len(), TimeRange { from_epoch_ms, to_epoch_ms })?;
            if queries.iter().any(|other| other.ref_id == query.ref_id) {
                bail!("two queries have the refId {:?}; give each its own", query.ref_id);
            }
            queries.push(query);
        }
        Ok(queries)
    }
}

/// Returns what to call it in messages, and its content.
fn source_of(text: &str) -> Result<(String, Vec<u8>)> {
    if text.trim_start().starts_with(['{', '[']) {
        return Ok((format!("the query {}", shown(text)), text.as_bytes().to_vec()));
    }
    let mut bytes = Vec::new();
    let (name, read) = match text {
        "-" => ("standard input".to_owned(), std::io::stdin().take(LARGEST + 1).read_to_end(&mut bytes)),
        path => {
            let file = std::fs::File::open(path);
            (shown(path), file.and_then(|file| file.take(LARGEST + 1).read_to_end(&mut bytes)))
        }
    };
    read.with_context(|| format!("cannot read the query from {name}; a query itself begins with `{{`"))?;
    if bytes.len() as u64 > LARGEST {
        bail!("{name} has more than {} MiB, too much for a query", LARGEST >> 20);
    }
    Ok((name, bytes))
}

/// Takes a query, a list, or the body of a request to `/api/ds/query`, which has a time range of its own.
fn collect(
    value: Value,
    name: &str,
    models: &mut Vec<Map<String, Value>>,
    range: &mut [Option<String>; 2],
) -> Result<()> {
    match value {
        Value::Array(list) => list.into_iter().try_for_each(|value| match value {
            Value::Object(model) => {
                models.push(model);
                Ok(())
            }
            _ => bail!("{name} is a list of which not everything is an object"),
        }),
        Value::Object(mut body) => {
            let Some(queries @ Value::Array(_)) = body.get_mut("queries").map(Value::take) else {
                models.push(body);
                return Ok(());
            };
            for (place, key) in range.iter_mut().zip(["from", "to"]) {
                match body.get(key) {
                    Some(Value::String(time)) => *place = Some(time.clone()),
                    Some(Value::Number(time)) => *place = Some(time.to_string()),
                    _ => {}
                }
            }
            collect(queries, name, models, range)
        }
        _ => bail!("{name} is JSON, but a query is an object"),
    }
}

/// Adds what Grafana's frontend adds to what the editor saves.
fn data_query(
    mut model: Map<String, Value>,
    folder: &Folder,
    index: usize,
    range: TimeRange,
) -> Result<DataQuery> {
    let letter = u8::try_from(index).ok().filter(|index| *index < 26).map(|index| char::from(b'A' + index));
    let ref_id = letter.map_or_else(|| format!("Q{}", index + 1), String::from);
    let ref_id = model.entry("refId").or_insert(ref_id.into()).as_str().map(str::to_owned);
    let ref_id = ref_id.context("the refId of a query is not a text")?;
    let mut number = |key: &str, default: i64| {
        let value = model.entry(key).or_insert(default.into());
        value.as_i64().with_context(|| format!("{key} of query {ref_id} is not a whole number"))
    };
    let (max_data_points, interval_ms) =
        (number("maxDataPoints", MAX_DATA_POINTS)?, number("intervalMs", INTERVAL_MS)?);
    if !folder.is_app() {
        model.entry("datasource").or_insert_with(|| json!({ "type": folder.id, "uid": source::UID }));
    }
    Ok(DataQuery {
        query_type: model.get("queryType").and_then(Value::as_str).unwrap_or_default().to_owned(),
        max_data_points,
        interval_ms,
        time_range: Some(range),
        json: Value::Object(model).to_string().into(),
        ref_id,
    })
}
