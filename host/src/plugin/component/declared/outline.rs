//! A component as a list of steps for each of its nested components, with all that decides what is instantiated how
//! often, and nothing else.

use wasmparser::{
    ComponentAlias, ComponentExternalKind, ComponentInstance, ComponentOuterAliasKind, Instance, Parser,
    Payload, Result,
};

use super::totals::Declared;

/// A component's file.
pub(super) struct Outline<'a> {
    /// The components in it; the first one is the file's own.
    pub components: Vec<Vec<Step<'a>>>,
    /// What an instance of each of its core modules has.
    pub modules: Vec<Declared>,
}

/// What a component does when it is instantiated, in order. Each step but the last two adds an item to an index space.
pub(super) enum Step<'a> {
    Module(usize),
    Component(usize),
    Import {
        name: &'a str,
        sort: Sort,
    },
    Instantiate {
        component: u32,
        arguments: Vec<Named<'a>>,
    },
    Gather(Vec<Named<'a>>),
    OfInstance {
        instance: u32,
        name: &'a str,
        sort: Sort,
    },
    OfOuter {
        levels: u32,
        index: u32,
        sort: Sort,
    },
    Export(Named<'a>),
    InstantiateModule(u32),
    /// A function that is lifted, lowered or the host's own.
    Function,
}

/// The index spaces whose items can be instantiated or have exports that can be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sort {
    Module,
    Component,
    Instance,
}

/// An item that is passed under a name.
#[derive(Clone, Copy)]
pub(super) struct Named<'a> {
    pub name: &'a str,
    pub sort: Sort,
    pub index: u32,
}

/// A module or component whose end has not been reached.
#[derive(Clone, Copy)]
enum Open {
    Module(usize),
    Component(usize),
}

// === impl Outline ===

impl<'a> Outline<'a> {
    /// Parses a component. Does not check whether it is valid.
    pub(super) fn parse(bytes: &'a [u8]) -> Result<Self> {
        let mut outline = Self { components: vec![Vec::new()], modules: Vec::new() };
        let (mut open, mut outer) = (Open::Component(0), Vec::new());
        for payload in Parser::new(0).parse_all(bytes) {
            match (payload?, open) {
                (Payload::ModuleSection { .. }, _) => {
                    outer.push(open);
                    let module = outline.modules.len();
                    outline.modules.push(Declared::empty_module());
                    outline.add(open, Step::Module(module));
                    open = Open::Module(module);
                }
                (Payload::ComponentSection { .. }, _) => {
                    outer.push(open);
                    let component = outline.components.len();
                    outline.components.push(Vec::new());
                    outline.add(open, Step::Component(component));
                    open = Open::Component(component);
                }
                (Payload::End(_), _) => open = outer.pop().unwrap_or(open),
                (section, Open::Module(module)) => {
                    if let Some(module) = outline.modules.get_mut(module) {
                        module.add_section(section)?;
                    }
                }
                (section, Open::Component(_)) => outline.add_section(open, section)?,
            }
        }
        Ok(outline)
    }

    fn add_section(&mut self, open: Open, section: Payload<'a>) -> Result<()> {
        match section {
            Payload::InstanceSection(instances) => {
                for instance in instances {
                    if let Instance::Instantiate { module_index, .. } = instance? {
                        self.add(open, Step::InstantiateModule(module_index));
                    }
                }
            }
            Payload::ComponentInstanceSection(instances) => {
                for instance in instances {
                    self.add(open, Step::of_instance(instance?));
                }
            }
            Payload::ComponentAliasSection(aliases) => {
                for alias in aliases {
                    if let Some(step) = Step::of_alias(alias?) {
                        self.add(open, step);
                    }
                }
            }
            Payload::ComponentImportSection(imports) => {
                for import in imports {
                    let import = import?;
                    if let Some(sort) = Sort::of(import.ty.kind()) {
                        self.add(open, Step::Import { name: import.name.name, sort });
                    }
                }
            }
            Payload::ComponentExportSection(exports) => {
                for export in exports {
                    let export = export?;
                    if let Some(named) = Named::new(export.name.name, export.kind, export.index) {
                        self.add(open, Step::Export(named));
                    }
                }
            }
            Payload::ComponentCanonicalSection(functions) => {
                for _ in 0..functions.count() {
                    self.add(open, Step::Function);
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn add(&mut self, open: Open, step: Step<'a>) {
        if let Open::Component(component) = open
            && let Some(steps) = self.components.get_mut(component)
        {
            steps.push(step);
        }
    }
}

// === impl Step ===

impl<'a> Step<'a> {
    fn of_instance(instance: ComponentInstance<'a>) -> Self {
        match instance {
            ComponentInstance::Instantiate { component_index: component, args } => {
                let arguments = args.iter().filter_map(|arg| Named::new(arg.name, arg.kind, arg.index));
                Self::Instantiate { component, arguments: arguments.collect() }
            }
            ComponentInstance::FromExports(exports) => {
                let exports = exports
                    .iter()
                    .filter_map(|export| Named::new(export.name.name, export.kind, export.index));
                Self::Gather(exports.collect())
            }
        }
    }

    fn of_alias(alias: ComponentAlias<'a>) -> Option<Self> {
        match alias {
            ComponentAlias::InstanceExport { kind, instance_index: instance, name } => {
                Some(Self::OfInstance { instance, name, sort: Sort::of(kind)? })
            }
            ComponentAlias::Outer { kind, count: levels, index } => {
                let sort = match kind {
                    ComponentOuterAliasKind::CoreModule => Sort::Module,
                    ComponentOuterAliasKind::Component => Sort::Component,
                    _ => return None,
                };
                Some(Self::OfOuter { levels, index, sort })
            }
            ComponentAlias::CoreInstanceExport { .. } => None,
        }
    }
}

// === impl Sort ===

impl Sort {
    fn of(kind: ComponentExternalKind) -> Option<Self> {
        match kind {
            ComponentExternalKind::Module => Some(Self::Module),
            ComponentExternalKind::Component => Some(Self::Component),
            ComponentExternalKind::Instance => Some(Self::Instance),
            _ => None,
        }
    }
}

// === impl Named ===

impl<'a> Named<'a> {
    fn new(name: &'a str, kind: ComponentExternalKind, index: u32) -> Option<Self> {
        Some(Self { name, sort: Sort::of(kind)?, index })
    }
}
