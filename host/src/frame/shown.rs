//! What a component chose, as far as errors repeat it.

use crate::text::Scrub;

/// How many characters of a name an error repeats: enough to find it, no matter what a component sends.
pub(super) const NAME: usize = 64;

/// How many bytes of a name are kept until its secrets are replaced, so that none of them is cut.
const KEPT: usize = 4 * NAME + Scrub::AHEAD;

/// The beginning of a name, as it is shown.
pub(super) fn short(name: &str) -> String {
    name.chars().take(NAME).collect()
}

/// The beginning of a name, as it is kept.
pub(super) fn kept(name: &str) -> String {
    name.get(..name.floor_char_boundary(KEPT)).unwrap_or_default().to_owned()
}
