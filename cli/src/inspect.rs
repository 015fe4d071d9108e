//! `gpx inspect`: what a component is, and what it asks for.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use anyhow::{Result, ensure};
use serde_json::json;

use crate::component::{Component, Manifest};
use crate::terminal::{Output, shown};

/// Show what a component is: contract, services, size, and what it asks for.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// The component, such as dist/gpx_prices.wasm.
    file: PathBuf,
    /// Show only what FILE can do that this older component could not. The exit code is 1 if there is anything.
    #[arg(long, value_name = "OLD")]
    diff: Option<PathBuf>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

struct Inspected {
    component: Component,
    manifest: Manifest,
}

/// Something that a component can do, or asks for.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Ability(&'static str, String);

pub(crate) fn inspect(arguments: &Arguments) -> Result<()> {
    let Arguments { file, diff, json } = arguments;
    let inspected = Inspected::of(file)?;
    let mut output = Output::new();
    let more = match diff {
        Some(old) => {
            let (old, new) = (Inspected::of(old)?.abilities(), inspected.abilities());
            let more: Vec<_> = new.difference(&old).collect();
            if *json {
                let more: Vec<_> =
                    more.iter().map(|Ability(kind, what)| json!({ "kind": kind, "what": what })).collect();
                output.line(json!({ "new": more }))?;
            } else if more.is_empty() {
                output.line("nothing new")?;
            }
            for Ability(kind, what) in more.iter().filter(|_| !json) {
                output.line(format_args!("new {kind}: {}", shown(what)))?;
            }
            more.len()
        }
        None if *json => {
            output.line(inspected.json())?;
            0
        }
        None => {
            inspected.print(&mut output)?;
            0
        }
    };
    output.flush()?;
    ensure!(more == 0, "the component asks for more than the older one");
    Ok(())
}

// === impl Inspected ===

impl Inspected {
    fn of(file: &Path) -> Result<Self> {
        Ok(Self { component: Component::read(file)?, manifest: Manifest::read(file)? })
    }

    fn abilities(&self) -> BTreeSet<Ability> {
        let Self { component, manifest } = self;
        let mut all = BTreeSet::new();
        let mut add = |kind, names: &mut dyn Iterator<Item = String>| {
            all.extend(names.map(|name| Ability(kind, name)));
        };
        add("service", &mut component.services.iter().cloned());
        // The version of an interface gives no new ability.
        add("import", &mut component.imports.iter().map(|name| without_version(name).to_owned()));
        add("secret", &mut manifest.secrets.iter().cloned());
        add(
            "secret in a header",
            &mut manifest.secret_headers.iter().map(|of| format!("{} in {}", of.secret, of.header)),
        );
        add("origin", &mut manifest.origins.iter().cloned());
        add("header", &mut manifest.headers.iter().cloned());
        add("forwarding", &mut manifest.forwarding.iter().cloned());
        all
    }

    fn json(&self) -> serde_json::Value {
        let Self { component, manifest } = self;
        let placed: Vec<_> = manifest
            .secret_headers
            .iter()
            .map(|of| json!({ "secret": of.secret, "header": of.header }))
            .collect();
        json!({
            "bytes": component.bytes, "parts": component.parts, "contract": component.contract,
            "services": component.services, "imports": component.imports, "sdk": manifest.sdk,
            "attributes": manifest.attributes, "secrets": manifest.secrets, "secretHeaders": placed,
            "origins": manifest.origins, "headers": manifest.headers, "forwarding": manifest.forwarding,
        })
    }

    fn print(&self, output: &mut Output) -> std::io::Result<()> {
        let Self { component, manifest } = self;
        let list = |names: &[String]| match names {
            [] => "none".to_owned(),
            names => names.iter().map(|name| shown(name)).collect::<Vec<_>>().join(", "),
        };
        let placed: Vec<_> =
            manifest.secret_headers.iter().map(|of| format!("{} in {}", of.secret, of.header)).collect();
        for (name, value) in [
            ("contract", format!("gpx:plugin {}", component.contract.as_deref().unwrap_or("(none)"))),
            ("made with", shown(&manifest.sdk)),
            ("services", list(&component.services)),
            ("imports", list(&component.imports)),
            ("secrets", list(&manifest.secrets)),
            ("secrets in headers", list(&placed)),
            ("origins", list(&manifest.origins)),
            ("headers", list(&manifest.headers)),
            (
                "forwarding",
                manifest.forwarding.clone().unwrap_or_else(|| "as the data source says".to_owned()),
            ),
            ("attributes", list(&manifest.attributes)),
        ] {
            output.line(format_args!("{name:<20} {value}"))?;
        }
        output.line(format_args!("{:<20} {:>9} bytes", "size", component.bytes))?;
        let mut parts: Vec<_> = component.parts.iter().collect();
        parts.sort_by_key(|(_, bytes)| std::cmp::Reverse(**bytes));
        for (part, bytes) in parts {
            output.line(format_args!("  {:<18} {bytes:>9}", shown(part)))?;
        }
        Ok(())
    }
}

fn without_version(name: &str) -> &str {
    name.split('@').next().unwrap_or(name)
}
