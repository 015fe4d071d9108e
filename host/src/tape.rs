//! What a component learns from outside, recorded or played back, for development: the answers of its upstreams, the time, and
//! random numbers. A run that is played back is the same each time, and nothing of it reaches the network.
//!
//! A part of a tape belongs to one call of one of the component's functions, by what is called and by its arguments. Each such
//! call has an instance and a cache of its own, so it depends on nothing but its part.

mod clocks;
mod line;
mod playing;
mod random;
mod recording;

use std::path::Path;
use std::sync::Arc;

use http::Request;
use sha2::{Digest as _, Sha256};

pub(crate) use self::clocks::{MonotonicClock, WallClock};
use self::line::Name;
pub(crate) use self::playing::{NotRecorded, Ticket};
use self::playing::{Played, Playing};
pub(crate) use self::random::TapedRandom;
use self::recording::{Recording, RecordingTake};
use crate::budget::OwnerMemory;
use crate::log::Log;
use crate::text::Scrub;

/// What a process records or plays back.
pub(crate) enum Tape {
    Recording(Arc<Recording>),
    Playing(Playing),
}

/// What a call of a function is, for its part of the tape.
pub(crate) struct Title<'a> {
    pub function: &'static str,
    /// The refId, if it is a query.
    pub ref_id: Option<&'a str>,
    /// What tells its arguments apart.
    pub arguments: Sha256,
}

/// The part of a tape that belongs to one call of a function. Cheap to clone; what is recorded is written when the last clone
/// is gone.
#[derive(Clone)]
pub(crate) struct Take(Arc<TakeKind>);

enum TakeKind {
    Recording(RecordingTake),
    Playing(Played),
}

// === impl Tape ===

impl Tape {
    /// Records into a file, or plays one back. Also returns what is wrong with that, for the operator: nothing is recorded then,
    /// or no request is answered.
    pub(crate) fn open(
        record: Option<&Path>,
        replay: Option<&Path>,
        log: &Log,
    ) -> (Option<Self>, Option<String>) {
        match (record, replay) {
            (_, Some(path)) => {
                let (playing, problem) = Playing::open(path);
                let problem = problem.map(|problem| format!("gpx_replay: {}: {problem}", path.display()));
                (Some(Self::Playing(playing)), problem)
            }
            (Some(path), None) => match Recording::create(path, log.clone()) {
                Ok(recording) => (Some(Self::Recording(Arc::new(recording))), None),
                Err(error) => (
                    None,
                    Some(format!("gpx_record: {}: {error}; name a file that can be written", path.display())),
                ),
            },
            (None, None) => (None, None),
        }
    }

    /// Begins the part of a call. `memory` pays for what is recorded, and secrets that `scrub` knows are not.
    pub(crate) fn begin(&self, title: Title<'_>, memory: &OwnerMemory, scrub: &Scrub) -> Take {
        let Title { function, ref_id, arguments } = title;
        let name = Name {
            function: function.to_owned(),
            query: ref_id.map(|ref_id| scrub.text(ref_id.to_owned())),
            arguments: arguments.finalize().iter().take(8).map(|byte| format!("{byte:02x}")).collect(),
        };
        let kind = match self {
            Self::Recording(recording) => TakeKind::Recording(recording.begin(name, memory, scrub)),
            Self::Playing(playing) => TakeKind::Playing(playing.begin(&name, scrub)),
        };
        Take(Arc::new(kind))
    }
}

// === impl Take ===

impl Take {
    /// Has a request recorded, or answered from the tape. To be called in the order in which the component makes its requests.
    pub(crate) fn follow<B>(&self, request: &mut Request<B>) {
        match &*self.0 {
            TakeKind::Recording(take) => _ = request.extensions_mut().insert(take.recorder()),
            TakeKind::Playing(played) => {
                let ticket = played.ticket(request.method(), request.uri());
                request.extensions_mut().insert(ticket);
            }
        }
    }

    /// Returns what random numbers are made of: 32 bytes that are the same whenever the call is played back.
    pub(crate) fn seed(&self) -> [u8; 32] {
        match &*self.0 {
            TakeKind::Recording(take) => take.seed,
            TakeKind::Playing(played) => played.seed,
        }
    }

    /// Nanoseconds since 1970.
    fn wall(&self) -> u64 {
        match &*self.0 {
            TakeKind::Recording(take) => take.wall(),
            TakeKind::Playing(played) => played.wall(),
        }
    }

    /// Nanoseconds since the call began.
    fn monotonic(&self) -> u64 {
        match &*self.0 {
            TakeKind::Recording(take) => take.monotonic(),
            TakeKind::Playing(played) => played.monotonic(),
        }
    }
}
