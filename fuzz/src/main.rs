//! Runs one of the targets under libFuzzer, which has a `main` and options of its own. `GPX_FUZZ_TARGET` names the target.
#![no_main]

use std::sync::OnceLock;

use gpx_host::fuzz::{TARGETS, Target};

/// Also the target of the SDK.
fn targets() -> impl Iterator<Item = Target> {
    TARGETS.into_iter().chain([("json", gpx_sdk::fuzz::json as fn(&[u8]))])
}

fn chosen() -> fn(&[u8]) {
    let name = std::env::var("GPX_FUZZ_TARGET").unwrap_or_default();
    let names: Vec<_> = targets().map(|(name, _)| name).collect();
    let target = targets().find(|(target, _)| *target == name);
    target.unwrap_or_else(|| panic!("GPX_FUZZ_TARGET must be one of {}", names.join(", "))).1
}

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    static TARGET: OnceLock<fn(&[u8])> = OnceLock::new();
    TARGET.get_or_init(chosen)(input);
});
