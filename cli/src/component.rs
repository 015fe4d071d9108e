//! What a component's file says, without running it; and what it says of itself, which the host finds out.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result, bail, ensure};
use serde::Deserialize;
use wasmparser::{Encoding, Parser, Payload};

use crate::host;

/// The contract between a plugin and the host.
const CONTRACT: &str = "gpx:plugin/";

/// None that anybody has built is longer.
const LONGEST: u64 = 64 << 20;

pub(crate) struct Component {
    pub(crate) bytes: u64,
    /// The version of the contract, such as `0.2.0`.
    pub(crate) contract: Option<String>,
    /// The services, without package and version: `data`, `diagnostics`, …
    pub(crate) services: Vec<String>,
    /// As they are named in the file.
    pub(crate) imports: Vec<String>,
    /// What the file consists of, in bytes: the code of its modules, their data, the names of functions and so on.
    pub(crate) parts: BTreeMap<String, u64>,
}

/// What a component says of itself.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Manifest {
    pub(crate) sdk: String,
    pub(crate) attributes: Vec<String>,
    pub(crate) secrets: Vec<String>,
    pub(crate) secret_headers: Vec<SecretHeader>,
    pub(crate) origins: Vec<String>,
    pub(crate) headers: Vec<String>,
    pub(crate) forwarding: Option<String>,
}

/// A secret that the host puts into a header. The component does not see it.
#[derive(Debug, Deserialize)]
pub(crate) struct SecretHeader {
    pub(crate) secret: String,
    pub(crate) header: String,
}

// === impl Component ===

impl Component {
    pub(crate) fn read(path: &Path) -> Result<Self> {
        let shown = path.display();
        let bytes = path.metadata().with_context(|| format!("cannot read {shown}"))?.len();
        ensure!(bytes <= LONGEST, "{shown} has more than 64 MiB, so it is no plugin's component");
        let file = std::fs::read(path).with_context(|| format!("cannot read {shown}"))?;
        if Parser::is_core_wasm(&file) {
            bail!(
                "{shown} is a core module, not a component; build it for wasm32-wasip2, as `gpx build` does"
            );
        }
        ensure!(Parser::is_component(&file), "{shown} is not a WebAssembly component");
        let mut component =
            Self { bytes, contract: None, services: Vec::new(), imports: Vec::new(), parts: BTreeMap::new() };
        component.scan(&file).with_context(|| format!("{shown} is damaged"))?;
        component.services.sort();
        component.imports.sort();
        Ok(component)
    }

    fn scan(&mut self, file: &[u8]) -> Result<()> {
        // What the payloads are inside of.
        let mut outer = Vec::new();
        for payload in Parser::new(0).parse_all(file) {
            match payload? {
                Payload::Version { encoding, .. } => outer.push(encoding),
                Payload::End(_) => _ = outer.pop(),
                Payload::ComponentExportSection(exports) if outer.len() == 1 => {
                    for export in exports {
                        self.exports(export?.name.name);
                    }
                }
                Payload::ComponentImportSection(imports) if outer.len() == 1 => {
                    for import in imports {
                        self.imports.push(import?.name.name.to_owned());
                    }
                }
                Payload::CodeSectionStart { range, .. } => self.count("code", &range),
                Payload::DataSection(data) => self.count("data", &data.range()),
                Payload::CustomSection(custom) => {
                    let name = match (custom.name(), outer.last()) {
                        ("name" | "component-name", _) => "names".to_owned(),
                        (name, _) => format!("section {name}"),
                    };
                    self.count(&name, &custom.range());
                }
                _ => {}
            }
        }
        let counted: u64 = self.parts.values().sum();
        self.parts.insert("types and the rest".to_owned(), self.bytes.saturating_sub(counted));
        ensure!(!matches!(outer.last(), Some(Encoding::Module)), "it ends within a module");
        Ok(())
    }

    fn exports(&mut self, name: &str) {
        let Some((service, version)) =
            name.strip_prefix(CONTRACT).map(|rest| rest.split_once('@').unwrap_or((rest, "")))
        else {
            return;
        };
        if service == "plugin" {
            self.contract = Some(version.to_owned());
        } else {
            self.services.push(service.to_owned());
        }
    }

    fn count(&mut self, part: &str, range: &Range<usize>) {
        *self.parts.entry(part.to_owned()).or_default() += range.len() as u64;
    }

    pub(crate) fn serves(&self, service: &str) -> bool {
        self.services.iter().any(|name| name == service)
    }
}

// === impl Manifest ===

impl Manifest {
    /// Has gpx-host run the component for that, within its limits.
    pub(crate) fn read(component: &Path) -> Result<Self> {
        let host = host::executable(host::TARGET)?;
        let told = host::output(Command::new(&host).arg("describe").arg(component))
            .with_context(|| format!("{} cannot be asked what it needs", component.display()))?;
        serde_json::from_str(&told).context("gpx-host is of another version than gpx")
    }

    /// All secrets of the data source that it has to do with.
    pub(crate) fn all_secrets(&self) -> impl Iterator<Item = &str> {
        let placed = self.secret_headers.iter().map(|header| header.secret.as_str());
        self.secrets.iter().map(String::as_str).chain(placed)
    }
}
