//! The versions that this host serves: those of the contract, and that of WASI.

use bytes::Bytes;

use super::names::{Name, Names};

/// How the names of the contract's interfaces begin.
pub(super) const PACKAGE: &str = "gpx:plugin/";

/// The contract of `wit/`, whatever the patch number.
pub(super) const CURRENT: &str = "0.2";

/// The contract before it. Components that were built for it run, too.
pub(super) const PREVIOUS: &str = "0.1";

/// The interfaces that the current version has changed. `wit/previous` has them as they were. All others are the same in both
/// versions, and differ in their names only.
const CHANGED: &[&str] = &["call"];

/// A name takes the place of another in the component's bytes.
const _: () = assert!(CURRENT.len() == PREVIOUS.len(), "the versions are as long as each other");

const WASI: (u64, u64) = (0, 2);

/// Returns the version of the contract in a name, and the remedy, if this host does not serve it.
pub(super) fn unserved(name: &str) -> Option<(&str, &'static str)> {
    let (_, version) = interface(name)?;
    let built = numbers(version);
    if built > numbers(CURRENT) {
        Some((version, "update gpx-host"))
    } else if built < numbers(PREVIOUS) {
        Some((version, "build it again with the SDK that matches this gpx-host"))
    } else {
        None
    }
}

/// Returns whether the name is that of an interface of a later WASI than this host provides.
pub(super) fn is_of_later_wasi(name: &str) -> bool {
    let version = name.strip_prefix("wasi:").and_then(|name| name.split_once('@'));
    version.is_some_and(|(_, version)| numbers(version) > WASI)
}

/// Returns the component with today's names for those interfaces of the previous version that have not changed. It is then like
/// any other: code is made from it, and it is linked, as if it had been built for the current version.
pub(super) fn updated(bytes: Bytes, names: &Names) -> Bytes {
    let previous: Vec<_> = names.imports.iter().chain(&names.exports).filter_map(previous).collect();
    if previous.is_empty() {
        return bytes;
    }
    let mut bytes = Vec::from(bytes);
    for at in previous {
        if let Some(version) = bytes.get_mut(at..at.saturating_add(CURRENT.len())) {
            version.copy_from_slice(CURRENT.as_bytes());
        }
    }
    bytes.into()
}

/// Returns where the version is in the component's bytes, if it is to be replaced.
fn previous(name: &Name) -> Option<usize> {
    let (interface, version) = interface(&name.text)?;
    let is_replaced = numbers(version) == numbers(PREVIOUS) && !CHANGED.contains(&interface);
    is_replaced.then(|| name.at.saturating_add(name.text.len() - version.len()))
}

/// Returns the interface of the contract and its version, if it has that name.
fn interface(name: &str) -> Option<(&str, &str)> {
    name.strip_prefix(PACKAGE)?.split_once('@')
}

/// Returns major and minor number. What is not a number is larger than any.
fn numbers(version: &str) -> (u64, u64) {
    let mut numbers = version.split(['.', '-', '+']).map(|part| part.parse().unwrap_or(u64::MAX));
    (numbers.next().unwrap_or(u64::MAX), numbers.next().unwrap_or(u64::MAX))
}
