//! Tests of the reader with small crates.

use crate::arrows::Circle;
use crate::house;
use crate::tree::Tree;

/// Reads a package `p` with the library `p`, from pairs of a file's name in `src` and its text.
fn tree(files: &[(&str, &str)]) -> Tree {
    Tree::of("p", "p", &|file| {
        let found = files.iter().find(|(name, _)| file.strip_prefix("p/src/") == Some(name));
        found.map(|(_, text)| (*text).to_owned())
    })
}

/// Returns the arrows in the form `a.rs > b.rs: b::B`.
fn arrows(files: &[(&str, &str)]) -> Vec<String> {
    let file = |file: &str| file.replace("p/src/", "");
    let arrow = |arrow: crate::arrows::Arrow| {
        let names: Vec<_> = arrow.names.into_iter().collect();
        format!("{} > {}: {}", file(&arrow.from), file(&arrow.to), names.join(" "))
    };
    tree(files).arrows().into_iter().map(arrow).collect()
}

fn circles(files: &[(&str, &str)]) -> Vec<String> {
    let circles = Circle::find(&tree(files).arrows());
    circles.iter().map(|circle| circle.files.join(" ").replace("p/src/", "")).collect()
}

#[test]
fn a_circle_of_two() {
    let parent = ("a.rs", "mod b; use self::b::f; pub struct A; fn g() { f() }");
    let child = ("a/b.rs", "use super::A; pub fn f() -> A { A }");
    assert_eq!(circles(&[("lib.rs", "mod a;"), parent, child]), ["a.rs a/b.rs"]);
    assert_eq!(circles(&[("lib.rs", "mod a;"), parent, ("a/b.rs", "pub fn f() {}")]), [""; 0]);
}

#[test]
fn a_circle_of_three_without_files_that_only_lead_into_it() {
    let files = [
        ("lib.rs", "mod a; mod b; mod c; mod d; mod e; pub struct Root;"),
        ("a.rs", "use crate::b::B; pub struct A;"),
        ("b.rs", "use crate::c::C; use crate::e::E; pub struct B;"),
        ("c.rs", "use crate::a::A; pub struct C;"),
        ("d.rs", "use crate::a::A;"),
        ("e.rs", "use crate::Root; pub struct E;"),
    ];
    assert_eq!(circles(&files), ["a.rs b.rs c.rs"]);
}

#[test]
fn a_reexport_is_followed_and_is_not_an_arrow_itself() {
    let files = [
        ("lib.rs", "mod a; mod b;"),
        ("a.rs", "mod inner; pub use inner::Thing as Other; use inner::Hidden;"),
        ("a/inner.rs", "pub struct Thing; pub struct Hidden; use super::Hidden as Same;"),
        ("b.rs", "use crate::a::Other;"),
    ];
    assert_eq!(arrows(&files), ["a.rs > a/inner.rs: a::inner::Hidden", "b.rs > a/inner.rs: a::inner::Thing"]);
}

#[test]
fn using_an_own_reexport_is_an_arrow() {
    let files = [("lib.rs", "mod a; pub use a::A; fn f() -> A { A::new() }"), ("a.rs", "pub struct A;")];
    assert_eq!(arrows(&files), ["lib.rs > a.rs: a::A"]);
}

#[test]
fn reexports_that_lead_in_a_circle_lead_nowhere() {
    let files = [
        ("lib.rs", "mod a; mod b; use a::X; use X::y;"),
        ("a.rs", "pub use super::b::*;"),
        ("b.rs", "pub use super::a::*;"),
    ];
    assert_eq!(arrows(&files), ["lib.rs > a.rs: a::X"]);
}

#[test]
fn a_glob_is_an_arrow_to_its_module_and_to_each_item_used_through_it() {
    let files = [
        ("lib.rs", "mod a; mod b;"),
        ("a.rs", "mod inner; pub use inner::*; pub struct A;"),
        ("a/inner.rs", "pub struct Used; pub struct Unused;"),
        ("b.rs", "use crate::a::*; fn f(_: A, _: Used) {}"),
    ];
    assert_eq!(arrows(&files), ["b.rs > a.rs: a::* a::A", "b.rs > a/inner.rs: a::inner::Used"]);
}

#[test]
fn a_group_has_an_arrow_for_each_of_its_names() {
    let files = [
        ("lib.rs", "mod a; mod b; mod c; mod d;"),
        ("a.rs", "use crate::{b::{self, B, Other as _}, c}; use std::{fmt, io}; fn f() { c::g() }"),
        ("b.rs", "pub struct B; pub trait Other {}"),
        ("c.rs", "pub fn g() {} pub fn unused() {}"),
        ("d.rs", "use crate::c;"),
    ];
    assert_eq!(arrows(&files), ["a.rs > b.rs: b::B b::Other", "a.rs > c.rs: c::g"]);
}

#[test]
fn a_path_in_the_code_is_an_arrow() {
    let files = [
        ("lib.rs", "mod a; mod b;"),
        ("a.rs", "mod inner; pub const N: usize = 1; fn f() { g(&[super::b::B::default(); crate::a::N]) }"),
        ("a/inner.rs", "fn f() -> Option<crate::b::Kind> { println!(\"{}\", super::N); None }"),
        ("b.rs", "pub struct B; pub enum Kind { One }"),
    ];
    let expected = ["a.rs > b.rs: b::B", "a/inner.rs > a.rs: a::N", "a/inner.rs > b.rs: b::Kind"];
    assert_eq!(arrows(&files), expected);
}

#[test]
fn an_import_in_a_function_counts() {
    let files = [
        ("lib.rs", "mod a; mod b;"),
        ("a.rs", "fn f() { use crate::b; b::g() } fn h() { use crate::b::B; }"),
        ("b.rs", "pub fn g() {} pub struct B;"),
    ];
    assert_eq!(arrows(&files), ["a.rs > b.rs: b::B b::g"]);
}

#[test]
fn a_name_is_looked_up_only_where_it_can_be_defined() {
    let files = [
        ("lib.rs", "mod http; mod log; mod wire; use log::log; use ::log::Level;"),
        ("http.rs", "pub use http::Method;"),
        // The crate `http`, a module and a function with the same name, and a variable with the name of a module.
        ("log.rs", "use crate::wire::log; pub fn log() { log::line(); let http = 1; f(http) }"),
        ("wire.rs", "pub mod log { pub fn line() {} } use http::Uri;"),
    ];
    assert_eq!(arrows(&files), ["lib.rs > log.rs: log::log", "log.rs > wire.rs: wire::log::line"]);
}

#[test]
fn an_item_made_by_a_macro_belongs_to_the_file_that_calls_the_macro() {
    let files = [
        ("lib.rs", "mod a; mod made;"),
        ("a.rs", "use crate::made::deep::module; fn f(_: module::Type) {} pub struct A;"),
        ("made.rs", "bindgen!({ with: { \"x\": crate::a::A } });"),
    ];
    assert_eq!(arrows(&files), ["a.rs > made.rs: made::deep"]);
}

#[test]
fn an_exported_macro_is_found_in_the_root() {
    let files = [
        ("lib.rs", "mod a; mod b;"),
        ("a.rs", "#[macro_export] macro_rules! m { () => { $crate::b::f() } }"),
        ("b.rs", "pub fn f() { crate::m!() }"),
    ];
    assert_eq!(arrows(&files), ["b.rs > a.rs: a::m"]);
}

#[test]
fn code_for_tests_is_skipped() {
    let files = [
        ("lib.rs", "mod a; pub struct Root;"),
        (
            "a.rs",
            "#[cfg(test)] mod tests { use crate::Root; }
             #[cfg(all(test, unix))] mod missing;
             #[cfg(test)] use crate::Root;
             #[cfg(test)] fn f(_: crate::Root) {}
             impl A { #[cfg(test)] fn g(_: crate::Root) {} }
             struct A { #[cfg(test)] field: crate::Root }",
        ),
    ];
    assert_eq!(arrows(&files), [""; 0]);
    let files = [("lib.rs", "mod a; pub struct Root;"), ("a.rs", "#[cfg(any(test, unix))] use crate::Root;")];
    assert_eq!(arrows(&files), ["a.rs > lib.rs: Root"]);
}

#[test]
fn the_executable_imports_the_library_by_its_name() {
    let files = [
        ("lib.rs", "mod a; pub use a::A;"),
        ("main.rs", "mod own; use p::A; fn main() { own::f() }"),
        ("a.rs", "pub struct A;"),
        ("own.rs", "pub fn f() {}"),
    ];
    assert_eq!(arrows(&files), ["main.rs > a.rs: a::A", "main.rs > own.rs: own::f"]);
}

#[test]
fn an_upward_import_breaks_the_rule() {
    let files = [
        ("lib.rs", "mod capability; mod config; mod plugin;"),
        ("capability.rs", "mod log;"),
        ("capability/log.rs", "use crate::config::Level; use crate::plugin::State;"),
        ("config.rs", "pub enum Level { Low }"),
        ("plugin.rs", "mod state; pub use state::State;"),
        ("plugin/state.rs", "pub struct State;"),
    ];
    let arrows = tree(&files).arrows();
    let broken: Vec<_> =
        arrows.iter().filter_map(|arrow| Some(format!("{arrow}: {}", house::broken(arrow)?))).collect();
    let [broken] = &*broken else { panic!("{broken:#?}") };
    let expected = "p/src/capability/log.rs imports plugin::state::State from p/src/plugin/state.rs: \
                    capability is below plugin; calls flow main → ";
    assert!(broken.starts_with(expected), "{broken}");
}

#[test]
fn a_path_in_a_macros_own_language_is_an_arrow() {
    let files = [
        ("lib.rs", "mod a; mod b; mod c;"),
        ("a.rs", "fn f() { select! { biased; x = crate::b::f() => x, () = super::b::g(), if x => {} } }"),
        ("b.rs", "pub fn f() {} pub fn g() {}"),
        ("c.rs", "macro_rules! m { ($x:ty) => { fn h(_: $x) -> crate::b::B { $crate::b::f() } } }"),
    ];
    assert_eq!(arrows(&files), ["a.rs > b.rs: b::f b::g", "c.rs > b.rs: b::B"]);
}

#[test]
fn a_reexport_that_runs_back_up_breaks_the_rule() {
    let files = [
        ("lib.rs", "mod capability; mod plugin; pub use plugin::State;"),
        ("capability.rs", "mod log; pub(crate) use crate::plugin::State; pub use self::log::Log;"),
        ("capability/log.rs", "pub struct Log;"),
        ("plugin.rs", "pub use crate::capability::Log; pub struct State;"),
    ];
    let reexports = tree(&files).reexports();
    let broken: Vec<_> = reexports.iter().filter(|arrow| house::broken(arrow).is_some()).collect();
    let [broken] = &*broken else { panic!("{broken:#?}") };
    assert_eq!(broken.to_string(), "p/src/capability.rs imports plugin::State from p/src/plugin.rs");
}
