//! The format of a file with machine code: one line that says what the code was made from, and the code.
//!
//! `gpx-cwasm <SHA-256 of the key> <key, as JSON>`. The key has the SHA-256 of the code, so a file that is incomplete,
//! damaged, or put together from two is noticed before the engine sees any of it. A single file, since two could not
//! be replaced at once.

use std::path::Path;

use rustix::fs::{CWD, OFlags};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use thiserror::Error;
use wasmtime::Engine;
use wasmtime::component::Component as Code;

use super::file;
use crate::text::{self, MAX_REASON};

pub(super) const VERSION: &str = env!("CARGO_PKG_VERSION");

/// How each file begins.
const MAGIC: &[u8] = b"gpx-cwasm ";

/// How long the first line may be, in bytes. It takes some 300.
const MAX_LINE: usize = 4096;

/// What machine code was made from, and what it is.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
pub(crate) struct Key {
    /// SHA-256 of the component, in hex.
    pub component: String,
    /// The version of the host that compiled it.
    pub host: String,
    /// The version of the engine.
    pub engine: String,
    /// The engine's settings, its target and the processor's features among them; see [`super::compile::fingerprint`].
    pub settings: String,
    /// SHA-256 of the code, in hex.
    pub code: String,
}

/// Why a file with machine code is not used.
#[derive(Debug, Error)]
pub(crate) enum Unusable {
    #[error("it cannot be read: {0}")]
    Unreadable(#[from] std::io::Error),
    #[error("{0}; only this plugin's own user may be able to write it")]
    Foreign(String),
    #[error("it is incomplete or damaged, or an older version of gpx-host has made it")]
    Format,
    #[error("it is incomplete or damaged: it does not match its own SHA-256")]
    Damaged,
    #[error("it was made from another component")]
    OtherComponent,
    #[error("it was made by gpx-host {made_by}, but this is {VERSION}")]
    OtherHost { made_by: String },
    #[error("it was made for wasmtime {made_for}, but this gpx-host has {}", wasmtime_environ::VERSION)]
    OtherEngine { made_for: String },
    #[error("it was made for other settings of the engine, or for another processor")]
    OtherSettings,
    #[error("the machine has too little address space for it")]
    AddressSpace,
    #[error("the engine refuses it: {0}")]
    Refused(String),
}

/// The content of a file whose code matches its key.
pub(super) struct Artifact {
    content: Vec<u8>,
    /// Where the code begins.
    start: usize,
    pub key: Key,
}

/// Returns a SHA-256 in hex.
pub(in crate::plugin::component) fn digest(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

// === impl Key ===

impl Key {
    /// Returns the content of a file with this code, whose digest the key gets.
    #[cfg(any(feature = "compiler", test))]
    pub(super) fn seal(self, code: &[u8]) -> Vec<u8> {
        // A key of texts can always be written.
        let key = serde_json::to_string(&Self { code: digest(code), ..self }).unwrap_or_default();
        [MAGIC, digest(key.as_bytes()).as_bytes(), b" ", key.as_bytes(), b"\n", code].concat()
    }
}

// === impl Artifact ===

impl Artifact {
    /// Reads the file that somebody has put there. It is trusted as the executable beside it is.
    pub(super) fn read(path: &Path) -> Result<Self, Unusable> {
        Self::new(file::read(file::open(CWD, path, OFlags::empty())?)?)
    }

    /// Checks that the content is what was once made.
    pub(super) fn new(content: Vec<u8>) -> Result<Self, Unusable> {
        let line = content.iter().take(MAX_LINE).position(|byte| *byte == b'\n');
        let (line, code) = line.and_then(|end| content.split_at_checked(end)).ok_or(Unusable::Format)?;
        let code = code.strip_prefix(b"\n").ok_or(Unusable::Format)?;
        let parts = line.strip_prefix(MAGIC).and_then(|rest| std::str::from_utf8(rest).ok());
        let (sum, key) = parts.and_then(|rest| rest.split_once(' ')).ok_or(Unusable::Format)?;
        if digest(key.as_bytes()) != sum {
            return Err(Unusable::Damaged);
        }
        let key: Key = serde_json::from_str(key).map_err(|_| Unusable::Format)?;
        if digest(code) != key.code {
            return Err(Unusable::Damaged);
        }
        let start = content.len() - code.len();
        Ok(Self { content, start, key })
    }

    /// Checks that this version of the host and of the engine has made it from a component with this digest.
    pub(super) fn check(&self, component: &str) -> Result<(), Unusable> {
        let key = &self.key;
        if key.host != VERSION {
            return Err(Unusable::OtherHost { made_by: key.host.clone() });
        }
        if key.engine != wasmtime_environ::VERSION {
            return Err(Unusable::OtherEngine { made_for: key.engine.clone() });
        }
        if key.component != component {
            return Err(Unusable::OtherComponent);
        }
        Ok(())
    }

    /// Makes the code executable. The engine copies it into memory of its own, so that no later change of the file can
    /// reach code that runs. It checks its settings, and that the processor has what the code needs.
    pub(super) fn load(&self, engine: &Engine) -> Result<Code, Unusable> {
        #[expect(unsafe_code, reason = "the file is trusted like the executable beside it")]
        // SAFETY: these are the bytes whose digest the key has, and `check` has shown that this version of the host
        // wrote the key. Who could forge both could as well replace the executable.
        let loaded = unsafe { Code::deserialize(engine, self.code()) };
        loaded.map_err(|error| Unusable::Refused(text::written(format_args!("{error:#}"), MAX_REASON)))
    }

    pub(super) fn code(&self) -> &[u8] {
        self.content.get(self.start..).unwrap_or_default()
    }

    pub(super) fn content(&self) -> &[u8] {
        &self.content
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key() -> Key {
        let text = |text: &str| text.to_owned();
        Key {
            component: digest(b"component"),
            host: text(VERSION),
            engine: text(wasmtime_environ::VERSION),
            settings: text("s"),
            code: String::new(),
        }
    }

    fn told(content: &[u8]) -> String {
        let artifact = Artifact::new(content.to_vec());
        artifact
            .and_then(|it| it.check(&digest(b"component")))
            .err()
            .map(|why| why.to_string())
            .unwrap_or_default()
    }

    #[test]
    fn what_was_sealed_is_opened() {
        let artifact = Artifact::new(key().seal(b"some code\n")).unwrap();
        artifact.check(&digest(b"component")).unwrap();
        assert_eq!(artifact.code(), b"some code\n");
        assert_eq!(artifact.key, Key { code: digest(b"some code\n"), ..key() });
    }

    #[test]
    fn every_flipped_bit_and_every_missing_or_added_byte_is_noticed() {
        let content = key().seal(&[b'x'; 300]);
        assert_eq!(told(&content), "");
        for at in 0..content.len() {
            for bit in 0..8 {
                let mut damaged = content.clone();
                damaged[at] ^= 1 << bit;
                assert!(told(&damaged).starts_with("it is incomplete or damaged"), "byte {at}, bit {bit}");
            }
            assert!(told(&content[..at]).starts_with("it is incomplete or damaged"), "{at} bytes");
        }
        assert!(told(&[&content[..], b"x"].concat()).starts_with("it is incomplete or damaged"));
    }

    #[test]
    fn a_file_that_was_made_from_something_else_says_from_what() {
        let sealed = |key: Key| told(&key.seal(b"code"));
        let other = |text: &str| text.to_owned();
        assert_eq!(
            sealed(Key { component: digest(b"other"), ..key() }),
            "it was made from another component"
        );
        assert_eq!(
            sealed(Key { host: other("0.0.7"), ..key() }),
            format!("it was made by gpx-host 0.0.7, but this is {VERSION}")
        );
        assert_eq!(
            sealed(Key { engine: other("47.0.1"), ..key() }),
            format!("it was made for wasmtime 47.0.1, but this gpx-host has {}", wasmtime_environ::VERSION)
        );
    }
}
