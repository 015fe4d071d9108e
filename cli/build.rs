//! Packs what `gpx new` unpacks: the templates, gpx-sdk, and the versions of its dependencies that it is tested with.

#[path = "build/lock.rs"]
mod lock;
#[path = "build/manifest.rs"]
mod manifest;

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

fn main() -> Result<()> {
    let here = PathBuf::from(std::env::var("CARGO_MANIFEST_DIR")?);
    let out = PathBuf::from(std::env::var("OUT_DIR")?);
    let repository = here.parent().context("cli/ is inside the repository")?;
    let read = |path: &str| {
        println!("cargo:rerun-if-changed={}", repository.join(path).display());
        std::fs::read_to_string(repository.join(path)).with_context(|| format!("cannot read {path}"))
    };

    let manifest = manifest::resolved(&read("guest-sdk/Cargo.toml")?, &read("Cargo.toml")?)?;
    let lock = lock::of_plugins(&read("examples/Cargo.lock")?, &manifest.optional);
    std::fs::write(out.join("sdk.toml"), manifest.text)?;
    std::fs::write(out.join("plugins.lock"), lock)?;

    let mut sdk = Vec::new();
    for folder in ["guest-sdk/src", "wit"] {
        files(&repository.join(folder), Path::new(folder.trim_start_matches("guest-sdk/")), &mut sdk)?;
    }
    // The tests of the SDK itself take crates that a plugin does not need.
    sdk.retain(|(name, _)| !name.split(['/', '.']).any(|part| part == "tests"));
    sdk.push(("README.md".to_owned(), repository.join("guest-sdk/README.md")));
    sdk.push(("Cargo.toml".to_owned(), out.join("sdk.toml")));
    let mut templates = Vec::new();
    files(&here.join("templates"), Path::new(""), &mut templates)?;

    let mut code = String::new();
    for (table, mut files) in [("SDK", sdk), ("TEMPLATES", templates)] {
        files.sort();
        writeln!(code, "static {table}: &[(&str, &str)] = &[")?;
        for (name, path) in files {
            writeln!(code, "    ({name:?}, include_str!({:?})),", path.display().to_string())?;
        }
        writeln!(code, "];")?;
    }
    writeln!(
        code,
        "static LOCK: &str = include_str!({:?});",
        out.join("plugins.lock").display().to_string()
    )?;
    std::fs::write(out.join("packed.rs"), code)?;
    println!("cargo:rerun-if-changed=build.rs");
    Ok(())
}

/// Adds all files below a folder, with the names that they have below another one.
fn files(folder: &Path, name: &Path, found: &mut Vec<(String, PathBuf)>) -> Result<()> {
    println!("cargo:rerun-if-changed={}", folder.display());
    for entry in folder.read_dir().with_context(|| format!("cannot read {}", folder.display()))? {
        let path = entry?.path();
        let name = name.join(path.file_name().context("a file has a name")?);
        if path.is_dir() {
            files(&path, &name, found)?;
        } else {
            found.push((name.to_str().context("names are UTF-8")?.to_owned(), path));
        }
    }
    Ok(())
}
