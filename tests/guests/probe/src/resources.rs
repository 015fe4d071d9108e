//! Resource calls, by path.

use gpx_sdk::http::StatusCode;
use gpx_sdk::resource::{Request, ResponseSender};
use gpx_sdk::{Context, Fault, Result, log};

pub fn call(context: &Context, request: &Request, response: &mut ResponseSender) -> Result<()> {
    match request.path.as_str() {
        "stream" => stream(context, request, response),
        "large-chunks" => large_chunks(response),
        "one-chunk" => one_chunk(request, response),
        "echo" => echo(request, response),
        "fault" => Err(Fault::downstream(418, "the resource failed on purpose")),
        "long-fault" => long_fault(response),
        "late-fault" => late_fault(response, "the resource failed late"),
        "long-late-fault" => late_fault(response, &"x".repeat(number(request))),
        "start-twice" => start_twice(response),
        "empty" => Ok(()),
        "panic" => panic!("the resource panicked on purpose"),
        other => Err(Fault::new(404, format_args!("the probe has no resource `{other}`"))),
    }
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
