//! The imports of the repository's crates: no circle between files, and in the host none that runs back up.
//!
//! An arrow leads from a file to the file that defines an item which the first one names, in a `use` or in a path in its
//! code. Re-exports are followed; they and `mod` declarations are not arrows themselves. What is compiled for tests only
//! is left out, and so is a macro's input unless it is made of expressions or statements. Therefore `with:` of the host's
//! `bindgen!`, which names the representations of resources, is not seen here.

mod arrows;
mod house;
mod names;
mod resolve;
mod samples;
mod tree;

use self::arrows::{Arrow, Circle};
use self::tree::Tree;

/// Fails with all that is wrong, so that one run shows the whole.
fn check(tree: &Tree, rule: impl Fn(&Arrow) -> Option<String>) {
    let arrows = tree.arrows();
    let upward: Vec<_> =
        arrows.iter().filter_map(|arrow| Some(format!("{arrow}: {}", rule(arrow)?))).collect();
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
fn the_hosts_imports_run_down_and_never_in_a_circle() {
    check(&Tree::read("host", "gpx_host"), house::broken);
}

#[test]
fn the_sdks_imports_never_run_in_a_circle() {
    check(&Tree::read("guest-sdk", "gpx_sdk"), |_| None);
}

#[test]
fn the_tasks_imports_never_run_in_a_circle() {
    check(&Tree::read("xtask", "xtask"), |_| None);
}
