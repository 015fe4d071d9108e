//! `gpx add-backend`: a back end for a project of create-plugin.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::Value;

use crate::new::name::{Name, Org};
use crate::new::template::{Kind, Template, write};
use crate::project::Metadata;

/// Add a back end to a project of create-plugin: the crate in backend/, plugin.json, and what webpack keeps.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// The project, with package.json and src/plugin.json.
    #[arg(default_value = ".")]
    folder: PathBuf,
}

/// create-plugin's own configuration, which its updates replace, and the one that a project extends it with.
const BASE: &str = "./.config/webpack/webpack.config.ts";
const EXTENDED: &str = "./webpack.config.ts";

const WEBPACK: &str = "\
import type { Configuration } from 'webpack';

import baseConfig from './.config/webpack/webpack.config';

// What `gpx build` puts into dist/ stays there.
const config = async (env: Record<string, unknown>): Promise<Configuration> => {
  const base = await baseConfig(env as never);
  return { ...base, output: { ...base.output, clean: { keep: /^gpx_/ } } };
};

export default config;
";

pub(crate) fn add_backend(arguments: &Arguments) -> Result<()> {
    let root = &arguments.folder;
    let (package, backend) = (root.join("package.json"), root.join("backend"));
    ensure!(
        package.is_file(),
        "{} has no package.json, so it is no project of create-plugin; `gpx new NAME` makes a project",
        root.display()
    );
    let metadata = Metadata::read(&root.join("src/plugin.json"))?;
    ensure!(!backend.exists(), "{} exists, and gpx overwrites nothing", backend.display());
    let template = template(&metadata)?.with_frontend();
    let described = described(&metadata, &template)?;
    let scripts =
        std::fs::read_to_string(&package).with_context(|| format!("cannot read {}", package.display()))?;
    let webpack = root.join(EXTENDED);

    template.write_backend(&backend)?;
    replace(&metadata.path, &described)?;
    println!("backend/ has the crate, and src/plugin.json names it.");
    if !root.join(BASE).is_file() {
        println!("Have what builds the front end keep dist/gpx_*: in webpack, `output.clean.keep: /^gpx_/`.");
    } else if webpack.exists() {
        println!("Add `clean: {{ keep: /^gpx_/ }}` to `output` in {}.", webpack.display());
    } else {
        write(&webpack, WEBPACK)?;
        replace(&package, &scripts.replace(BASE, EXTENDED))?;
        println!("webpack.config.ts keeps what `gpx build` makes, and the scripts in package.json use it.");
    }
    println!("\nTo build it:\n\n  cd {} && npm run build && gpx build", root.display());
    Ok(())
}

/// Names the crate as the plugin is named in its id.
fn template(metadata: &Metadata) -> Result<Template> {
    let id = metadata.id()?;
    let told =
        || format!("{id:?} in {} is no plugin's id, such as `my-prices-datasource`", metadata.path.display());
    let kind = metadata.json.get("type").and_then(Value::as_str).unwrap_or_default();
    let (org, rest) = id.split_once('-').with_context(told)?;
    // An id may have two parts only.
    let name = rest.rsplit_once('-').map_or(org, |(name, _)| name);
    let parsed = |error: String| anyhow::anyhow!(error).context(told());
    let (name, org) = (name.parse::<Name>().map_err(parsed)?, org.parse::<Org>().map_err(parsed)?);
    Ok(Template::new(&name, &org, Kind::of(kind)?))
}

/// Returns plugin.json with its back end. Everything else in it stays as it was written.
fn described(metadata: &Metadata, template: &Template) -> Result<String> {
    let path = metadata.path.display();
    if let Some(executable) = metadata.json.get("executable") {
        bail!("{path} has the back end {executable}; remove the keys `backend` and `executable` first");
    }
    let text = std::fs::read_to_string(&metadata.path)?;
    let (before, after) = text.split_once('{').with_context(|| format!("{path} is not an object"))?;
    let backend = if metadata.json.get("backend").is_some() { "" } else { "\n  \"backend\": true," };
    let after = after.replacen("\"backend\": false", "\"backend\": true", 1);
    let text = format!("{before}{{{backend}\n  \"executable\": \"{}\",{after}", template.executable());
    let written: Value =
        serde_json::from_str(&text).with_context(|| format!("cannot add a back end to {path}"))?;
    ensure!(written.get("backend") == Some(&Value::Bool(true)), "set \"backend\": true in {path} first");
    Ok(text)
}

/// Writes a file anew, at once: an error leaves it as it was.
fn replace(path: &Path, text: &str) -> Result<()> {
    let new = path.with_extension("new");
    let written = std::fs::write(&new, text).and_then(|()| std::fs::rename(&new, path));
    if written.is_err() {
        let _ = std::fs::remove_file(&new);
    }
    written.with_context(|| format!("cannot write {}", path.display()))
}
