//! What must hold for any input from outside, as targets for a fuzzer. `fuzz/` runs them under libFuzzer; the test below
//! runs them on the inputs in `fuzz/corpus/`, which reach all that a fuzzer has reached.
//!
//! A target takes bytes, and panics if something does not hold. What holds is said beside the code that it is about, in
//! the room's own `fuzz.rs`. Here is only how bytes become what that code reads: most are lines of text.

use std::borrow::Cow;

use crate::{config, egress, frame, launch, log, plugin, rpc, telemetry, text};

/// A target's name, and what it does with an input.
pub type Target = (&'static str, fn(&[u8]));

/// All targets. The reader of JSON is the SDK's.
pub const TARGETS: [Target; 11] = [
    ("trace", |input| telemetry::fuzz::headers(&decoded(input))),
    ("settings", settings),
    ("data_source", data_source),
    ("metadata", metadata),
    ("origin", origin),
    ("path", path),
    ("peer", peer),
    ("frames", frame::fuzz::frames),
    ("output", output),
    ("messages", rpc::fuzz::message),
    ("secrets", secrets),
];

/// Variables of the environment, one a line.
fn settings(input: &[u8]) {
    let text = decoded(input);
    let settings = config::fuzz::settings(text.lines().filter_map(|line| line.split_once('=')));
    launch::fuzz::handshake(&settings.process);
    telemetry::fuzz::tracing(&settings.tracing);
    egress::fuzz::lists(&settings.section.allow_hosts, &settings.section.allow_paths);
}

/// A URL, a user, a secret, and the rest is jsonData.
fn data_source(input: &[u8]) {
    let [url, user, secret, json] = lines(input);
    let (url, user, secret) = (decoded(url), decoded(user), decoded(secret));
    egress::fuzz::data_source(&url, &user, &secret, json);
    plugin::fuzz::owner(&url, &secret, json);
}

/// The name of an executable, then a plugin.json. Its lines are the names in a manifest, too.
fn metadata(input: &[u8]) {
    let [executable, json] = lines(input);
    launch::fuzz::metadata(&decoded(executable), json);
    plugin::fuzz::manifest(decoded(json).lines());
}

/// A data source's URL, `gpx_allow_hosts`, and the URL of a request.
fn origin(input: &[u8]) {
    let [url, patterns, request] = lines(input);
    egress::fuzz::origin(&decoded(url), &decoded(patterns), &decoded(request));
}

/// The path of a data source's URL, `gpx_allow_paths`, and the path of a request.
fn path(input: &[u8]) {
    let [pin, allowed, request] = lines(input);
    egress::fuzz::path(&decoded(pin), &decoded(allowed), &decoded(request));
}

/// How many bytes arrive at once, and what a proxy or an upstream says.
fn peer(input: &[u8]) {
    let [size, said] = lines(input);
    egress::fuzz::peer(said, size.len().max(1));
}

/// How many bytes are printed at once, a secret, and what is printed. It is a message for the log, and JSON, too.
fn output(input: &[u8]) {
    let [size, secret, printed] = lines(input);
    plugin::fuzz::output(printed, size.len(), &decoded(secret));
    log::fuzz::line(&decoded(printed));
    frame::fuzz::grammar(printed);
}

/// A secret, what is before it, and what is after it.
fn secrets(input: &[u8]) {
    let [secret, before, after] = lines(input);
    text::fuzz::secret(&decoded(secret), &decoded(before), &decoded(after));
}

/// Returns the first lines; the last one is all the rest.
fn lines<const COUNT: usize>(input: &[u8]) -> [&[u8]; COUNT] {
    let mut lines = input.splitn(COUNT, |byte| *byte == b'\n');
    std::array::from_fn(|_| lines.next().unwrap_or_default())
}

fn decoded(input: &[u8]) -> Cow<'_, str> {
    String::from_utf8_lossy(input)
}

#[cfg(test)]
mod tests {
    use std::path::{Path, PathBuf};

    use super::*;

    /// Keeps the repository small, and this test quick.
    const LONGEST: usize = 4096;

    fn corpus() -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus")
    }

    #[test]
    fn what_was_found_once_holds() {
        for (name, target) in TARGETS {
            let folder = corpus().join(name);
            let mut inputs: Vec<_> =
                std::fs::read_dir(&folder).expect(name).map(|file| file.unwrap().path()).collect();
            inputs.sort();
            assert!(!inputs.is_empty(), "{} has no input", folder.display());
            for path in inputs {
                let input = std::fs::read(&path).unwrap();
                assert!(input.len() <= LONGEST, "{} is too long", path.display());
                // The test's output names the input if it panics.
                eprintln!("{}", path.display());
                target(&input);
            }
        }
    }

    #[test]
    fn every_folder_of_inputs_has_a_target() {
        for folder in std::fs::read_dir(corpus()).unwrap() {
            let name = folder.unwrap().file_name();
            let known = TARGETS.iter().any(|(target, _)| name == *target) || name == "json";
            assert!(known, "nothing runs fuzz/corpus/{}", name.display());
        }
    }
}
