//! Plays a recording back, or the exchanges of a HAR document.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Read as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use http::{Method, Uri};
use http_body::Body;
use thiserror::Error;

use super::line::{FORMAT, Head, MAX_FILE, MAX_READINGS, Name, Part};
use crate::har::{self, Answer, Asked, Failure, Recorded};
use crate::text::Scrub;

/// How much later it is at each reading of a clock beyond those that were recorded, in nanoseconds.
const TICK: u64 = 1_000_000;

/// A recording that is played back.
pub(crate) struct Playing {
    seed: String,
    parts: HashMap<(Name, u64), Arc<Reel>>,
    /// What all calls share if the file does not say which call an exchange belongs to.
    shared: Option<Arc<Reel>>,
    /// The time at which the recording began.
    beginning: u64,
    begun: Mutex<HashMap<Name, u64>>,
    /// Why the file cannot be used.
    broken: Option<String>,
}

/// What is played back to one call.
pub(super) struct Played {
    call: Name,
    reel: Result<Arc<Reel>, String>,
    pub(super) seed: [u8; 32],
    wall: Mutex<Readings>,
    monotonic: Mutex<Readings>,
    scrub: Scrub,
    /// How often each method and URL was asked for.
    asked: Mutex<HashMap<(String, String), usize>>,
}

/// The right of one request to its answer.
#[derive(Clone)]
pub(crate) struct Ticket {
    call: Name,
    reel: Result<Arc<Reel>, String>,
    scrub: Scrub,
    url: String,
    /// How many requests with its method and URL the component has made before.
    nth: usize,
}

/// Exchanges in the order in which they were begun.
struct Reel {
    exchanges: Vec<Recorded>,
    /// Which have been played back.
    played: Mutex<Vec<bool>>,
    wall: Vec<u64>,
    monotonic: Vec<u64>,
}

/// What a clock has said.
struct Readings {
    left: std::vec::IntoIter<u64>,
    last: u64,
}

/// Why a recording has no answer to a request.
#[derive(Debug, Error)]
#[error("{call} asks for {method} {url}, and {why}")]
pub(crate) struct NotRecorded {
    call: String,
    method: String,
    url: String,
    why: String,
}

/// Why a file cannot be played back.
#[derive(Debug, Error)]
enum Unplayable {
    #[error("it cannot be read: {0}; name a recording or a HAR document")]
    Unreadable(#[from] io::Error),
    #[error("it is longer than {} MiB", MAX_FILE >> 20)]
    TooLong,
    #[error("it is neither a recording nor a HAR document: {0}")]
    Format(serde_json::Error),
    #[error("it has version {0} of the format, and this gpx-host reads version {FORMAT}; record it again")]
    Version(u32),
    #[error("line {line} cannot be read: {error}; record it again")]
    Line { line: usize, error: serde_json::Error },
}

// === impl Playing ===

impl Playing {
    /// Reads a file. Also returns what is wrong with it.
    pub(super) fn open(path: &Path) -> (Self, Option<String>) {
        match content(path).and_then(|content| Self::read(&content)) {
            Ok((playing, problem)) => (playing, problem),
            Err(error) => {
                let broken = error.to_string();
                (Self { broken: Some(broken.clone()), ..Self::empty() }, Some(broken))
            }
        }
    }

    fn empty() -> Self {
        let (parts, begun) = (HashMap::new(), Mutex::default());
        Self { seed: String::new(), parts, shared: None, beginning: 0, begun, broken: None }
    }

    fn read(content: &[u8]) -> Result<(Self, Option<String>), Unplayable> {
        let first = content.split(|byte| *byte == b'\n').next().unwrap_or_default();
        let Ok(head) = serde_json::from_slice::<Head>(first) else {
            let exchanges = har::read(content).map_err(Unplayable::Format)?;
            let began = exchanges.iter().filter_map(|exchange| exchange.began).min();
            let beginning = began.and_then(|began| u64::try_from(began.unix_timestamp_nanos()).ok());
            let shared = Some(Arc::new(Reel::new(exchanges, Vec::new(), Vec::new())));
            return Ok((Self { shared, beginning: beginning.unwrap_or_default(), ..Self::empty() }, None));
        };
        if head.gpx_recording != FORMAT {
            return Err(Unplayable::Version(head.gpx_recording));
        }
        let mut playing = Self { seed: head.seed, ..Self::empty() };
        let is_cut = !content.ends_with(b"\n");
        let lines: Vec<_> = content.split(|byte| *byte == b'\n').collect();
        for (index, line) in lines.iter().enumerate().skip(1).filter(|(_, line)| !line.is_empty()) {
            match part(line) {
                Ok((key, reel)) => {
                    playing.beginning = match (playing.beginning, reel.wall.first()) {
                        (0, Some(first)) => *first,
                        (before, first) => first.map_or(before, |first| before.min(*first)),
                    };
                    playing.parts.insert(key, Arc::new(reel));
                }
                Err(_) if is_cut && index + 1 == lines.len() => {
                    let told = "it ends within a line, so the last call is missing; record it again";
                    return Ok((playing, Some(told.to_owned())));
                }
                Err(error) => return Err(Unplayable::Line { line: index + 1, error }),
            }
        }
        Ok((playing, None))
    }

    pub(super) fn begin(&self, name: &Name, scrub: &Scrub) -> Played {
        let nth = {
            let mut begun = self.begun.lock().unwrap_or_else(PoisonError::into_inner);
            let next = begun.entry(name.clone()).or_default();
            std::mem::replace(next, *next + 1)
        };
        let own = self.parts.get(&(name.clone(), nth)).or(self.shared.as_ref());
        let reel = match (&self.broken, own) {
            (Some(broken), _) => Err(format!("the recording cannot be used: {broken}")),
            (None, Some(reel)) => Ok(reel.clone()),
            (None, None) if nth == 0 => Err("the recording has no such call".to_owned()),
            (None, None) => Err(format!("the recording has such a call only {nth} times")),
        };
        let readings = |of: fn(&Reel) -> &Vec<u64>, before| {
            let left = reel.as_ref().map(|reel| of(reel).clone()).unwrap_or_default();
            Mutex::new(Readings { left: left.into_iter(), last: before })
        };
        Played {
            call: name.clone(),
            seed: name.seed(&self.seed, nth),
            wall: readings(|reel| &reel.wall, self.beginning),
            monotonic: readings(|reel| &reel.monotonic, 0),
            reel,
            scrub: scrub.clone(),
            asked: Mutex::default(),
        }
    }
}

fn content(path: &Path) -> Result<Vec<u8>, Unplayable> {
    let file = File::options().read(true).custom_flags(nonblocking()).open(path)?;
    if !file.metadata()?.is_file() {
        return Err(io::Error::other("it is not a regular file").into());
    }
    let mut content = Vec::new();
    file.take(MAX_FILE + 1).read_to_end(&mut content)?;
    if content.len() as u64 > MAX_FILE { Err(Unplayable::TooLong) } else { Ok(content) }
}

/// Opening a pipe must not wait for its other end.
fn nonblocking() -> i32 {
    rustix::fs::OFlags::NONBLOCK.bits().cast_signed()
}

fn part(line: &[u8]) -> Result<((Name, u64), Reel), serde_json::Error> {
    let Part { name, nth, mut wall, mut monotonic, har } = serde_json::from_slice(line)?;
    wall.truncate(MAX_READINGS);
    monotonic.truncate(MAX_READINGS);
    let exchanges = har::read(har.get().as_bytes())?;
    Ok(((name, nth), Reel::new(exchanges, wall, monotonic)))
}

// === impl Reel ===

impl Reel {
    fn new(mut exchanges: Vec<Recorded>, wall: Vec<u64>, monotonic: Vec<u64>) -> Self {
        exchanges.sort_by_key(|exchange| exchange.order);
        let played = Mutex::new(vec![false; exchanges.len()]);
        Self { exchanges, played, wall, monotonic }
    }

    /// Returns the exchange of this request: the one that was made in its place, or else the first that was not played yet.
    fn take(&self, asked: &Asked, nth: usize) -> Result<&Recorded, String> {
        let mut played = self.played.lock().unwrap_or_else(PoisonError::into_inner);
        let at_url = |exchange: &&Recorded| {
            (&exchange.asked.method, &exchange.asked.url) == (&asked.method, &asked.url)
        };
        let all: Vec<_> = (0..).zip(&self.exchanges).filter(|(_, exchange)| at_url(exchange)).collect();
        let fits = |(index, exchange): &&(usize, &Recorded)| {
            played.get(*index) == Some(&false) && exchange.asked.is_like(asked)
        };
        let found = all.get(nth).filter(fits).or_else(|| all.iter().find(fits)).copied();
        let Some((index, exchange)) = found else {
            return Err(match all.len() {
                0 => "the recording has no answer to that".to_owned(),
                _ if all.iter().any(|(_, exchange)| exchange.asked.is_like(asked)) => {
                    format!("the recording has all of its {} answers to that no more", all.len())
                }
                _ => "the recording has answers only to other bodies".to_owned(),
            });
        };
        if let Some(played) = played.get_mut(index) {
            *played = true;
        }
        Ok(exchange)
    }
}

// === impl Played ===

impl Played {
    pub(super) fn ticket(&self, method: &Method, uri: &Uri) -> Ticket {
        let url = har::shown_url(uri, &self.scrub);
        let nth = {
            let mut asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
            let next = asked.entry((method.to_string(), url.clone())).or_default();
            std::mem::replace(next, *next + 1)
        };
        Ticket { call: self.call.clone(), reel: self.reel.clone(), scrub: self.scrub.clone(), url, nth }
    }

    pub(super) fn wall(&self) -> u64 {
        next(&self.wall)
    }

    pub(super) fn monotonic(&self) -> u64 {
        next(&self.monotonic)
    }
}

/// Returns what the clock said then. Beyond that, time goes on a little at each reading.
fn next(readings: &Mutex<Readings>) -> u64 {
    let mut readings = readings.lock().unwrap_or_else(PoisonError::into_inner);
    let now = readings.left.next();
    readings.last = now.unwrap_or_else(|| readings.last.saturating_add(TICK));
    readings.last
}

// === impl Ticket ===

impl Ticket {
    /// Returns what was answered to a request with this body.
    pub(crate) async fn answer<B>(
        self,
        method: &Method,
        body: B,
    ) -> Result<Result<Answer, Failure>, NotRecorded>
    where
        B: Body<Data = Bytes> + Unpin,
        B::Error: std::fmt::Display,
    {
        let Self { call, reel, scrub, url, nth } = self;
        let refused =
            |why| NotRecorded { call: call.to_string(), method: method.to_string(), url: url.clone(), why };
        let reel = reel.map_err(refused)?;
        let asked = Asked::read(method, url.clone(), body, &scrub).await;
        let asked = asked.map_err(|error| refused(format!("its body could not be read: {error}")))?;
        Ok(reel.take(&asked, nth).map_err(refused)?.answer.clone())
    }
}
