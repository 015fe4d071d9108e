//! Resolves a path in the code to the module that defines what it names.

use crate::tree::Tree;

/// What a path of the crate leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Target {
    Module(usize),
    /// An item of a module, or a name that the module gets from a macro.
    Item {
        module: usize,
        name: String,
    },
}

/// One search, with everything already looked up on the way: imports may lead in a circle.
struct Search<'a> {
    tree: &'a Tree,
    asked: Vec<(usize, String, bool)>,
}

// === impl Tree ===

impl Tree {
    /// Follows a path in a module's code, through re-exports. Returns `None` if it leads out of the crate.
    pub(crate) fn resolve(&self, module: usize, path: &[String]) -> Option<Target> {
        Search { tree: self, asked: Vec::new() }.follow(module, path)
    }
}

// === impl Search ===

impl Search<'_> {
    fn follow(&mut self, from: usize, path: &[String]) -> Option<Target> {
        let (first, rest) = path.split_first()?;
        let mut at = match first.as_str() {
            "crate" => Target::Module(self.tree.root(from)),
            "self" => Target::Module(from),
            "super" => Target::Module(self.tree.modules[from].parent?),
            // The library is read first.
            library if library == self.tree.library && self.tree.root(from) != 0 => Target::Module(0),
            name => self.look_up(from, name, !rest.is_empty())?,
        };
        for (index, name) in rest.iter().enumerate() {
            // An item contains only its variants and its associated items.
            let Target::Module(module) = at else { break };
            at = match name.as_str() {
                "self" => at,
                "super" => Target::Module(self.tree.modules[module].parent?),
                _ => self
                    .look_up(module, name, index + 1 < rest.len())
                    .unwrap_or_else(|| Target::Item { module, name: name.clone() }),
            };
        }
        Some(at)
    }

    /// Finds a name in a module's scope. If the path continues after it, it cannot be the name of a value.
    fn look_up(&mut self, module: usize, name: &str, goes_on: bool) -> Option<Target> {
        let question = (module, name.to_owned(), goes_on);
        if self.asked.contains(&question) {
            return None;
        }
        self.asked.push(question);
        let tree = self.tree;
        let found = &tree.modules[module];
        if found.names.types.contains(name) || !goes_on && found.names.values.contains(name) {
            return Some(Target::Item { module, name: name.to_owned() });
        }
        if let Some(child) = found.children.get(name) {
            return Some(Target::Module(*child));
        }
        let imports = &found.names.imports;
        let named = imports.iter().filter(|import| import.name.as_deref() == Some(name));
        for import in named {
            if let Some(target) = self.follow(module, &import.path) {
                return Some(target);
            }
        }
        for glob in imports.iter().filter(|import| import.name.is_none()) {
            if let Some(Target::Module(all)) = self.follow(module, &glob.path)
                && let Some(target) = self.look_up(all, name, goes_on)
            {
                return Some(target);
            }
        }
        if found.parent.is_some() {
            return None;
        }
        let exports =
            |of: usize| tree.root(of) == module && tree.modules[of].names.exported_macros.contains(name);
        let module = (0..tree.modules.len()).find(|of| exports(*of))?;
        Some(Target::Item { module, name: name.to_owned() })
    }
}
