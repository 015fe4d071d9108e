//! The format of a recording: lines of JSON. The first says what it is, and each other is the part of one call of a function. So
//! a recording that was cut off, because the process was killed or the disk is full, has all parts but the last.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use sha2::{Digest as _, Sha256};

/// The version of the format.
pub(super) const FORMAT: u32 = 1;

/// How long a recording may be, in bytes.
pub(super) const MAX_FILE: u64 = 256 << 20;

/// How many readings of a clock one part has.
pub(super) const MAX_READINGS: usize = 10_000;

/// The first line.
#[derive(Deserialize, Serialize)]
pub(super) struct Head {
    pub gpx_recording: u32,
    /// The host that has made it.
    pub host: String,
    /// What the seeds of all parts are made of.
    pub seed: String,
}

/// What is called. Calls with one name are told apart by their order.
#[derive(Clone, Debug, Deserialize, Eq, Hash, PartialEq, Serialize)]
pub(super) struct Name {
    pub function: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub query: Option<String>,
    /// A digest of the arguments.
    pub arguments: String,
}

/// Any other line.
#[derive(Deserialize, Serialize)]
pub(super) struct Part {
    #[serde(flatten)]
    pub name: Name,
    /// How many calls with this name began before.
    pub nth: u64,
    /// What the clocks have said, in nanoseconds.
    pub wall: Vec<u64>,
    pub monotonic: Vec<u64>,
    /// What was exchanged with upstreams.
    pub har: Box<RawValue>,
}

// === impl Name ===

impl Name {
    /// Returns the seed of the part of a call.
    pub(super) fn seed(&self, of_all: &str, nth: u64) -> [u8; 32] {
        let Self { function, query, arguments } = self;
        let words = [of_all, function, query.as_deref().unwrap_or_default(), arguments];
        let digest = words.iter().fold(Sha256::new(), |digest, word| {
            digest.chain_update((word.len() as u64).to_le_bytes()).chain_update(word)
        });
        digest.chain_update(nth.to_le_bytes()).finalize().into()
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.query {
            Some(query) => write!(f, "{} of query {query}", self.function),
            None => write!(f, "{}", self.function),
        }
    }
}
