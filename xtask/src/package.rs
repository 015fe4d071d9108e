//! Assembles a plugin's directory for Grafana to load.

mod bom;

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, ensure};

use self::bom::{Library, Part};
use crate::profile::Profile;
use crate::{guests, host, place, step};

/// What a plugin ships besides its executable and its component. An app may have a data source of its own.
const FILES: &[&str] = &[
    "plugin.json",
    "module.js",
    "README.md",
    "CHANGELOG.md",
    "LICENSE",
    "img",
    "provisioning",
    "datasource",
];

/// Builds what the package needs, and assembles it.
pub(crate) fn package(example: &str, profile: Profile) -> Result<PathBuf> {
    source(example)?;
    let components = guests::guests(guests::Std::Any)?;
    let executable = host::host(profile, &[])?;
    let plugin = assemble(example, &place::plugins()?, &executable, &components)?;
    println!("{}", plugin.display());
    if profile == Profile::Quick {
        eprintln!(
            "  its executable is slow and large; `cargo xtask package {example} --release` builds the one to use"
        );
    }
    Ok(plugin)
}

/// Assembles a package from what was built, inside a folder of packages.
pub(crate) fn assemble(
    example: &str,
    plugins: &Path,
    executable: &Path,
    components: &Path,
) -> Result<PathBuf> {
    let (source, plugin) = (source(example)?, plugins.join(example));
    let description = std::fs::read_to_string(source.join("plugin.json"))?;
    let stem = text_of(&description, "executable").context("plugin.json names no \"executable\"")?;
    for name in FILES {
        copy(&source.join(name), &plugin.join(name))?;
    }
    let (launched, component) =
        (plugin.join(format!("{stem}_linux_amd64")), plugin.join(format!("{stem}.wasm")));
    place::refresh(executable, &launched)?;
    // An example's crate is named like its executable, so cargo's file already has the right name.
    place::refresh(&components.join(format!("{stem}.wasm")), &component)?;
    step::step("machine code of the component", || host::compile(&launched, &component))?;
    let bill = bill(&description, stem, components)?;
    std::fs::write(plugin.join("sbom.cdx.json"), bill)?;
    Ok(plugin)
}

/// What the package's executable and component consist of.
fn bill(description: &str, stem: &str, components: &Path) -> Result<String> {
    let named = |key| text_of(description, key).with_context(|| format!("plugin.json has no {key:?}"));
    let toolchain = std::fs::read_to_string(components.join("toolchain.env"))?;
    let rustc = toolchain.lines().find_map(|line| line.strip_prefix("RUSTC=")).unwrap_or("rustc");
    let glibc = step::output(Command::new("getconf").arg("GNU_LIBC_VERSION"))?;
    let glibc = glibc.strip_prefix("glibc ").context("`getconf GNU_LIBC_VERSION` names no glibc")?;
    let parts = [
        Part {
            file: format!("{stem}_linux_amd64"),
            package: "gpx-host",
            manifest: "Cargo.toml",
            target: place::HOST_TARGET,
            system: vec![Library::of_system("glibc", glibc, "LGPL-2.1-or-later"), rust_std("rustc")?],
        },
        Part {
            file: format!("{stem}.wasm"),
            package: stem,
            manifest: "examples/Cargo.toml",
            target: place::GUEST_TARGET,
            system: vec![rust_std(rustc)?],
        },
    ];
    bom::bill(named("id")?, named("version")?, &parts)
}

/// The standard library of a compiler. It contains the C library of components.
fn rust_std(rustc: &str) -> Result<Library> {
    let line = step::output(Command::new(rustc).arg("--version"))?;
    let version = line.split(' ').nth(1).with_context(|| format!("{rustc} has no version: {line:?}"))?;
    Ok(Library::of_system("rust-std", version, "MIT OR Apache-2.0"))
}

fn source(example: &str) -> Result<PathBuf> {
    let source = place::repository()?.join("examples").join(example);
    ensure!(
        source.join("plugin.json").is_file(),
        "there is no example {example:?} with a plugin.json in examples/"
    );
    Ok(source)
}

/// Copies a file or a folder, if it exists.
fn copy(from: &Path, to: &Path) -> Result<()> {
    if from.is_dir() {
        for entry in from.read_dir()? {
            let entry = entry?;
            copy(&entry.path(), &to.join(entry.file_name()))?;
        }
    } else if from.is_file() {
        place::refresh(from, to)?;
    }
    Ok(())
}

/// The string that a key of a JSON object has. Good enough for a plain name in a file of this repository.
fn text_of<'a>(json: &'a str, key: &str) -> Option<&'a str> {
    let (_, rest) = json.split_once(&format!("\"{key}\""))?;
    let (_, rest) = rest.split_once('"')?;
    rest.split('"').next()
}

#[cfg(test)]
mod tests {
    #[test]
    fn finds_the_executable() {
        let json = r#"{ "id": "x", "executable" : "gpx_x", "backend": true }"#;
        assert_eq!(super::text_of(json, "executable"), Some("gpx_x"));
        assert_eq!(super::text_of(json, "missing"), None);
    }
}
