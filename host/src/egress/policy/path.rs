//! Paths: a data source whose URL has one is pinned to it. Its requests, and so its credentials, stay below that path and
//! what `gpx_allow_paths` adds, however a server reads the path of a request.

mod allowed;
#[cfg(any(test, feature = "fuzz"))]
pub(in crate::egress) mod fuzz;
mod reading;
mod written;

use self::allowed::AllowedPath;
pub(crate) use self::allowed::AllowedPaths;
use self::reading::{may_have_dots, readings};
use self::written::{entry, entry_of_ancestor, exact_entry};

/// The longest line that a refusal prints, in bytes. Longer paths are cut at a slash.
const MAX_LINE: usize = 1024;

/// The path of a data source's URL.
#[derive(Clone, Debug)]
pub(super) struct PathPin(AllowedPath);

/// Why a path is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum PathFault {
    /// What `gpx_allow_paths` would have to be, if a line can say that.
    Outside { line: Option<String> },
    /// It is encoded so often that nobody can tell where it leads.
    Unclear,
}

// === impl PathPin ===

impl PathPin {
    /// `path` is that of a URL. One without segments pins nothing.
    pub(super) fn new(path: &str) -> Option<Self> {
        AllowedPath::of_url(path).filter(|path| !path.is_everything()).map(Self)
    }

    pub(super) fn text(&self) -> &str {
        self.0.text()
    }

    /// Whether a request's path stays below this path or what the operator adds.
    pub(super) fn check(&self, path: &str, operator: &AllowedPaths) -> Result<(), PathFault> {
        let allowed: Vec<_> = [&self.0].into_iter().chain(operator.iter()).collect();
        let outside = match outside(path, &allowed) {
            Some(outside) if outside.is_empty() => return Ok(()),
            outside => outside,
        };
        let Some(outside) = outside else { return Err(PathFault::Unclear) };
        // The path as it is, or else what it may be taken for: whatever is enough.
        let as_it_is = (!may_have_dots(path.as_bytes())).then(|| vec![entry(path.as_bytes())]);
        let each = entries(&outside, exact_entry);
        let shorter = entries(&outside, entry_of_ancestor);
        let mut candidates = as_it_is.into_iter().chain([each, shorter]);
        let line = candidates.find_map(|entries| self.line(path, operator, &entries));
        Err(PathFault::Outside { line })
    }

    /// Returns what `gpx_allow_paths` would be with these entries, if they admit the path.
    fn line(&self, path: &str, operator: &AllowedPaths, entries: &[String]) -> Option<String> {
        let texts = || operator.iter().map(AllowedPath::text).chain(entries.iter().map(String::as_str));
        let (with_them, bad) = AllowedPaths::parse(texts());
        let allowed: Vec<_> = [&self.0].into_iter().chain(with_them.iter()).collect();
        let admits = bad.is_empty() && outside(path, &allowed).is_some_and(|outside| outside.is_empty());
        let length = entries.iter().map(String::len).sum::<usize>();
        (admits && length <= MAX_LINE).then(|| texts().collect::<Vec<_>>().join(" "))
    }
}

/// Returns what the path may be taken for that is not allowed. `None` if there are too many possibilities.
fn outside(path: &str, allowed: &[&AllowedPath]) -> Option<Vec<Vec<u8>>> {
    let path = if path.is_empty() { "/" } else { path };
    let all = readings(path.as_bytes());
    if all.as_ref().is_some_and(|all| all.iter().all(|path| admitted(path, allowed))) {
        return Some(Vec::new());
    }
    // An allowed path may itself be one that servers take for several. What comes after it must then not leave it.
    for rest in allowed.iter().flat_map(|allowed| allowed.rests(path.as_bytes())) {
        let root = AllowedPath::placeholder();
        let moved = readings(&[root.text().as_bytes(), rest].concat());
        if moved.is_some_and(|moved| moved.iter().all(|path| admitted(path, &[&root]))) {
            return Some(Vec::new());
        }
    }
    Some(all?.into_iter().filter(|path| !admitted(path, allowed)).collect())
}

/// Returns an entry for each path, without those that another includes.
fn entries(paths: &[Vec<u8>], entry: fn(&[u8]) -> String) -> Vec<String> {
    let mut entries: Vec<_> = paths.iter().map(|path| entry(path)).collect();
    entries.sort_by_key(String::len);
    let mut kept: Vec<String> = Vec::new();
    for entry in entries {
        let includes =
            |kept: &String| AllowedPath::of_url(kept).is_some_and(|kept| kept.admits(entry.as_bytes()));
        if !kept.iter().any(includes) {
            kept.push(entry);
        }
    }
    kept
}

fn admitted(path: &[u8], allowed: &[&AllowedPath]) -> bool {
    allowed.iter().any(|allowed| allowed.admits(path))
}

#[cfg(test)]
mod tests;
