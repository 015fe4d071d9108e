//! `gpx build`: the directory that Grafana loads, and what an author is told when something is missing.

use std::os::unix::fs::PermissionsExt as _;

use gpx_tests::artifacts;
use gpx_tests::directory::Directory;

use crate::project;
use crate::terminal::{failing, gpx};

#[test]
fn the_directory_has_what_grafana_loads() {
    let dist = project::built().join("dist");
    let mut names: Vec<_> = dist
        .read_dir()
        .expect("it was built")
        .flatten()
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    assert_eq!(
        names,
        [
            "CHANGELOG.md",
            "README.md",
            "gpx_prices.cwasm",
            "gpx_prices.wasm",
            "gpx_prices_linux_amd64",
            "img",
            "module.js",
            "plugin.json"
        ]
    );
    let executable = dist.join("gpx_prices_linux_amd64");
    let host = std::fs::read(artifacts::gpx().with_file_name("gpx-host")).expect("it is beside gpx");
    assert!(std::fs::read(&executable).expect("it was built") == host, "byte for byte");
    assert_eq!(executable.metadata().expect("a file").permissions().mode() & 0o777, 0o755);
}

#[test]
fn a_component_has_no_paths_of_the_machine() {
    let component = std::fs::read(project::built().join("dist/gpx_prices.wasm")).expect("it was built");
    let home = std::env::home_dir().expect("a home");
    for path in [artifacts::target(), home] {
        let path = path.to_str().expect("a text").as_bytes();
        assert!(!component.windows(path.len()).any(|window| window == path), "{}", path.escape_ascii());
    }
}

#[test]
fn what_is_missing_is_named_with_how_to_get_it() {
    let empty = Directory::new().expect("a directory");
    let told = failing(gpx(["build"]).current_dir(empty.path()));
    assert!(told.contains("has no plugin.json, neither itself nor in src/; `gpx new NAME`"), "{told}");

    let copy = project::copy();
    let told = failing(gpx(["build"]).env("PATH", empty.path()).current_dir(copy.join("prices")));
    assert!(told.contains("there is no cargo; install Rust as https://rustup.rs says"), "{told}");

    // A compiler whose standard libraries are elsewhere.
    let rustc = empty.join("rustc");
    std::fs::write(&rustc, "#!/bin/sh\ncase \"$*\" in *target-libdir*) echo /nowhere;; *) exit 1;; esac\n")
        .expect("a script");
    std::fs::set_permissions(&rustc, std::fs::Permissions::from_mode(0o755)).expect("a script");
    let told = failing(gpx(["build"]).env("RUSTC", &rustc).current_dir(copy.join("prices")));
    assert!(told.contains("type `rustup target add wasm32-wasip2`"), "{told}");
}
