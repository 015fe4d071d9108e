//! Resource calls, by path.

use std::collections::BTreeMap;

use gpx_sdk::http::{self, StatusCode};
use gpx_sdk::resource::{Request, ResponseSender, Router};
use gpx_sdk::{Context, Fault, Result, log};
use serde::Deserialize;

use crate::{Probe, misbehave};

pub fn routes() -> Router<Probe> {
    Router::new()
        .any("/stream", |_, context, request, response| stream(context, request, response))
        .any("/large-chunks", |_, _, _, response| large_chunks(response))
        .any("/one-chunk", |_, _, request, response| one_chunk(request, response))
        .any("/echo", |_, _, request, response| echo(request, response))
        .any("/fault", |_, _, _, _| Err(Fault::downstream(418, "the resource failed on purpose")))
        .any("/long-fault", |_, _, _, response| long_fault(response))
        .any("/late-fault", |_, _, _, response| late_fault(response, "the resource failed late"))
        .any("/long-late-fault", |_, _, request, response| late_fault(response, &"x".repeat(number(request))))
        .any("/start-twice", |_, _, _, response| start_twice(response))
        .any("/empty", |_, _, _, _| Ok(()))
        .any("/panic", |_, _, _, _| panic!("the resource panicked on purpose"))
        .any("/compute", |_, _, request, response| compute(request, response))
        .any("/length", |_, _, request, response| Ok(response.send(request.body.len().to_string())?))
        .get("/page/{number}", page)
        // The tests' plugin on the Go SDK has these, too.
        .any("/upstream", upstream)
        .get("/tables", routed)
        .post("/tables", routed)
        .get("/tables/{table}", routed)
        .post("/tables/new", routed)
        .delete("/tables/{table}/rows/{row}", routed)
        .get("/files/{*rest}", routed)
        .any("/any/{table}", routed)
}

/// Sends the method, what the route's parameters stand for, and the parameters of the query string.
fn routed(_: &Probe, _: &Context, request: &Request, response: &mut ResponseSender) -> Result<()> {
    let parameters =
        ["table", "row", "rest"].map(|name| request.parameter::<String>(name).unwrap_or_default());
    let query: BTreeMap<String, Vec<String>> = request.query()?;
    response.json(&(request.method.as_str(), parameters, query))
}

/// Sends what the data source's own URL answers.
fn upstream(probe: &Probe, _: &Context, _: &Request, response: &mut ResponseSender) -> Result<()> {
    Ok(response.send(http::get(probe.settings.url()).send()?.text()?)?)
}

/// Sends back what is typed.
fn page(_: &Probe, _: &Context, request: &Request, response: &mut ResponseSender) -> Result<()> {
    #[derive(Deserialize)]
    struct Page {
        limit: Option<u32>,
        #[serde(default)]
        tag: Vec<String>,
    }
    let (number, page) = (request.parameter::<u64>("number")?, request.query::<Page>()?);
    response.json(&(number, page.limit, page.tag))
}

/// Sends a piece and then computes without end.
fn compute(request: &Request, response: &mut ResponseSender) -> Result<()> {
    if !request.body.is_empty() {
        response.send(&request.body)?;
    }
    misbehave::forever().map(drop)
}

/// Sends as many chunks as the body says, or, if it contains no number, chunks until the caller is gone.
fn stream(context: &Context, request: &Request, response: &mut ResponseSender) -> Result<()> {
    let pieces = number(request);
    response.start(
        StatusCode::PARTIAL_CONTENT,
        &[("Content-Type", "text/plain"), ("X-Probe", "a"), ("X-Probe", "b")],
    )?;
    for piece in 0..pieces {
        if let Err(error) = response.send(format!("piece {piece}\n")) {
            // It may take the host a little longer to notice that the caller is gone.
            let cancelled = (0..1_000_000).any(|_| context.cancelled());
            log::info!(
                "stream ended",
                "pieces" = piece,
                "error" = error.to_string(),
                "cancelled" = cancelled
            );
            return Err(error.into());
        }
    }
    Ok(())
}

/// Returns the number that the body holds, or the largest one.
fn number(request: &Request) -> usize {
    str::from_utf8(&request.body).ok().and_then(|text| text.trim().parse().ok()).unwrap_or(usize::MAX)
}

/// Sends a chunk of as many bytes as the body says.
fn one_chunk(request: &Request, response: &mut ResponseSender) -> Result<()> {
    Ok(response.send(vec![b'x'; number(request)])?)
}

/// Sends chunks until the caller is gone. An HTTP/2 client in Rust would take many small ones that it has not read for an
/// attack, and close the connection.
fn large_chunks(response: &mut ResponseSender) -> Result<()> {
    loop {
        response.send(vec![b'x'; 16 << 10])?;
    }
}

/// Sends the request back, line by line.
fn echo(request: &Request, response: &mut ResponseSender) -> Result<()> {
    let mut text = format!("{} {}\n{}\n", request.method, request.path, request.url).into_bytes();
    for header in &request.headers {
        text.extend_from_slice(format!("{}: {}\n", header.name, header.value).as_bytes());
    }
    text.push(b'\n');
    text.extend_from_slice(&request.body);
    Ok(response.send(text)?)
}

/// Fails after a chunk was sent.
fn late_fault(response: &mut ResponseSender, text: &str) -> Result<()> {
    response.send("so far so good\n")?;
    Err(Fault::plugin(text))
}

/// Fails after a chunk was sent, with a text that no header has room for.
fn long_fault(response: &mut ResponseSender) -> Result<()> {
    response.send("so far so good\n")?;
    Err(Fault::plugin("é% ".repeat(5_000_000)))
}

/// Calls `start` after `send`, which returns an error and does not trap.
fn start_twice(response: &mut ResponseSender) -> Result<()> {
    response.send("sent\n")?;
    match response.start(StatusCode::OK, &[]) {
        Ok(()) => Err(Fault::plugin("`start` after `send` was accepted")),
        Err(error) => Ok(response.send(format!("{error}\n"))?),
    }
}
