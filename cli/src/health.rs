//! A health check.

use anyhow::{Result, bail};
use gpx_client::proto::pluginv2::CheckHealthResponse;
use gpx_client::proto::pluginv2::check_health_response::HealthStatus;
use serde_json::{Value, json};

use crate::plugin::{self, Plugin};
use crate::terminal::{Output, Paint, shown};
use crate::trace::{Call, Detail};

/// Check a plugin's health, without Grafana.
///
/// Succeeds if the plugin says that all is well.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    plugin: plugin::Arguments,
    /// Show the trace of the call.
    #[arg(long, value_enum, value_name = "DETAIL", num_args = 0..=1, default_value = "off", default_missing_value = "spans")]
    trace: Detail,
    /// Print JSON, for scripts.
    #[arg(long)]
    json: bool,
}

pub(crate) fn health(arguments: &Arguments) -> Result<()> {
    let folder = arguments.plugin.folder()?;
    let mut call = Call::new("CheckHealth");
    let (health, spans) = arguments.plugin.with(&folder, async |plugin| check(plugin, &mut call).await)?;
    let mut output = Output::new();
    if arguments.json {
        let mut document = json(&health);
        if let (Some(fields), true) = (document.as_object_mut(), arguments.trace != Detail::Off) {
            fields.insert("spans".to_owned(), serde_json::to_value(call.trace(spans).spans)?);
        }
        output.line(document)?;
    } else {
        output.line(head(&health, output.paint()))?;
        if !health.json_details.is_empty() {
            output.line(format_args!("  {}", shown(&String::from_utf8_lossy(&health.json_details))))?;
        }
        let lines = call.lines(spans, arguments.trace, output.paint());
        lines.into_iter().try_for_each(|line| output.line(line))?;
    }
    output.flush()?;
    verdict(&health)
}

/// Calls the plugin.
pub(crate) async fn check(plugin: &Plugin, call: &mut Call) -> Result<CheckHealthResponse> {
    let asked = call.time(plugin.channel.health(plugin.context.clone()));
    plugin.answer("the health check", asked).await
}

/// Returns a line with the status and the message.
pub(crate) fn head(health: &CheckHealthResponse, paint: Paint) -> String {
    let word = match health.status() {
        HealthStatus::Ok => paint.green(word(health)),
        HealthStatus::Error => paint.red(word(health)),
        HealthStatus::Unknown => paint.yellow(word(health)),
    };
    format!("{}  {word}  {}", paint.bold("health"), shown(&health.message))
}

pub(crate) fn json(health: &CheckHealthResponse) -> Value {
    json!({
        "status": word(health),
        "message": health.message,
        "details": serde_json::from_slice::<Value>(&health.json_details).unwrap_or_default(),
    })
}

pub(crate) fn verdict(health: &CheckHealthResponse) -> Result<()> {
    match health.status() {
        HealthStatus::Ok => Ok(()),
        _ => bail!("the health check says: {}", word(health)),
    }
}

fn word(health: &CheckHealthResponse) -> &'static str {
    match health.status() {
        HealthStatus::Ok => "ok",
        HealthStatus::Error => "error",
        HealthStatus::Unknown => "unknown",
    }
}
