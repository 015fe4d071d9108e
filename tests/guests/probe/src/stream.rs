//! Streams, by their path. The twin on the Go SDK has some of them, too.

use std::hint::black_box;
use std::time::{Duration, SystemTime};

use gpx_sdk::bindings::base::gpx::plugin::frames::Frame as WitFrame;
use gpx_sdk::bindings::base::gpx::plugin::packets as wit;
use gpx_sdk::stream::{Include, PacketError, PacketSender, Reply, Request};
use gpx_sdk::{Context, Fault, Frame, Result, Settings, http, log, span};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::chunks::numbered;

/// What the frontend sends along.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Wanted {
    url: String,
    rounds: Option<u64>,
    every_ms: u64,
    bytes: usize,
}

pub fn subscribe(request: &Request) -> Result<Reply> {
    match request.path.as_str() {
        "denied" => Ok(Reply::permission_denied()),
        "missing" => Ok(Reply::not_found()),
        "frame" => Ok(Reply::frame(numbered(0..3), Include::All)),
        "schema" => Ok(Reply::frame(numbered(0..3), Include::Schema)),
        "uneven" => Ok(Reply::frame(uneven(), Include::All)),
        "echo" => Reply::json(&request.json::<Value>()?),
        "fault" => Err(Fault::downstream(503, "nobody may subscribe")),
        "panic" => panic!("the subscription panicked on purpose"),
        "length" => Reply::json(&request.data.len()),
        path if path.len() > 1000 => Reply::json(&path.len()),
        _ => Ok(Reply::ok()),
    }
}

pub fn publish(request: &Request) -> Result<Reply> {
    match request.path.as_str() {
        "denied" => Ok(Reply::permission_denied()),
        "missing" => Ok(Reply::not_found()),
        "echo" => Reply::json(&json!({ "published": request.json::<Value>()? })),
        "fault" => Err(Fault::downstream(503, "nobody may publish")),
        _ => Ok(Reply::ok()),
    }
}

pub fn run(
    settings: &Settings,
    context: &Context,
    request: &Request,
    packets: &mut PacketSender,
) -> Result<()> {
    let wanted: Wanted = if request.data.is_empty() { Wanted::default() } else { request.json()? };
    match request.path.as_str() {
        "frames" => frames(packets),
        "json" => {
            [json!(null), json!({ "a": [1, "é<"] })].iter().try_for_each(|value| Ok(packets.json(value)?))
        }
        "fail" => {
            packets.frame(numbered(0..1), Include::All)?;
            Err(Fault::downstream(503, "the source of the stream is gone"))
        }
        "fail-at-once" => Err(Fault::plugin("the stream did not begin")),
        "panic" => {
            packets.frame(numbered(0..1), Include::All)?;
            panic!("the stream panicked on purpose")
        }
        "nothing" => Ok(()),
        "invalid" => invalid(packets),
        "ticks" => ticks(&wanted, context, packets),
        "flood" => flood(packets),
        "deaf" => deaf(packets),
        "loop" => {
            packets.json(&"looping")?;
            let mut turns = 0_u64;
            loop {
                turns = black_box(turns.wrapping_add(1));
            }
        }
        "sleep" => {
            packets.json(&context.time_left().is_none())?;
            std::thread::sleep(Duration::from_secs(3600));
            Ok(())
        }
        "upstream" => {
            packets.json(&"asking")?;
            http::get(&wanted.url).send()?;
            Ok(())
        }
        "rounds" => rounds(&wanted, packets),
        "many-spans" => many_spans(packets),
        "hold" => {
            let held = black_box(vec![1_u8; wanted.bytes]);
            packets.json(&held.len())?;
            std::thread::sleep(Duration::from_secs(3600));
            Ok(())
        }
        "settings" => {
            packets.json(&settings.database())?;
            std::thread::sleep(Duration::from_secs(3600));
            Ok(())
        }
        _ => Err(Fault::new(404, "there is no such stream")),
    }
}

fn frames(packets: &mut PacketSender) -> Result<()> {
    packets.frame(numbered(0..3), Include::All)?;
    packets.frame(numbered(3..6), Include::Data)?;
    packets.frame(numbered(6..6), Include::Data)?;
    Ok(packets.frame(numbered(0..3), Include::Schema)?)
}

fn uneven() -> Frame {
    Frame::new("uneven").field("one", [1]).field("two", [1, 2])
}

/// Sends what is not valid, and says what it is told.
fn invalid(packets: &mut PacketSender) -> Result<()> {
    let nonsense = WitFrame {
        name: "bad".to_owned(),
        ref_id: String::new(),
        meta: Some("[".to_owned()),
        fields: vec![],
    };
    for frame in [nonsense.into(), uneven()] {
        let refused = packets.frame(frame, Include::Data).unwrap_err();
        log::info!("refused", "error" = refused.to_string());
    }
    // SAFETY: the SDK's sender is nothing but the contract's. The SDK itself sends only valid JSON.
    let raw = unsafe { &*std::ptr::from_ref(packets).cast::<wit::PacketSender>() };
    for text in ["", "{", "[1] [2]", "NaN", &"[".repeat(20_000)] {
        let Err(wit::SendError::Invalid(error)) = raw.send(&wit::Packet::Json(text.to_owned())) else {
            return Err(Fault::plugin(format_args!("{text:.20} was sent")));
        };
        log::info!("refused", "error" = error);
    }
    Ok(packets.json(&"the end")?)
}

/// Sends the time, again and again, and says how that ended.
fn ticks(wanted: &Wanted, context: &Context, packets: &mut PacketSender) -> Result<()> {
    for sent in 0.. {
        let frame = Frame::new("ticks").time("time", [SystemTime::now()]).field("number", [sent]);
        if let Err(error) = packets.frame(frame, if sent == 0 { Include::All } else { Include::Data }) {
            log::info!("stream ended", "error" = error.to_string(), "cancelled" = context.cancelled());
            return Err(error.into());
        }
        std::thread::sleep(Duration::from_millis(wanted.every_ms));
    }
    Ok(())
}

/// Sends as fast as it can, and says how much that was.
fn flood(packets: &mut PacketSender) -> Result<()> {
    for sent in 0_i64.. {
        if let Err(error) = packets.frame(numbered(0..1000), Include::All) {
            log::info!("flood ended", "sent" = sent);
            return Err(error.into());
        }
    }
    Ok(())
}

/// Goes on sending whatever it is told.
fn deaf(packets: &mut PacketSender) -> Result<()> {
    let mut is_told = false;
    loop {
        let sent = packets.json(&"again");
        if sent == Err(PacketError::Closed) && !is_told {
            is_told = true;
            log::info!("told that it is closed");
        }
    }
}

/// Asks an upstream, again and again, each time within a span.
fn rounds(wanted: &Wanted, packets: &mut PacketSender) -> Result<()> {
    for round in 0..wanted.rounds.unwrap_or(u64::MAX) {
        let span = span!("round", "number" = round as i64);
        http::get(&wanted.url).send()?;
        drop(span);
        packets.json(&round)?;
        std::thread::sleep(Duration::from_millis(wanted.every_ms));
    }
    // Without a span around it, and with a name of its own.
    http::get(&wanted.url).span_name("alone").send()?;
    Ok(())
}

/// Starts more spans than a call may, but not at once.
fn many_spans(packets: &mut PacketSender) -> Result<()> {
    for batch in 0..3 {
        for _ in 0..900 {
            drop(span!("one of many"));
        }
        packets.json(&batch)?;
        std::thread::sleep(Duration::from_millis(1100));
    }
    Ok(())
}
