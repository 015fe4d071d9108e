//! Checks the imports of the repository's crates: there are no circles of files, and in the host no import leads
//! upward.
//!
//! If a file names an item, in a `use` or in a path in its code, an arrow leads from it to the file that defines the
//! item. Re-exports are followed. They and `mod` declarations make no circle themselves, but a re-export must not lead
//! upward either. Code that is compiled for tests only is skipped. In the input of a macro that does not consist of
//! expressions or statements, only paths that start with `crate`, `self` or `super` are seen. `$crate` is skipped, and
//! so are the paths in `bindgen!`, whose `with:` names the representations of resources.
//!
//! `promises` is about SECURITY.md instead, and `links` about the links of all documents.

mod arrows;
mod house;
mod links;
mod names;
mod promises;
mod resolve;
mod samples;
mod tree;

use self::arrows::{Arrow, Circle};
use self::tree::Tree;

/// Fails with everything that is wrong, so that one run shows it all.
fn check(tree: &Tree, rule: impl Fn(&Arrow) -> Option<String>) {
    let (arrows, reexports) = (tree.arrows(), tree.reexports());
    let broken = |arrow| Some(format!("{arrow}: {}", rule(arrow)?));
    let upward: Vec<_> = arrows.iter().chain(&reexports).filter_map(broken).collect();
    let circles = Circle::find(&arrows);
    let shown: Vec<_> = circles.iter().map(ToString::to_string).chain(upward.iter().cloned()).collect();
    assert!(
        shown.is_empty(),
        "{} circles of files, {} imports against the rule\n\n{}\n",
        circles.len(),
        upward.len(),
        shown.join("\n")
    );
}

#[test]
fn the_hosts_imports_lead_down_and_never_in_a_circle() {
    check(&Tree::read("host", "gpx_host"), house::broken);
}

#[test]
fn the_sdks_imports_never_lead_in_a_circle() {
    check(&Tree::read("guest-sdk", "gpx_sdk"), |_| None);
}

#[test]
fn the_tasks_imports_never_lead_in_a_circle() {
    check(&Tree::read("xtask", "xtask"), |_| None);
}
