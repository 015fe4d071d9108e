//! A small component that does what its callers say, in scripts that `guest/module.wat` explains.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use crate::plugin::code;

/// A component for tests. The usual one is compiled once for all tests.
#[derive(Clone)]
pub(crate) struct Guest {
    start: &'static str,
    describe: &'static str,
    services: Vec<&'static str>,
}

/// Where `module.wat` keeps its strings.
const TEXTS: usize = 1024;

/// The files in the directory of a plugin with the usual guest: their names and contents.
static COMPILED: LazyLock<Vec<(String, Vec<u8>)>> = LazyLock::new(|| {
    let (directory, file) = super::directory(&Guest::new().bytes());
    compile(&file);
    let entries = std::fs::read_dir(directory.path()).unwrap().map(Result::unwrap);
    entries
        .map(|entry| (entry.file_name().into_string().unwrap(), std::fs::read(entry.path()).unwrap()))
        .collect()
});

/// Compiles a component ahead of time, for this machine.
pub(crate) fn compile(component: &Path) {
    let target = format!("{}-unknown-linux-gnu", std::env::consts::ARCH);
    let file = code::compile(component, &target).unwrap();
    assert_eq!(file, code::beside(component));
}

/// Makes a plugin's directory with the usual guest, compiled ahead of time.
pub(crate) fn compiled() -> (tempfile::TempDir, PathBuf) {
    let (directory, file) = super::directory(b"");
    for (name, content) in COMPILED.iter() {
        std::fs::write(directory.path().join(name), content).unwrap();
    }
    (directory, file)
}

// === impl Guest ===

impl Guest {
    /// Makes the usual guest, which exports all services.
    pub(crate) fn new() -> Self {
        Self { start: "", describe: "", services: vec!["data", "data-chunked", "diagnostics", "resource"] }
    }

    /// Makes a guest that runs these instructions, in the text format, when it describes itself.
    pub(crate) fn describing(describe: &'static str) -> Self {
        Self { describe, ..Self::new() }
    }

    /// Makes a guest that runs these instructions, in the text format, when it is instantiated.
    pub(crate) fn starting(start: &'static str) -> Self {
        Self { start, ..Self::new() }
    }

    /// Makes a guest that does not export this service.
    pub(crate) fn without(service: &str) -> Self {
        let mut guest = Self::new();
        guest.services.retain(|name| *name != service);
        guest
    }

    /// Returns the component's bytes.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        let module = include_str!("guest/module.wat").replace("(; describe ;)", self.describe);
        let start = match self.start {
            "" => String::new(),
            instructions => format!("(func $starting {instructions}) (start $starting)"),
        };
        let module = module.replace("(; start ;)", &start);
        let (module, texts) = with_operands(&module);
        let texts = format!(r#"(data (i32.const {TEXTS}) "{texts}")"#);
        let mut exports = String::new();
        for name in ["plugin"].iter().chain(&self.services) {
            writeln!(exports, r#"(export "gpx:plugin/{name}@0.2.0" (instance ${name}))"#).unwrap();
        }
        let component = include_str!("guest/component.wat");
        let component = component.replace("(; module ;)", &module.replace("(; texts ;)", &texts));
        wat::parse_str(component.replace("(; exports ;)", &exports)).unwrap()
    }
}

/// Replaces each quoted string with its operands: where it will be in memory, and its length. Returns the module, and
/// all the strings one after another.
fn with_operands(module: &str) -> (String, String) {
    let (mut instructions, mut texts) = (String::new(), String::new());
    for (number, part) in module.split('\'').enumerate() {
        if number % 2 == 0 {
            instructions.push_str(part);
        } else {
            write!(instructions, "(i32.const {}) (i32.const {})", TEXTS + texts.len(), part.len()).unwrap();
            texts.push_str(part);
        }
    }
    (instructions, texts)
}
