//! The lock file of a plugin, without the plugin itself.

use std::collections::{BTreeMap, BTreeSet};

/// What a plugin depends on, besides the SDK.
const OTHERS: [&str; 2] = ["serde", "serde_json"];

/// Returns the packages of the examples' lock file that a plugin has. Only those features count that are on by default.
pub(crate) fn of_plugins(lock: &str, optional: &[String]) -> String {
    let (head, packages) = lock.split_once("[[package]]").unwrap_or_default();
    let packages: BTreeMap<_, _> = packages
        .split("[[package]]")
        .filter_map(|package| {
            let name = package.split('"').nth(1)?;
            Some((name, package.trim()))
        })
        .collect();
    let (mut reached, mut open) = (BTreeSet::new(), vec!["gpx-sdk"]);
    open.extend(OTHERS);
    while let Some(name) = open.pop() {
        if optional.iter().any(|optional| optional == name) || !reached.insert(name) {
            continue;
        }
        let dependencies = packages.get(name).and_then(|package| package.split_once("dependencies = ["));
        // A name, and the version if there are several.
        let names = dependencies.into_iter().flat_map(|(_, list)| list.split('"').skip(1).step_by(2));
        open.extend(names.filter_map(|name| name.split(' ').next()));
    }
    let mut text = head.trim_end().to_owned();
    for name in reached {
        let lines = packages.get(name).into_iter().flat_map(|package| package.lines());
        let kept =
            lines.filter(|line| !optional.iter().any(|optional| **line == format!(" \"{optional}\",")));
        text += "\n\n[[package]]\n";
        text += &kept.collect::<Vec<_>>().join("\n");
    }
    text + "\n"
}
