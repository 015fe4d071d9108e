//! Makes a plugin's directory as Grafana loads it: `target/plugins/EXAMPLE/`.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, ensure};

use crate::{guests, host, place, step};

/// What a plugin brings besides its executable and its component.
const FILES: &[&str] =
    &["plugin.json", "module.js", "README.md", "CHANGELOG.md", "LICENSE", "img", "provisioning"];

/// Builds what the package needs, and makes it.
pub(crate) fn package(example: &str) -> Result<PathBuf> {
    let source = place::repository()?.join("examples").join(example);
    ensure!(
        source.join("plugin.json").is_file(),
        "there is no example {example:?} with a plugin.json in examples/"
    );
    let components = guests::guests(guests::Std::Any)?;
    let executable = host::host()?;
    let plugin = place::plugins()?.join(example);
    step::step(&format!("target/plugins/{example}"), || {
        assemble(&source, &executable, &components, &plugin)
    })?;
    Ok(plugin)
}

fn assemble(source: &Path, executable: &Path, components: &Path, plugin: &Path) -> Result<()> {
    let description = std::fs::read_to_string(source.join("plugin.json"))?;
    let stem = text_of(&description, "executable").context("plugin.json names no \"executable\"")?;
    for name in FILES {
        copy(&source.join(name), &plugin.join(name))?;
    }
    let host = plugin.join(format!("{stem}_linux_amd64"));
    let wasm = plugin.join(format!("{stem}.wasm"));
    let other_host = place::refresh(executable, &host)?;
    // An example's crate has the name of its executable, so that cargo's file has the right name too.
    let other_wasm = place::refresh(&components.join(format!("{stem}.wasm")), &wasm)?;
    if other_host || other_wasm || !plugin.join(format!("{stem}.cwasm")).exists() {
        step::run(Command::new(&host).arg("compile").arg(&wasm))?;
    }
    Ok(())
}

/// Copies a file or a folder, if there is one.
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

/// The text behind a key of a JSON object. Enough for a plain name in a file of this repository.
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
