//! What is published: the plugin's package and the SDK's.

mod bom;

use std::path::Path;
use std::process::Command;

use gpx_tests::artifacts;
use gpx_tests::grafana::{DataSource, query};
use gpx_tests::plugin::Plugin;
use gpx_tests::run;

#[test]
fn a_package_contains_what_grafana_loads() {
    let folder = artifacts::packaged("http-backend");
    let description = std::fs::read_to_string(folder.join("plugin.json")).unwrap();
    let description: serde_json::Value = serde_json::from_str(&description).unwrap();
    assert_eq!(description["id"], "gpx-httpbackend-datasource");
    assert_eq!((&description["type"], &description["backend"]), (&"datasource".into(), &true.into()));
    let stem = description["executable"].as_str().unwrap();
    for name in ["_linux_amd64", ".wasm", ".cwasm"].map(|suffix| format!("{stem}{suffix}")) {
        assert!(folder.join(&name).is_file(), "{name} is missing");
    }
    assert!(folder.join("module.js").is_file(), "module.js is missing");
    let host = std::fs::read(artifacts::host()).unwrap();
    let packaged = std::fs::read(folder.join(format!("{stem}_linux_amd64"))).unwrap();
    assert!(host == packaged, "every package contains an exact copy of the host");
}

/// A panic names its source file, and its message is shown in the panel.
#[test]
fn no_panic_reveals_where_it_was_built() {
    let places = [artifacts::repository(), std::env::home_dir().unwrap()];
    let places = places.map(|place| format!("{}/", place.display()));
    let guests = std::fs::read_dir(artifacts::guests()).unwrap().flatten().map(|entry| entry.path());
    let guests = guests.filter(|path| path.extension().is_some_and(|end| end == "wasm" || end == "cwasm"));
    let mut files: Vec<_> = guests.map(|guest| (guest, places.as_slice())).collect();
    assert!(files.len() >= 6, "{files:?}");
    // The host's Rust code names neither folder; its C code, which does not panic, names cargo's.
    files.push((artifacts::host(), &places[..1]));
    for (file, places) in files {
        let text = std::fs::read(&file).unwrap();
        let text = String::from_utf8_lossy(&text);
        for place in places {
            assert!(!text.contains(place), "{} names {place}", file.display());
        }
    }
}

/// A plugin of an author who has the SDK from the registry and nothing else from this repository.
const AUTHORS_CODE: &str = r#"
use std::collections::HashMap;

use gpx_sdk::{Context, Data, Frame, Plugin, Query, Result, Settings};

struct Constant;

gpx_sdk::plugin!(Constant: data; headers: ["X-Tenant"]; attributes: { "constant": true }; secrets: []);

impl Plugin for Constant {
    fn open(_: Settings) -> Result<Self> {
        Ok(Self)
    }
}

impl Data<HashMap<String, f64>> for Constant {
    fn query(&self, _: &Context, query: &Query<HashMap<String, f64>>) -> Result<Vec<Frame>> {
        Ok(vec![Frame::new("constant").field("values", vec![query.model["value"]])])
    }
}
"#;

#[test]
fn the_packaged_sdk_builds_a_plugin_outside_this_repository() {
    let component = build_outside();
    run(async move {
        let plugin = Plugin::of(&component).start().await;
        let queries = [
            query("A").raw(r#"{"value":42}"#),
            query("B").raw(r#"{"value":"many"}"#),
            query("C").raw("[]"),
            query("D").raw("{"),
        ];
        let reply = plugin.query(&DataSource::new(""), queries).await.unwrap();
        assert_eq!(reply.frame("A").field("values").numbers(), [42.0]);
        for (name, what) in [
            ("B", "`value`: a string where a number was expected at byte 15"),
            ("C", "an array where an object was expected at byte 1"),
            ("D", "a name in quotes is missing at byte 1"),
        ] {
            let text = format!("query {name} is not valid: {what}");
            assert_eq!(reply.answer(name).failure(), (400, "plugin", text.as_str()));
        }
    });
}

/// Builds it in a directory that is kept, not in the test's own, so that a second run has little to build.
fn build_outside() -> Vec<u8> {
    let (repository, place) = (artifacts::repository(), artifacts::target().join("outside"));
    let outside = place.join("plugin");
    std::fs::create_dir_all(outside.join("src")).unwrap();

    let mut package = cargo(&repository);
    package.args(["package", "--quiet", "--no-verify", "--allow-dirty", "-p", "gpx-sdk", "--target-dir"]);
    succeed(package.arg(&place));
    let packages = std::fs::read_dir(place.join("package")).unwrap().flatten().map(|entry| entry.path());
    let archive = packages.filter(|path| path.extension().is_some_and(|end| end == "crate")).max().unwrap();
    let sdk = place.join(archive.file_stem().unwrap());
    unpack(&archive, &place, &sdk);
    assert!(sdk.join("wit").is_dir(), "the package contains the contract");

    let manifest = format!(
        "[package]\nname = \"outside\"\nversion = \"0.1.0\"\nedition = \"2024\"\n\n[lib]\ncrate-type = [\"cdylib\"]\n\n\
         [dependencies]\ngpx-sdk = {{ path = {sdk:?} }}\n\n[workspace]\n"
    );
    std::fs::write(outside.join("Cargo.toml"), manifest).unwrap();
    std::fs::write(outside.join("src/lib.rs"), AUTHORS_CODE).unwrap();
    // The versions that the examples were built with: they are already on this machine.
    std::fs::copy(repository.join("examples/Cargo.lock"), outside.join("Cargo.lock")).unwrap();
    let mut build = cargo(&outside);
    build.args(["build", "--quiet", "--release", "--target", "wasm32-wasip2", "--target-dir"]);
    succeed(build.arg(place.join("target")));
    std::fs::read(place.join("target/wasm32-wasip2/release/outside.wasm")).unwrap()
}

/// Unpacks a package, unless it is the one that was unpacked last. All files of a package have the same old time, so cargo
/// would not notice that they are others: they get today's.
fn unpack(archive: &Path, place: &Path, folder: &Path) {
    let (last, new) = (place.join("unpacked.crate"), std::fs::read(archive).unwrap());
    if std::fs::read(&last).is_ok_and(|last| last == new) {
        return;
    }
    let _ = std::fs::remove_dir_all(folder);
    succeed(Command::new("tar").arg("-xmzf").arg(archive).arg("-C").arg(place));
    std::fs::write(last, new).unwrap();
}

/// Returns cargo as on an author's machine, with the variables that the standard library for components needs on this
/// one.
fn cargo(folder: &Path) -> Command {
    let mut cargo = Command::new("cargo");
    cargo.current_dir(folder);
    for variable in ["RUSTFLAGS", "CARGO_ENCODED_RUSTFLAGS", "CARGO_BUILD_TARGET", "CARGO_TARGET_DIR"] {
        cargo.env_remove(variable);
    }
    let variables = std::fs::read_to_string(artifacts::guests().join("toolchain.env")).unwrap_or_default();
    cargo.envs(variables.lines().filter_map(|line| line.split_once('=')));
    cargo
}

fn succeed(command: &mut Command) {
    let status = command.status().expect("the command starts");
    assert!(status.success(), "{command:?} failed with {status}");
}
