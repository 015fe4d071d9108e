//! The names under which a component imports and exports.

use wasmparser::{Parser, Payload};

/// Those of the component itself, without those of the components within it.
#[derive(Default)]
pub(super) struct Names {
    pub imports: Vec<Name>,
    pub exports: Vec<Name>,
}

/// A name, and where it is in the component's bytes.
pub(super) struct Name {
    pub text: String,
    pub at: usize,
}

// === impl Names ===

impl Names {
    pub(super) fn read(bytes: &[u8]) -> wasmparser::Result<Self> {
        let mut names = Self::default();
        let mut depth = 0_usize;
        let name = |text: &str| {
            // The parser does not copy it.
            let at = text.as_ptr().addr().saturating_sub(bytes.as_ptr().addr());
            Name { text: text.to_owned(), at }
        };
        for payload in Parser::new(0).parse_all(bytes) {
            match payload? {
                Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => depth += 1,
                Payload::End(_) => depth = depth.saturating_sub(1),
                Payload::ComponentImportSection(section) if depth == 0 => {
                    for import in section {
                        names.imports.push(name(import?.name.name));
                    }
                }
                Payload::ComponentExportSection(section) if depth == 0 => {
                    for export in section {
                        names.exports.push(name(export?.name.name));
                    }
                }
                _ => {}
            }
        }
        Ok(names)
    }
}
