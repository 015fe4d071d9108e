//! Checks whether a file is a component that this host can run, from its bytes and before anything is compiled.

use thiserror::Error;
use wasmparser::{Parser, Payload};

use super::declared::Excess;
use crate::text::{self, MAX_REASON};

/// The contract version that this host serves; any 0.1 fits.
pub(super) const SERVED: (u64, u64) = (0, 1);

/// How many bytes of a version are read. A longer one is not a version that anybody has.
const MAX_VERSION: usize = 64;

const PACKAGE: &str = "gpx:plugin/";

/// Why a file cannot be run, and the remedy.
#[derive(Debug, Error, PartialEq, Eq)]
pub(crate) enum ContractError {
    #[error("it is not WebAssembly; put the component that your build produced there")]
    NotWasm,
    #[error(
        "it is a core module, not a component; build it for wasm32-wasip2, or wrap it with `wasm-tools component new`"
    )]
    CoreModule,
    #[error("it is damaged at byte {offset}: {reason}; copy or build it again")]
    Damaged { offset: usize, reason: String },
    #[error("it is built for gpx:plugin {built}, but this host serves {}.{}: {remedy}", SERVED.0, SERVED.1)]
    Version { built: String, remedy: &'static str },
    #[error("it does not export gpx:plugin/plugin, so it is not a plugin; it exports {exports}")]
    OtherWorld { exports: String },
    #[error(transparent)]
    Excess(#[from] Excess),
}

/// Returns the interfaces of `gpx:plugin` that a component exports, without package and version: `plugin`, `data`, …
pub(super) fn exported_interfaces(bytes: &[u8]) -> Result<Vec<String>, ContractError> {
    if Parser::is_core_wasm(bytes) {
        return Err(ContractError::CoreModule);
    }
    if !Parser::is_component(bytes) {
        return Err(ContractError::NotWasm);
    }
    let names = top_level_names(bytes)?;
    for name in names.imports.iter().chain(&names.exports) {
        if let Some((_, version)) = name.strip_prefix(PACKAGE).and_then(|name| name.split_once('@')) {
            check_version(&text::shorten(version.to_owned(), MAX_VERSION))?;
        }
    }
    let interface = |name: &String| Some(name.strip_prefix(PACKAGE)?.split('@').next()?.to_owned());
    let interfaces: Vec<_> = names.exports.iter().filter_map(interface).collect();
    if !interfaces.iter().any(|name| name == "plugin") {
        let exports = if names.exports.is_empty() { "nothing".to_owned() } else { names.exports.join(", ") };
        let exports = text::shorten(exports, MAX_REASON);
        return Err(ContractError::OtherWorld { exports });
    }
    Ok(interfaces)
}

// === impl ContractError ===

impl From<wasmparser::Error> for ContractError {
    fn from(error: wasmparser::Error) -> Self {
        Self::Damaged { offset: error.offset(), reason: error.message().to_owned() }
    }
}

fn check_version(version: &str) -> Result<(), ContractError> {
    let mut numbers = version.split(['.', '-', '+']).map(|part| part.parse().unwrap_or(u64::MAX));
    let built = (numbers.next().unwrap_or(u64::MAX), numbers.next().unwrap_or(u64::MAX));
    match built.cmp(&SERVED) {
        std::cmp::Ordering::Equal => Ok(()),
        std::cmp::Ordering::Greater => {
            Err(ContractError::Version { built: version.to_owned(), remedy: "update gpx-host" })
        }
        std::cmp::Ordering::Less => {
            let remedy = "build it again with the SDK that matches this gpx-host";
            Err(ContractError::Version { built: version.to_owned(), remedy })
        }
    }
}

#[derive(Default)]
struct Names {
    imports: Vec<String>,
    exports: Vec<String>,
}

fn top_level_names(bytes: &[u8]) -> wasmparser::Result<Names> {
    let mut names = Names::default();
    let mut depth = 0_usize;
    for payload in Parser::new(0).parse_all(bytes) {
        match payload? {
            Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => depth += 1,
            Payload::End(_) => depth = depth.saturating_sub(1),
            Payload::ComponentImportSection(section) if depth == 0 => {
                for import in section {
                    names.imports.push(import?.name.name.to_owned());
                }
            }
            Payload::ComponentExportSection(section) if depth == 0 => {
                for export in section {
                    names.exports.push(export?.name.name.to_owned());
                }
            }
            _ => {}
        }
    }
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn component(text: &str) -> Vec<u8> {
        wat::parse_str(format!("(component {text})")).unwrap()
    }

    fn exporting(name: &str) -> Vec<u8> {
        component(&format!(r#"(instance $i) (export "{name}" (instance $i))"#))
    }

    #[test]
    fn a_plugin_is_recognized_by_its_exports() {
        let bytes = component(
            r#"(instance $i)
               (export "gpx:plugin/plugin@0.1.0" (instance $i))
               (export "gpx:plugin/data@0.1.7" (instance $i))"#,
        );
        assert_eq!(exported_interfaces(&bytes).unwrap(), ["plugin", "data"]);
    }

    #[test]
    fn a_file_that_is_not_a_plugin_is_explained() {
        let text = |bytes: &[u8]| exported_interfaces(bytes).unwrap_err().to_string();
        assert!(text(b"hello").contains("not WebAssembly"));
        assert!(text(&wat::parse_str("(module)").unwrap()).contains("core module"));
        assert!(text(&exporting("wasi:cli/run@0.2.0")).contains("it exports wasi:cli/run@0.2.0"));
        assert!(text(&component("")).contains("it exports nothing"));
        let newer = text(&exporting("gpx:plugin/plugin@0.3.0"));
        assert_eq!(newer, "it is built for gpx:plugin 0.3.0, but this host serves 0.1: update gpx-host");
        assert!(text(&exporting("gpx:plugin/plugin@0.0.9")).contains("build it again"));
        let whole = exporting("gpx:plugin/plugin@0.1.0");
        assert!(text(&whole[..whole.len() - 3]).contains("damaged at byte"));
    }
}
