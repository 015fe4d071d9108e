//! A resource call, as a plugin's editor makes it.

use anyhow::{Context as _, Result, bail};
use gpx_client::proto::pluginv2::{CallResourceResponse, StringList};
use serde_json::json;

use crate::plugin::{self, Plugin};
use crate::terminal::{Output, Paint, shown, tell};
use crate::trace::{Call, Detail};

/// Call a plugin's resource, as its editors do, and print the body of the answer.
///
/// Succeeds if the status of the answer is below 400. The status is on standard error if it is not.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// The path of the resource, with a query if it has one: `metrics?prefix=cpu`.
    path: String,
    #[command(flatten)]
    plugin: plugin::Arguments,
    /// The method. [default: GET, or POST with --data]
    #[arg(short = 'X', long, value_name = "METHOD")]
    method: Option<String>,
    /// A header.
    #[arg(short = 'H', long = "header", value_name = "NAME: VALUE")]
    headers: Vec<String>,
    /// The body, `@FILE`, or `@-` for standard input.
    #[arg(short, long, value_name = "BODY")]
    data: Option<String>,
    /// Print status and headers before the body.
    #[arg(short, long)]
    include: bool,
    /// Show the trace of the call, on standard error.
    #[arg(long, value_enum, value_name = "DETAIL", num_args = 0..=1, default_value = "off", default_missing_value = "spans")]
    trace: Detail,
    /// Print one JSON document with status, headers and body, for scripts.
    #[arg(long)]
    json: bool,
}

pub(crate) fn resource(arguments: &Arguments) -> Result<()> {
    let headers = arguments.headers()?;
    let body = match arguments.data.as_deref() {
        None => Vec::new(),
        Some(data) => match data.strip_prefix('@') {
            None => data.as_bytes().to_vec(),
            Some("-") => {
                let mut body = Vec::new();
                std::io::Read::read_to_end(&mut std::io::stdin(), &mut body)
                    .context("cannot read standard input")?;
                body
            }
            Some(file) => std::fs::read(file).with_context(|| format!("cannot read the body from {file}"))?,
        },
    };
    let folder = arguments.plugin.folder()?;
    let mut output = Output::new();
    let mut call = Call::new("CallResource");
    let (status, spans) = arguments
        .plugin
        .with(&folder, async |plugin| arguments.call(plugin, headers, body, &mut call, &mut output).await)?;
    output.flush()?;
    call.lines(spans, arguments.trace, Paint::of(&std::io::stderr())).into_iter().for_each(tell);
    if status < 400 { Ok(()) } else { bail!("the resource has answered with status {status}") }
}

// === impl Arguments ===

impl Arguments {
    fn headers(&self) -> Result<Vec<(String, String)>> {
        let header = |header: &String| match header.split_once(':') {
            Some((name, value)) if !name.trim().is_empty() => {
                Ok((name.trim().to_owned(), value.trim().to_owned()))
            }
            // Without the text, which may be a credential.
            _ => bail!("--header takes `NAME: VALUE`"),
        };
        self.headers.iter().map(header).collect()
    }

    /// Prints the answer as it comes. Returns its status.
    async fn call(
        &self,
        plugin: &Plugin,
        headers: Vec<(String, String)>,
        body: Vec<u8>,
        call: &mut Call,
        output: &mut Output,
    ) -> Result<i32> {
        let method = self
            .method
            .clone()
            .unwrap_or_else(|| if self.data.is_some() { "POST" } else { "GET" }.to_owned());
        let path = self.path.trim_start_matches('/');
        let asked = plugin.channel.resource(plugin.context.clone(), &method, path, body).with(|message| {
            for (name, value) in headers {
                message.headers.entry(name).or_insert_with(StringList::default).values.push(value);
            }
        });
        let mut pieces = plugin.answer("the answer of the resource", call.time(asked)).await?;
        let mut first: Option<CallResourceResponse> = None;
        let mut whole = Vec::new();
        while let Some(piece) = plugin.answer("the rest of the answer", pieces.message()).await? {
            if first.is_none() && self.include && !self.json {
                head(&piece, output)?;
            }
            if self.json {
                whole.extend_from_slice(&piece.body);
            } else if output.is_terminal() && std::str::from_utf8(&piece.body).is_err() {
                bail!("the body is not text; redirect it to a file");
            } else {
                output.bytes(&piece.body)?;
                output.flush()?;
            }
            first.get_or_insert(piece);
            if output.is_gone() {
                break;
            }
        }
        call.end();
        let Some(first) = first else { bail!("the plugin has ended the answer before it began") };
        if self.json {
            let headers: std::collections::BTreeMap<_, _> =
                first.headers.iter().map(|(name, list)| (name, &list.values)).collect();
            let body = String::from_utf8_lossy(&whole);
            output.line(json!({ "status": first.code, "headers": headers, "body": body }))?;
        }
        Ok(first.code)
    }
}

fn head(first: &CallResourceResponse, output: &mut Output) -> std::io::Result<()> {
    output.line(first.code)?;
    let mut headers: Vec<_> = first.headers.iter().collect();
    headers.sort_by_key(|(name, _)| *name);
    for (name, list) in headers {
        for value in &list.values {
            output.line(format_args!("{}: {}", shown(name), shown(value)))?;
        }
    }
    output.line("")
}
