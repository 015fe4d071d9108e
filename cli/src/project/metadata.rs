//! plugin.json, as far as gpx needs it.

use std::io::Read as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::Value;

/// None that anybody has written is longer.
const LONGEST: u64 = 1 << 20;

pub(crate) struct Metadata {
    pub(crate) path: PathBuf,
    pub(crate) json: Value,
}

// === impl Metadata ===

impl Metadata {
    pub(crate) fn read(path: &Path) -> Result<Self> {
        let shown = path.display();
        let mut bytes = Vec::new();
        let file = std::fs::File::open(path).with_context(|| format!("cannot read {shown}"))?;
        file.take(LONGEST + 1).read_to_end(&mut bytes).with_context(|| format!("cannot read {shown}"))?;
        ensure!(bytes.len() as u64 <= LONGEST, "{shown} has more than 1 MiB; put data into other files");
        let json = serde_json::from_slice(&bytes).with_context(|| format!("{shown} is not valid JSON"))?;
        Ok(Self { path: path.to_owned(), json })
    }

    /// The plugin's id, which names folders and files.
    pub(crate) fn id(&self) -> Result<&str> {
        self.name("id")
    }

    /// How the names of the executable and the component begin.
    pub(crate) fn executable(&self) -> Result<&str> {
        self.name("executable")
    }

    pub(crate) fn version(&self) -> &str {
        self.json.pointer("/info/version").and_then(Value::as_str).unwrap_or_default()
    }

    /// A value that becomes part of a path.
    fn name(&self, key: &str) -> Result<&str> {
        let path = self.path.display();
        let Some(name) = self.json.get(key).and_then(Value::as_str).filter(|name| !name.is_empty()) else {
            bail!("{path} has no {key:?}; add the key");
        };
        ensure!(
            is_name(name),
            "{key:?} in {path} is {name:?}, which cannot be a file's name; use letters, digits, `-`, `_` and `.`"
        );
        Ok(name)
    }
}

/// Whether a text can be a file's name everywhere.
pub(crate) fn is_name(text: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    text.len() <= 100 && !text.starts_with(['.', '-']) && !text.is_empty() && text.bytes().all(is_plain)
}
