//! Compares what SECURITY.md promises with the tests that it names: each promise has a row in its last table, and each
//! test in that table exists.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use syn::{Attribute, Item};

/// The heading of the table.
const TESTS: &str = "\n## Tests of the promises\n";

/// The heading of the list of which each item is a promise.
const GUARANTEED: &str = "\n## What is guaranteed\n";

/// Returns everything that is wrong in such a text.
fn faults(text: &str, exists: impl Fn(&str) -> bool) -> Vec<String> {
    let (promised, table) = text.split_once(TESTS).expect("the table of tests");
    let (_, guaranteed) = promised.split_once(GUARANTEED).expect("the list of promises");
    let guaranteed = guaranteed.split("\n## ").next().unwrap_or_default();
    let unnamed = guaranteed.lines().filter(|line| line.starts_with("- ") && lead(line).is_none());
    let mut faults: Vec<_> = unnamed.map(|line| format!("a promise has no name: {line}")).collect();

    let promises: BTreeSet<_> = promised.lines().filter_map(lead).collect();
    let tests = rows(table);
    for promise in promises.iter().filter(|promise| !tests.contains_key(*promise)) {
        faults.push(format!("no test is named for: {promise}"));
    }
    for (promise, tests) in &tests {
        if !promises.contains(promise) {
            faults.push(format!("there is no such promise: {promise}"));
        }
        if tests.is_empty() {
            faults.push(format!("no test is named for: {promise}"));
        }
        faults
            .extend(tests.iter().filter(|test| !exists(test)).map(|test| format!("there is no test {test}")));
    }
    faults
}

/// The name in front of a promise: `**Name.** The promise.`, which may be an item of a list.
fn lead(line: &str) -> Option<&str> {
    let (name, _) = line.trim_start_matches("- ").strip_prefix("**")?.split_once(".**")?;
    Some(name)
}

/// The rows of the table, by the name of the promise. Tests are between backquotes.
fn rows(table: &str) -> BTreeMap<&str, Vec<&str>> {
    let rows =
        table.lines().filter_map(|line| line.strip_prefix("| ")?.strip_suffix(" |")?.split_once(" | "));
    rows.skip(1).map(|(promise, tests)| (promise, tests.split('`').skip(1).step_by(2).collect())).collect()
}

/// Returns whether there is a test with this path: `host` is host/src, `e2e` and others are in tests/.
fn exists(test: &str) -> bool {
    let repository = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let Some((module, name)) = test.rsplit_once("::") else { return false };
    let file = match module.strip_prefix("host::") {
        Some(inside) => format!("host/src/{}.rs", inside.replace("::", "/")),
        None => format!("tests/{}.rs", module.replace("::", "/")),
    };
    let Ok(text) = std::fs::read_to_string(repository.join(file)) else { return false };
    has_test(&syn::parse_file(&text).expect("Rust").items, name)
}

fn has_test(items: &[Item], name: &str) -> bool {
    let is_test =
        |attribute: &Attribute| attribute.path().segments.last().is_some_and(|last| last.ident == "test");
    items.iter().any(|item| match item {
        Item::Fn(item) => item.sig.ident == name && item.attrs.iter().any(is_test),
        Item::Mod(module) => module.content.as_ref().is_some_and(|(_, items)| has_test(items, name)),
        _ => false,
    })
}

#[test]
fn each_promise_names_the_tests_that_hold_it() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../SECURITY.md");
    let faults = faults(&std::fs::read_to_string(file).unwrap(), exists);
    assert!(faults.is_empty(), "SECURITY.md:\n{}", faults.join("\n"));
}

#[test]
fn finds_what_is_promised_in_vain() {
    let text = "# Security\n\n**Boundary.** Text.\n\n## What is guaranteed\n\n- **Kept.** Text\n  and more.\n- Unnamed.\n\
                - **Forgotten.** Text.\n\n## Tests of the promises\n\n| promise | tests |\n|---|---|\n| Boundary | `a::one` |\n\
                | Kept | `a::one`, `a::gone` |\n| Else | none |\n";
    let found = faults(text, |test| test == "a::one");
    let expected = [
        "a promise has no name: - Unnamed.",
        "no test is named for: Forgotten",
        "there is no such promise: Else",
        "no test is named for: Else",
        "there is no test a::gone",
    ];
    assert_eq!(found, expected);
}

#[test]
fn a_test_is_a_function_that_is_marked_as_one() {
    assert!(exists("imports::promises::finds_what_is_promised_in_vain"));
    assert!(exists("e2e::handshake::tcp_on_demand") && exists("host::config::value::choices_are_exact"));
    assert!(!exists("imports::promises::exists") && !exists("imports::nowhere::it") && !exists("it"));
}
