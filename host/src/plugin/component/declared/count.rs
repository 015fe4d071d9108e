//! Follows a component's instantiations and counts what they make, up to the limits.

use std::collections::HashMap;

use super::outline::{Named, Outline, Sort, Step};
use super::totals::{Declared, Excess, MAX_DEPTH, MAX_ITEMS};
use crate::budget::MAX_INSTANTIATIONS;

/// What the host keeps for one instance of a component beside its core instances, in bytes: the store, and what WASI and
/// HTTP keep in it.
const STORE: u64 = 16 * 1024;

/// What the host keeps for each instance of a nested component, in bytes: its tables of handles, and adapters.
const COMPONENT: u64 = 2048;

/// What the host keeps for each function between components, in bytes: a trampoline's reference, and an adapter's.
const FUNCTION: u64 = 128;

/// The count so far.
pub(super) struct Count<'a> {
    outline: &'a Outline<'a>,
    scopes: Vec<Scope>,
    /// The exports of all instances.
    instances: Vec<Exports<'a>>,
    instantiations: u32,
    items: u32,
    declared: Declared,
}

type Exports<'a> = HashMap<&'a str, Item>;

/// The index spaces of a component that is being instantiated. `None` is an item that is not known.
#[derive(Default)]
struct Scope {
    /// The scope in which the component is defined.
    outer: Option<usize>,
    modules: Vec<Option<Item>>,
    components: Vec<Option<Item>>,
    instances: Vec<Option<Item>>,
}

/// An item, by its place in the outline or in the count.
#[derive(Clone, Copy)]
enum Item {
    Module(usize),
    /// A component, and the scope that its outer aliases refer to.
    Component {
        definition: usize,
        scope: usize,
    },
    Instance(usize),
}

// === impl Count ===

impl<'a> Count<'a> {
    /// Returns what an instance of the file's component has.
    pub(super) fn of(outline: &'a Outline<'a>) -> Result<Declared, Excess> {
        let declared = Declared { own_bytes: STORE, ..Declared::default() };
        let (scopes, instances) = (Vec::new(), Vec::new());
        let mut count = Self { outline, scopes, instances, instantiations: 0, items: 0, declared };
        count.instantiate(0, None, &Exports::new(), 0)?;
        Ok(count.declared)
    }

    /// Returns the exports of a new instance.
    fn instantiate(
        &mut self,
        definition: usize,
        outer: Option<usize>,
        arguments: &Exports<'a>,
        depth: usize,
    ) -> Result<Exports<'a>, Excess> {
        if depth > MAX_DEPTH {
            return Err(Excess::Depth);
        }
        self.count_instantiation()?;
        self.keep(COMPONENT);
        let scope = self.scopes.len();
        self.scopes.push(Scope { outer, ..Scope::default() });
        let (outline, mut exports) = (self.outline, Exports::new());
        for step in outline.components.get(definition).into_iter().flatten() {
            self.count_items(1)?;
            match step {
                Step::Module(module) => self.add(scope, Sort::Module, Some(Item::Module(*module))),
                Step::Component(definition) => {
                    let component = Item::Component { definition: *definition, scope };
                    self.add(scope, Sort::Component, Some(component));
                }
                Step::Import { name, sort } => self.add(scope, *sort, arguments.get(name).copied()),
                Step::Instantiate { component, arguments } => {
                    let arguments = self.named(scope, arguments)?;
                    let instance = match self.item(scope, Sort::Component, *component) {
                        Some(Item::Component { definition, scope }) => {
                            let exports = self.instantiate(definition, Some(scope), &arguments, depth + 1)?;
                            Some(self.instance(exports))
                        }
                        _ => None,
                    };
                    self.add(scope, Sort::Instance, instance);
                }
                Step::Gather(items) => {
                    let items = self.named(scope, items)?;
                    let instance = self.instance(items);
                    self.add(scope, Sort::Instance, Some(instance));
                }
                Step::OfInstance { instance, name, sort } => {
                    let item = match self.item(scope, Sort::Instance, *instance) {
                        Some(Item::Instance(instance)) => {
                            self.instances.get(instance).and_then(|exports| exports.get(name).copied())
                        }
                        _ => None,
                    };
                    self.add(scope, *sort, item);
                }
                Step::OfOuter { levels, index, sort } => {
                    let outer = self.outer(scope, *levels)?;
                    let item = outer.and_then(|outer| self.item(outer, *sort, *index));
                    self.add(scope, *sort, item);
                }
                Step::Export(Named { name, sort, index }) => {
                    let item = self.item(scope, *sort, *index);
                    if let Some(item) = item {
                        exports.insert(name, item);
                    }
                    self.add(scope, *sort, item);
                }
                Step::InstantiateModule(module) => {
                    self.count_instantiation()?;
                    if let Some(Item::Module(module)) = self.item(scope, Sort::Module, *module)
                        && let Some(module) = outline.modules.get(module)
                    {
                        self.declared.add(module);
                    }
                }
                Step::Function => self.keep(FUNCTION),
            }
        }
        Ok(exports)
    }

    fn named(&mut self, scope: usize, items: &[Named<'a>]) -> Result<Exports<'a>, Excess> {
        self.count_items(items.len())?;
        let found = |named: &Named<'a>| Some((named.name, self.item(scope, named.sort, named.index)?));
        Ok(items.iter().filter_map(found).collect())
    }

    fn instance(&mut self, exports: Exports<'a>) -> Item {
        self.instances.push(exports);
        Item::Instance(self.instances.len() - 1)
    }

    fn outer(&mut self, scope: usize, levels: u32) -> Result<Option<usize>, Excess> {
        let mut outer = Some(scope);
        for _ in 0..levels {
            self.count_items(1)?;
            outer = outer.and_then(|scope| self.scopes.get(scope)?.outer);
        }
        Ok(outer)
    }

    fn item(&self, scope: usize, sort: Sort, index: u32) -> Option<Item> {
        let space = self.scopes.get(scope)?.space(sort);
        space.get(usize::try_from(index).ok()?).copied().flatten()
    }

    fn add(&mut self, scope: usize, sort: Sort, item: Option<Item>) {
        if let Some(scope) = self.scopes.get_mut(scope) {
            scope.space_mut(sort).push(item);
        }
    }

    fn count_instantiation(&mut self) -> Result<(), Excess> {
        self.instantiations += 1;
        if self.instantiations > MAX_INSTANTIATIONS { Err(Excess::Instantiations) } else { Ok(()) }
    }

    fn count_items(&mut self, items: usize) -> Result<(), Excess> {
        self.items = self.items.saturating_add(u32::try_from(items).unwrap_or(u32::MAX));
        if self.items > MAX_ITEMS { Err(Excess::Items) } else { Ok(()) }
    }

    fn keep(&mut self, bytes: u64) {
        self.declared.own_bytes = self.declared.own_bytes.saturating_add(bytes);
    }
}

// === impl Scope ===

impl Scope {
    fn space(&self, sort: Sort) -> &[Option<Item>] {
        match sort {
            Sort::Module => &self.modules,
            Sort::Component => &self.components,
            Sort::Instance => &self.instances,
        }
    }

    fn space_mut(&mut self, sort: Sort) -> &mut Vec<Option<Item>> {
        match sort {
            Sort::Module => &mut self.modules,
            Sort::Component => &mut self.components,
            Sort::Instance => &mut self.instances,
        }
    }
}
