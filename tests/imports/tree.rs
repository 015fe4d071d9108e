//! The modules of a crate, read from its source files.

use std::collections::HashMap;
use std::path::Path;

use syn::Item;

use crate::names::{Names, is_for_tests};

/// The modules of a package's library and of its executable, except those for tests only.
pub(crate) struct Tree {
    pub(crate) modules: Vec<Module>,
    /// The name by which the executable knows the library.
    pub(crate) library: String,
}

pub(crate) struct Module {
    /// Relative to the repository. An inline module has its parent's file.
    pub(crate) file: String,
    /// Such as `plugin::state`. Empty for a crate's root.
    pub(crate) path: String,
    pub(crate) parent: Option<usize>,
    pub(crate) children: HashMap<String, usize>,
    pub(crate) names: Names,
}

/// Returns the text of a file, if there is one.
type Source<'a> = &'a dyn Fn(&str) -> Option<String>;

/// Where a module is.
struct Place {
    file: String,
    /// The folder of its children's files.
    folder: String,
    path: String,
    parent: Option<usize>,
}

// === impl Tree ===

impl Tree {
    /// Reads a package of the repository.
    pub(crate) fn read(package: &str, library: &str) -> Self {
        let repository = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        Self::of(package, library, &|file| std::fs::read_to_string(repository.join(file)).ok())
    }

    pub(crate) fn of(package: &str, library: &str, source: Source<'_>) -> Self {
        let mut tree = Self { modules: Vec::new(), library: library.to_owned() };
        for root in ["lib", "main"] {
            let folder = format!("{package}/src");
            let file = format!("{folder}/{root}.rs");
            if let Some(text) = source(&file) {
                tree.add(Place { file, folder, path: String::new(), parent: None }, &text, source);
            }
        }
        assert!(!tree.modules.is_empty(), "{package} has neither lib.rs nor main.rs");
        tree
    }

    /// Returns the root of the crate that a module belongs to.
    pub(crate) fn root(&self, module: usize) -> usize {
        self.modules[module].parent.map_or(module, |parent| self.root(parent))
    }

    fn add(&mut self, place: Place, text: &str, source: Source<'_>) -> usize {
        let file = syn::parse_file(text).unwrap_or_else(|error| panic!("{}: {error}", place.file));
        self.add_items(place, &file.items, source)
    }

    fn add_items(&mut self, place: Place, items: &[Item], source: Source<'_>) -> usize {
        let index = self.modules.len();
        let Place { file, folder, path, parent } = place;
        let names = Names::of(items);
        let module =
            Module { file: file.clone(), path: path.clone(), parent, children: HashMap::new(), names };
        self.modules.push(module);
        for item in items {
            let Item::Mod(module) = item else { continue };
            if is_for_tests(&module.attrs) {
                continue;
            }
            let name = module.ident.to_string();
            let path = if path.is_empty() { name.clone() } else { format!("{path}::{name}") };
            let place =
                Place { file: file.clone(), folder: format!("{folder}/{name}"), path, parent: Some(index) };
            let child = match &module.content {
                Some((_, items)) => self.add_items(place, items, source),
                None => {
                    let file = format!("{folder}/{name}.rs");
                    let text = source(&file).unwrap_or_else(|| panic!("{file} is missing"));
                    self.add(Place { file, ..place }, &text, source)
                }
            };
            self.modules[index].children.insert(name, child);
        }
        index
    }
}
