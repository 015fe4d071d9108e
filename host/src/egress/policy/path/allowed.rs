//! `gpx_allow_paths`: what the operator opens besides the path of a data source's URL.

use super::reading::{decoded, has_dots};

/// The paths that the operator grants.
#[derive(Clone, Debug, Default)]
pub(crate) struct AllowedPaths(Vec<AllowedPath>);

/// A part of `gpx_allow_paths` that cannot be read, and so grants nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("gpx_allow_paths: `{path}` grants nothing: {reason}; write a path such as /api/v1")]
pub(crate) struct BadPath {
    path: String,
    reason: &'static str,
}

/// A path, and all below it.
#[derive(Clone, Debug)]
pub(super) struct AllowedPath {
    /// As it was written, without the last slash: empty for everything.
    text: String,
    /// With its percent-encoding decoded once.
    decoded: Vec<u8>,
}

// === impl AllowedPaths ===

impl AllowedPaths {
    /// Reads paths. Those that cannot be read grant nothing.
    pub(crate) fn parse<'a>(texts: impl IntoIterator<Item = &'a str>) -> (Self, Vec<BadPath>) {
        let (mut good, mut bad) = (Vec::new(), Vec::new());
        for text in texts {
            match AllowedPath::parse(text) {
                Ok(path) => good.push(path),
                Err(reason) => bad.push(BadPath { path: text.to_owned(), reason }),
            }
        }
        (Self(good), bad)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &AllowedPath> {
        self.0.iter()
    }
}

// === impl AllowedPath ===

impl AllowedPath {
    fn parse(text: &str) -> Result<Self, &'static str> {
        if !text.starts_with('/') {
            return Err("it does not begin with a slash");
        }
        if text.contains(['?', '#']) {
            return Err("it has more than a path");
        }
        let path = Self::of(text);
        if has_dots(&path.decoded) {
            return Err("it has a segment `.` or `..`");
        }
        Ok(path)
    }

    /// `None` if the path cannot be compared, which the path of an HTTP URL always can.
    pub(super) fn of_url(path: &str) -> Option<Self> {
        path.starts_with('/').then(|| Self::of(path))
    }

    fn of(text: &str) -> Self {
        let text = text.trim_end_matches('/');
        let bytes = text.as_bytes();
        Self { text: text.to_owned(), decoded: decoded(bytes).unwrap_or_else(|| bytes.to_vec()) }
    }

    /// Stands for a path of which only what comes after it is looked at.
    pub(super) fn placeholder() -> Self {
        Self::of("/-")
    }

    /// As an operator would write it.
    pub(super) fn text(&self) -> &str {
        if self.text.is_empty() { "/" } else { &self.text }
    }

    pub(super) fn is_everything(&self) -> bool {
        self.text.is_empty()
    }

    pub(super) fn admits(&self, path: &[u8]) -> bool {
        self.rests(path).next().is_some()
    }

    /// Returns what comes after this in a path that begins with it, in either spelling.
    pub(super) fn rests<'a>(&self, path: &'a [u8]) -> impl Iterator<Item = &'a [u8]> {
        let spellings = [self.text.as_bytes(), self.decoded.as_slice()];
        let rests = spellings.map(|spelling| path.strip_prefix(spelling));
        rests.into_iter().flatten().filter(|rest| rest.first().is_none_or(|first| *first == b'/'))
    }
}
