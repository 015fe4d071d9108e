//! The arrows from files to the files whose items they name, and the circles of arrows.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use crate::names::{Import, Names};
use crate::resolve::Target;
use crate::tree::Tree;

/// Leads from a file to another one that defines items which the first one names.
#[derive(Clone, Debug)]
pub(crate) struct Arrow {
    pub(crate) from: String,
    pub(crate) to: String,
    /// The items, as paths from the crate's root.
    pub(crate) names: BTreeSet<String>,
}

/// Files that all reach each other along arrows, and the arrows between them.
#[derive(Debug)]
pub(crate) struct Circle {
    pub(crate) files: Vec<String>,
    arrows: Vec<Arrow>,
}

// === impl Tree ===

impl Tree {
    /// Returns all arrows between files, in order.
    pub(crate) fn arrows(&self) -> Vec<Arrow> {
        self.arrows_of(|names| {
            let imports = names.imports.iter().filter(|import| !import.is_reexport);
            (imports.collect(), &names.paths)
        })
    }

    /// The re-exports between two files, ordered, without the crate's own face.
    pub(crate) fn reexports(&self) -> Vec<Arrow> {
        let reexports = self.arrows_of(|names| {
            let imports = names.imports.iter().filter(|import| import.is_reexport);
            (imports.collect(), &[])
        });
        let roots = self.modules.iter().filter(|module| module.parent.is_none());
        let roots: Vec<_> = roots.map(|module| &module.file).collect();
        reexports.into_iter().filter(|arrow| !roots.contains(&&arrow.from)).collect()
    }

    fn arrows_of<'a>(&'a self, of: impl Fn(&'a Names) -> (Vec<&'a Import>, &'a [Vec<String>])) -> Vec<Arrow> {
        let mut arrows = BTreeMap::<(&str, &str), BTreeSet<String>>::new();
        for (index, module) in self.modules.iter().enumerate() {
            let (imports, paths) = of(&module.names);
            let globs = imports.iter().filter(|import| import.name.is_none());
            // Importing a module is not an arrow yet; naming something through it is one.
            let items = imports.iter().map(|import| &import.path).chain(paths);
            let items = items.filter_map(|path| match self.resolve(index, path)? {
                Target::Item { module, name } => Some((module, name)),
                Target::Module(_) => None,
            });
            let globs = globs.filter_map(|glob| match self.resolve(index, &glob.path)? {
                Target::Item { .. } => None,
                Target::Module(module) => Some((module, "*".to_owned())),
            });
            for (target, name) in items.chain(globs) {
                let target = &self.modules[target];
                if target.file != module.file {
                    let separator = if target.path.is_empty() { "" } else { "::" };
                    let name = format!("{}{separator}{name}", target.path);
                    arrows.entry((&module.file, &target.file)).or_default().insert(name);
                }
            }
        }
        let arrow = |((from, to), names): ((&str, &str), _)| Arrow {
            from: from.to_owned(),
            to: to.to_owned(),
            names,
        };
        arrows.into_iter().map(arrow).collect()
    }
}

// === impl Arrow ===

impl fmt::Display for Arrow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = self.names.iter().map(String::as_str).collect::<Vec<_>>().join(", ");
        write!(f, "{} imports {names} from {}", self.from, self.to)
    }
}

// === impl Circle ===

impl Circle {
    pub(crate) fn find(arrows: &[Arrow]) -> Vec<Self> {
        let mut targets = BTreeMap::<&str, Vec<&str>>::new();
        for arrow in arrows {
            targets.entry(&arrow.from).or_default().push(&arrow.to);
        }
        let reached = |start| {
            let (mut seen, mut open) = (BTreeSet::<&str>::new(), vec![start]);
            while let Some(file) = open.pop() {
                let next = targets.get(file).into_iter().flatten().copied();
                open.extend(next.filter(|next| seen.insert(next)));
            }
            seen
        };
        let reach: BTreeMap<&str, BTreeSet<&str>> =
            targets.keys().map(|file| (*file, reached(*file))).collect();
        let reaches = |from: &str, to: &str| reach.get(from).is_some_and(|files| files.contains(to));
        let mut groups: BTreeSet<Vec<&str>> = BTreeSet::new();
        for file in targets.keys().filter(|file| reaches(file, file)) {
            let both = |other: &&str| reaches(file, other) && reaches(other, file);
            groups.insert(targets.keys().copied().filter(both).collect());
        }
        let circle = |files: Vec<&str>| {
            let inside = |arrow: &&Arrow| files.contains(&&*arrow.from) && files.contains(&&*arrow.to);
            let arrows = arrows.iter().filter(inside).cloned().collect();
            Self { files: files.into_iter().map(str::to_owned).collect(), arrows }
        };
        groups.into_iter().map(circle).collect()
    }
}

impl fmt::Display for Circle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "a circle of {} files; files import each other in one direction only:",
            self.files.len()
        )?;
        self.arrows.iter().try_for_each(|arrow| writeln!(f, "  {arrow}"))
    }
}
