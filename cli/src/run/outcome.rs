//! What comes of a run, and how it is shown.

use std::collections::BTreeMap;

use anyhow::{Result, bail};
use bytes::Bytes;
use gpx_client::frame::Frame;
use gpx_client::proto::pluginv2::{CheckHealthResponse, DataQuery, QueryDataResponse};
use gpx_client::trace::{Span, duration};
use serde::Serialize;
use serde_json::Value;

use super::answer::{Answer, Document};
use crate::table::{self, count};
use crate::terminal::{Output, Paint, tell};
use crate::trace::{Call, Detail};
use crate::{csv, health};

pub(super) struct Outcome {
    /// Absent if the plugin has no health check.
    health: Option<CheckHealthResponse>,
    /// In the order of the queries.
    answers: Vec<Answer>,
    /// How long each request took, in nanoseconds.
    took: Vec<u64>,
    /// The last request.
    call: Option<Call>,
}

/// What people want to see.
pub(super) struct Shown {
    /// The number of the only frame, from 1.
    pub(super) only: Option<usize>,
    /// The most rows of a frame; 0 means all.
    pub(super) rows: usize,
    pub(super) trace: Detail,
}

/// As Grafana answers its frontend.
#[derive(Serialize)]
struct Results<'a> {
    results: BTreeMap<&'a str, Document<'a>>,
}

#[derive(Serialize)]
struct All<'a> {
    health: Value,
    #[serde(flatten)]
    results: Results<'a>,
    milliseconds: Vec<f64>,
    spans: Vec<Span>,
}

// === impl Outcome ===

impl Outcome {
    pub(super) fn new(health: Option<CheckHealthResponse>) -> Self {
        Self { health, answers: Vec::new(), took: Vec::new(), call: None }
    }

    /// Takes the answer to a request, instead of that to the one before.
    pub(super) fn take(&mut self, queries: &[DataQuery], reply: QueryDataResponse, call: Call) {
        let mut responses = reply.responses;
        let mut answer =
            |query: &DataQuery| Answer::of(query.ref_id.clone(), responses.remove(&query.ref_id));
        self.answers = queries.iter().map(&mut answer).collect();
        // A plugin may answer under other names, too.
        let mut others: Vec<_> = responses.into_iter().collect();
        others.sort_by(|(one, _), (other, _)| one.cmp(other));
        self.answers.extend(others.into_iter().map(|(ref_id, response)| Answer::of(ref_id, Some(response))));
        self.took.push(call.took());
        self.call = Some(call);
    }

    /// Returns what was not as it should be, in a few words.
    pub(super) fn failures(&self) -> Vec<String> {
        let health = self.health.as_ref().and_then(|health| health::verdict(health).err());
        let mut failures: Vec<_> = health.into_iter().map(|error| error.to_string()).collect();
        match self.answers.iter().filter(|answer| answer.failed()).count() {
            0 => {}
            failed => failures.push(format!("{failed} of {} queries failed", self.answers.len())),
        }
        failures
    }

    pub(super) fn show(self, wanted: &Shown, spans: Vec<Span>, output: &mut Output) -> Result<()> {
        let paint = output.paint();
        match &self.health {
            Some(health) => output.line(health::head(health, paint))?,
            None => output.line(format_args!("{}  the plugin has no health check", paint.bold("health")))?,
        }
        let mut number = 0;
        for answer in &self.answers {
            output.line(format_args!("\n{}", answer.head(paint)))?;
            let frames = answer.frames()?;
            if frames.is_empty() && !answer.failed() {
                output.line("  no frames")?;
            }
            for frame in frames {
                number += 1;
                if wanted.only.is_none_or(|only| only == number) {
                    table::show(&frame, number, wanted.rows, output)?;
                }
            }
        }
        self.durations(output)?;
        if let Some(call) = self.call {
            call.lines(spans, wanted.trace, paint).into_iter().try_for_each(|line| output.line(line))?;
        }
        Ok(())
    }

    pub(super) fn json(&self, output: &mut Output) -> Result<()> {
        self.complain();
        Ok(output.line(serde_json::to_string(&self.results()?)?)?)
    }

    /// Prints everything there is.
    pub(super) fn all(mut self, spans: Vec<Span>, output: &mut Output) -> Result<()> {
        let spans = self.call.take().map(|call| call.trace(spans).spans);
        let all = All {
            health: self.health.as_ref().map(health::json).unwrap_or_default(),
            results: self.results()?,
            milliseconds: self.took.iter().map(|took| *took as f64 / 1e6).collect(),
            spans: spans.unwrap_or_default(),
        };
        Ok(output.line(serde_json::to_string(&all)?)?)
    }

    pub(super) fn csv(&self, only: Option<usize>, output: &mut Output) -> Result<()> {
        self.complain();
        for (index, frame) in self.chosen(only)?.into_iter().enumerate() {
            if index > 0 {
                output.bytes(b"\r\n")?;
            }
            csv::print(&Frame::from_arrow(frame)?, output)?;
        }
        Ok(())
    }

    pub(super) fn arrow(&self, only: Option<usize>, output: &mut Output) -> Result<()> {
        self.complain();
        match self.chosen(only)?.as_slice() {
            [frame] => Ok(output.bytes(frame)?),
            [] => bail!("there is no frame to print"),
            frames => {
                bail!(
                    "Arrow's format has one frame in a file, and there are {}; choose with --frame N",
                    frames.len()
                )
            }
        }
    }

    /// Says on standard error what the formats for data have no place for.
    fn complain(&self) {
        let paint = Paint::of(&std::io::stderr());
        if let Some(health) = self.health.as_ref().filter(|health| health::verdict(health).is_err()) {
            tell(health::head(health, paint));
        }
        self.answers.iter().filter(|answer| answer.failed()).for_each(|answer| tell(answer.head(paint)));
    }

    fn results(&self) -> Result<Results<'_>> {
        let documents = self.answers.iter().map(|answer| Ok((answer.ref_id.as_str(), answer.document()?)));
        Ok(Results { results: documents.collect::<Result<_>>()? })
    }

    /// Returns the frames that are wanted, as files in Arrow's format.
    fn chosen(&self, only: Option<usize>) -> Result<Vec<Bytes>> {
        let mut frames = Vec::new();
        for answer in &self.answers {
            frames.extend_from_slice(answer.files()?);
        }
        let Some(number) = only else { return Ok(frames) };
        match number.checked_sub(1).and_then(|index| frames.get(index)) {
            Some(frame) => Ok(vec![frame.clone()]),
            None => bail!("there is no frame {number}; the answers have {}", count(frames.len(), "frame")),
        }
    }

    fn durations(&self, output: &mut Output) -> std::io::Result<()> {
        let mut took = self.took.clone();
        took.sort_unstable();
        let (Some(least), Some(most), Some(middle)) = (took.first(), took.last(), took.get(took.len() / 2))
        else {
            return Ok(());
        };
        let [least, middle, most] = [least, middle, most].map(|nanoseconds| duration(*nanoseconds));
        match took.len() {
            1 => output.line(format_args!("\nanswered in {most}")),
            times => output
                .line(format_args!("\nanswered {times} times: min {least}, median {middle}, max {most}")),
        }
    }
}
