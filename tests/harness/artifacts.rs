//! Where the artifacts under test are. `cargo xtask test` builds them and sets environment variables that say where;
//! without those, they are looked for where `cargo xtask test --quick` puts them by default.

use std::path::{Path, PathBuf};

/// Returns the path of the static host executable.
pub fn host() -> PathBuf {
    existing("GPX_HOST_EXE", "x86_64-unknown-linux-gnu/quick/gpx-host")
}

/// Returns the path of `gpx`, with the host beside it.
pub fn gpx() -> PathBuf {
    existing("GPX_CLI", "tools-quick/gpx")
}

/// Returns the path of the host that is built without the compiler.
pub fn host_without_compiler() -> PathBuf {
    existing("GPX_HOST_WITHOUT_COMPILER", "without-compiler/gpx-host")
}

/// Returns the path of an example of the host's library. Cargo builds them with the tests, beside them.
pub fn example(name: &str) -> PathBuf {
    let tests = std::env::current_exe().expect("a test knows where it is");
    let profile = tests.ancestors().nth(2).expect("cargo puts tests into a folder of the profile's");
    profile.join("examples").join(name)
}

/// Returns the path of a built guest, which is an example or a test guest, by its package's name.
pub fn component(name: &str) -> PathBuf {
    let file = guests().join(format!("{name}.wasm"));
    assert!(file.is_file(), "{} is missing: run `cargo xtask guests`", file.display());
    file
}

/// Returns the folder with the built guests and with `toolchain.env`, the variables needed to build one here.
pub fn guests() -> PathBuf {
    existing("GPX_GUESTS", "guests")
}

/// Returns a plugin directory as Grafana would load it.
pub fn packaged(example: &str) -> PathBuf {
    let folder = existing("GPX_PLUGINS", "plugins-quick").join(example);
    assert!(folder.is_dir(), "{} is missing: run `cargo xtask package {example}`", folder.display());
    folder
}

/// Returns the folder with the Go peer's commands. If `cargo xtask test` found no Go, prints that and returns `None`.
pub fn peer() -> Option<PathBuf> {
    if std::env::var_os("GPX_PEER").is_some_and(|folder| folder.is_empty()) {
        crate::skipped("without Go, nothing is compared with the Go SDK");
        return None;
    }
    Some(existing("GPX_PEER", "peer"))
}

/// Returns the path of the example as a native plugin in Rust, which only the benchmark builds.
pub fn native() -> PathBuf {
    existing("GPX_NATIVE", "native/release/native")
}

/// Returns the path of the OpenTelemetry Collector, which only the full run builds.
pub fn collector() -> PathBuf {
    existing("GPX_COLLECTOR", "collector")
}

/// Returns the folder with the commands of real servers, which only the full run looks for.
pub fn servers() -> PathBuf {
    existing("GPX_SERVERS", "servers")
}

/// Returns the folder with the code of Grafana's frontend, which only the full run installs.
pub fn frontend() -> PathBuf {
    existing("GPX_FRONTEND", "frontend")
}

/// Returns the path of the component in JavaScript, which only the full run builds.
pub fn javascript() -> PathBuf {
    existing("GPX_JAVASCRIPT", "javascript/gpx_javascript.wasm")
}

/// Returns cargo's target directory.
pub fn target() -> PathBuf {
    match std::env::var_os("CARGO_TARGET_DIR") {
        Some(folder) => PathBuf::from(folder),
        None => repository().join("target"),
    }
}

pub fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("tests/ is in the repository").to_owned()
}

fn existing(variable: &str, default: &str) -> PathBuf {
    let path = match std::env::var_os(variable) {
        Some(path) => PathBuf::from(path),
        None => target().join(default),
    };
    assert!(
        path.exists(),
        "{} is missing: run `cargo xtask test --quick` (or set {variable})",
        path.display()
    );
    path
}
