//! A health check and queries.

mod answer;
mod outcome;
mod watch;

use anyhow::{Result, bail};
use gpx_client::Code;
use gpx_client::proto::pluginv2::{DataFrameFormat, DataQuery};

use self::outcome::{Outcome, Shown};
use crate::plugin::{self, Failed, Plugin};
use crate::query::Queries;
use crate::terminal::Output;
use crate::trace::{Call, Detail};
use crate::{health, moment};

/// Run a plugin without Grafana: check its health, send it queries, and show frames, log and trace.
///
/// The plugin is started and called exactly as Grafana does. Its log is on standard error. Succeeds if the plugin is healthy
/// and all queries do.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    plugin: plugin::Arguments,
    #[command(flatten)]
    queries: Queries,
    /// Send the queries so many times, and say how long the answers took. The last ones are shown.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    repeat: u32,
    /// How the frames are printed. All but `table` print nothing else: `json` as Grafana answers its frontend, `csv` with an
    /// empty line between frames, `arrow` one frame as a file.
    #[arg(long, value_enum, default_value = "table")]
    format: Format,
    /// How many rows of a frame a table shows; 0 means all.
    #[arg(long, value_name = "N", default_value_t = 20)]
    rows: usize,
    /// Print only the frame of this number, counted from 1 as tables are.
    #[arg(long, value_name = "N")]
    frame: Option<usize>,
    /// Show the trace of the queries.
    #[arg(long, value_enum, value_name = "DETAIL", default_value = "spans")]
    trace: Detail,
    /// Build the project on each save, and ask again with the new component, which takes the place of the one that runs.
    #[arg(long, conflicts_with_all = ["json", "repeat"])]
    watch: bool,
    /// Print one JSON document, with the health, answers, durations and spans, for scripts.
    #[arg(long, conflicts_with_all = ["format", "frame", "rows"])]
    json: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    Table,
    Json,
    Csv,
    Arrow,
}

pub(crate) fn run(arguments: Arguments) -> Result<()> {
    if arguments.watch {
        return watch::watch(arguments);
    }
    let mut output = Output::new();
    if arguments.format == Format::Arrow && output.is_terminal() {
        bail!("a file in Arrow's format is not for a terminal; redirect it: `--format arrow > frame.arrow`");
    }
    let folder = arguments.plugin.folder()?;
    // An app need not have queries.
    let queries = match folder.is_app() && arguments.queries.is_empty() {
        true => Vec::new(),
        false => arguments.queries.read(&folder, moment::now())?,
    };
    let (outcome, spans) =
        arguments.plugin.with(&folder, async |plugin| arguments.ask(plugin, queries).await)?;
    let failures = outcome.failures();
    if arguments.json {
        outcome.all(spans, &mut output)?;
    } else {
        match arguments.format {
            Format::Table => outcome.show(&arguments.shown(), spans, &mut output)?,
            Format::Json => outcome.json(&mut output)?,
            Format::Csv => outcome.csv(arguments.frame, &mut output)?,
            Format::Arrow => outcome.arrow(arguments.frame, &mut output)?,
        }
    }
    output.flush()?;
    if failures.is_empty() { Ok(()) } else { bail!(failures.join("; ")) }
}

// === impl Arguments ===

impl Arguments {
    fn shown(&self) -> Shown {
        Shown { only: self.frame, rows: self.rows, trace: self.trace }
    }

    async fn ask(&self, plugin: &Plugin, queries: Vec<DataQuery>) -> Result<Outcome> {
        let wanted = match self.format {
            Format::Json => DataFrameFormat::Json,
            _ if self.json => DataFrameFormat::Json,
            _ => DataFrameFormat::Arrow,
        };
        let health = match health::check(plugin, &mut Call::new("CheckHealth")).await {
            Err(error) if Failed::code(&error) == Some(Code::Unimplemented) => None,
            health => Some(health?),
        };
        let mut outcome = Outcome::new(health);
        if queries.is_empty() {
            return Ok(outcome);
        }
        let what = match queries.len() {
            1 => "the answer to the query".to_owned(),
            number => format!("the answer to {number} queries"),
        };
        for _ in 0..self.repeat {
            let mut call = Call::new("QueryData");
            let asked = plugin.channel.query(plugin.context.clone(), queries.clone()).format(wanted);
            let reply = plugin.answer(&what, call.time(asked)).await?;
            outcome.take(&queries, reply, call);
        }
        Ok(outcome)
    }
}
