//! How a path is written into `gpx_allow_paths`, so that grafana.ini and the list's own separators leave it as it is.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_encode};

/// All but what nothing on the way gives a meaning to: neither the list nor the ini file with its comments, quotes and
/// variables.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'/').remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// The same, but what is percent-encoded already stays so.
const ESCAPES_KEPT: &AsciiSet = &ENCODED.remove(b'%');

/// The longest entry for a part of a path, in bytes.
const MAX_ENTRY: usize = 256;

/// Returns the entry that admits a path, in the path's own spelling if that is possible.
pub(super) fn entry(path: &[u8]) -> String {
    let as_it_is = percent_encode(path, ESCAPES_KEPT).to_string();
    // An entry is decoded once, so its percent signs are either all the path's or all its own.
    if as_it_is.as_bytes() == path { as_it_is } else { exact_entry(path) }
}

/// Returns the entry that admits a path of these very bytes.
pub(super) fn exact_entry(path: &[u8]) -> String {
    percent_encode(path, ENCODED).to_string()
}

/// The same for as much of a long path as is not too long.
pub(super) fn entry_of_ancestor(path: &[u8]) -> String {
    let mut path = path;
    while let Some(slash @ 1..) = path.iter().rposition(|byte| *byte == b'/')
        && exact_entry(path).len() > MAX_ENTRY
    {
        path = path.get(..slash).unwrap_or_default();
    }
    exact_entry(path)
}
