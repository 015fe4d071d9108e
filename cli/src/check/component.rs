//! What was built: the files that Grafana and the host look for, and the component against plugin.json and the front end.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::Result;
use serde_json::Value;

use super::Finding;
use crate::component::{Component, Manifest};
use crate::host;
use crate::project::{Metadata, Project};

/// A component is usually a fraction of that.
const LARGE: u64 = 5 << 20;

/// Secrets that the host applies itself, or whose name has a number.
const OF_THE_HOST: [&str; 7] = [
    "basicAuthPassword",
    "httpHeaderValue",
    "tlsCACert",
    "tlsClientCert",
    "tlsClientKey",
    "sigV4",
    "accessKey",
];

/// The ends of the names of files that a front end is made of.
const FRONT_END: [&str; 5] = [".js", ".ts", ".tsx", ".jsx", ".mjs"];

pub(super) fn add(project: &Project, metadata: &Metadata, findings: &mut Vec<Finding>) -> Result<()> {
    let stem = match metadata.executable() {
        Ok(stem) => stem,
        Err(error) => {
            findings.push(Finding::error(error));
            return Ok(());
        }
    };
    if !stem.starts_with("gpx_") {
        findings.push(Finding::warning(format_args!(
            "`executable` is {stem:?}; with \"gpx_\" before it, create-plugin's builds of the front end keep it"
        )));
    }
    let built = project.dist.join(format!("{stem}.wasm"));
    if !built.is_file() {
        findings.push(Finding::error(format_args!("there is no {}; type `gpx build`", built.display())));
        return Ok(());
    }
    let executable = project.dist.join(format!("{stem}_{}", host::TARGET));
    if !same(&executable, &host::executable(host::TARGET)?) {
        findings.push(Finding::error(format_args!(
            "{} is not the gpx-host that is beside gpx; type `gpx build`",
            executable.display()
        )));
    }
    if !same(&project.dist.join("plugin.json"), &metadata.path) && !project.has_frontend_build() {
        findings.push(Finding::error("dist/plugin.json is not the project's; type `gpx build`"));
    }
    if !project.dist.join("module.js").is_file() {
        findings.push(Finding::warning(
            "there is no dist/module.js, so Grafana shows no editors; build the front end",
        ));
    }
    let component = match Component::read(&built) {
        Ok(component) => component,
        Err(error) => {
            findings.push(Finding::error(format_args!("{error:#}")));
            return Ok(());
        }
    };
    services(&component, &metadata.json, findings);
    if component.bytes > LARGE {
        findings.push(Finding::warning(format_args!(
            "the component has {} MiB; `gpx inspect` shows what it consists of",
            component.bytes >> 20
        )));
    }
    match Manifest::read(&built) {
        Ok(manifest) => secrets(&manifest, project, findings),
        Err(error) => findings.push(Finding::error(format_args!("{error:#}"))),
    }
    Ok(())
}

/// The services of the component against what plugin.json promises.
fn services(component: &Component, json: &Value, findings: &mut Vec<Finding>) {
    let is = |flag: &str| json.get(flag) == Some(&Value::Bool(true));
    let answers = ["data", "data-batch", "data-chunked"].iter().any(|service| component.serves(service));
    if json.get("type").and_then(Value::as_str) == Some("datasource") && !answers {
        findings.push(Finding::error(
            "the component answers no queries, and a data source has to; name `data` in `plugin!`",
        ));
    }
    if is("alerting") && !component.serves("data") && !component.serves("data-batch") {
        findings.push(Finding::error(
            "`alerting` is true, and the component does not answer alert rules; name `data` or `data_batch` in `plugin!`",
        ));
    }
    match (is("streaming"), component.serves("stream")) {
        (true, false) => findings.push(Finding::error(
            "`streaming` is true, and the component has no streams; name `stream` in `plugin!`, or remove the key",
        )),
        (false, true) => findings.push(Finding::error(
            "the component has streams, and Grafana does not ask for them; add \"streaming\": true",
        )),
        _ => {}
    }
    if !component.serves("diagnostics") {
        findings.push(Finding::warning(
            "the component checks no health, so `Save & test` fails; name `diagnostics` in `plugin!`",
        ));
    }
}

/// The secrets that the front end saves against those that the component has to do with.
fn secrets(manifest: &Manifest, project: &Project, findings: &mut Vec<Finding>) {
    let mut saved = BTreeSet::new();
    sources(&project.source, 0, &mut saved);
    let declared: BTreeSet<_> = manifest.all_secrets().collect();
    let of_host = |name: &str| OF_THE_HOST.iter().any(|begin| name.starts_with(begin));
    for name in saved.iter().filter(|name| !declared.contains(name.as_str()) && !of_host(name)) {
        findings.push(Finding::error(format_args!(
            "the front end saves the secret `{name}`, and the component does not get it; add it to `secrets` in `plugin!`"
        )));
    }
    for name in declared.iter().filter(|name| !saved.contains(**name)) {
        findings.push(Finding::warning(format_args!(
            "the component asks for the secret `{name}`, and no editor saves it; only provisioning can"
        )));
    }
}

/// Adds the secrets that the front end's files name.
fn sources(folder: &Path, depth: usize, saved: &mut BTreeSet<String>) {
    let skipped = ["node_modules", "dist", "target", "gpx-sdk", "backend", "coverage"];
    for entry in folder.read_dir().into_iter().flatten().flatten() {
        let (path, name) = (entry.path(), entry.file_name().to_string_lossy().into_owned());
        let Ok(kind) = entry.file_type() else { continue };
        if kind.is_dir() && depth < 8 && !name.starts_with('.') && !skipped.contains(&name.as_str()) {
            sources(&path, depth + 1, saved);
        } else if kind.is_file()
            && FRONT_END.iter().any(|end| name.ends_with(end))
            && let Ok(text) = std::fs::read_to_string(&path)
        {
            saved.extend(named(&text));
        }
    }
}

/// Returns the keys that follow `secureJsonData` or `secureJsonFields`: after a point, or as the names of an object.
fn named(text: &str) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for rest in text.split("secureJsonData").skip(1).chain(text.split("secureJsonFields").skip(1)) {
        let rest = rest.trim_start_matches(['?', '!', ' ']);
        if let Some(rest) = rest.strip_prefix('.') {
            names.extend(word(rest));
        } else if let Some(rest) = rest.trim_start_matches([':', '=', ' ']).strip_prefix('{')
            && let Some((inside, _)) = rest.split_once('}')
        {
            let keys = inside.split([',', '\n']).map(str::trim).filter(|key| !key.starts_with("..."));
            names.extend(keys.filter_map(word));
        }
    }
    names
}

fn word(text: &str) -> Option<String> {
    let text = text.trim_start_matches(['"', '\'']);
    let end = text.find(|each: char| !each.is_ascii_alphanumeric() && each != '_').unwrap_or(text.len());
    let word = text.get(..end).filter(|word| !word.is_empty())?;
    Some(word.to_owned())
}

fn same(one: &Path, other: &Path) -> bool {
    match (std::fs::read(one), std::fs::read(other)) {
        (Ok(one), Ok(other)) => one == other,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_found_where_a_front_end_names_them() {
        let text = "settings.secureJsonData = { apiToken }; x.secureJsonFields?.other; \
                    secureJsonData: { ...rest, 'third': 1 }; secureJsonData; secureJsonFields: {}";
        let names: Vec<_> = named(text).into_iter().collect();
        assert_eq!(names, ["apiToken", "other", "third"]);
    }
}
