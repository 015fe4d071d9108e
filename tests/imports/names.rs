//! Collects what the code of one module defines, imports and names.

use std::collections::HashSet;

use syn::ext::IdentExt as _;
use syn::parse::ParseStream;
use syn::punctuated::Punctuated;
use syn::token::{Brace, Bracket, Paren};
use syn::visit::{self, Visit};
use syn::{
    Attribute, Block, Expr, Field, Ident, ImplItem, Item, ItemMacro, ItemMod, ItemUse, Macro, Meta, Path,
    Token, UseTree, Visibility, braced, bracketed, parenthesized,
};

#[derive(Default)]
pub(crate) struct Names {
    pub(crate) types: HashSet<String>,
    pub(crate) values: HashSet<String>,
    /// The macros that are exported, and thus in the root of the crate.
    pub(crate) exported_macros: HashSet<String>,
    pub(crate) imports: Vec<Import>,
    /// Every path in the code, of one segment or more.
    pub(crate) paths: Vec<Vec<String>>,
}

/// One name of a `use`. A `use` in a function counts as one of the module.
pub(crate) struct Import {
    /// The name that it brings into scope. `None` for a glob.
    pub(crate) name: Option<String>,
    pub(crate) path: Vec<String>,
    pub(crate) is_reexport: bool,
}

/// Returns whether an item is compiled for tests only.
pub(crate) fn is_for_tests(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        attribute.path().is_ident("test")
            || attribute.path().is_ident("cfg") && attribute.parse_args().is_ok_and(|meta| needs_test(&meta))
    })
}

/// Returns whether a condition is true in tests only.
fn needs_test(condition: &Meta) -> bool {
    let Meta::List(list) = condition else { return condition.path().is_ident("test") };
    let parts = list.parse_args_with(Punctuated::<Meta, Token![,]>::parse_terminated).unwrap_or_default();
    if list.path.is_ident("all") {
        parts.iter().any(needs_test)
    } else {
        list.path.is_ident("any") && !parts.is_empty() && parts.iter().all(needs_test)
    }
}

// === impl Names ===

impl Names {
    pub(crate) fn of(items: &[Item]) -> Self {
        let mut names = Self::default();
        for item in items {
            names.define(item);
            names.visit_item(item);
        }
        names
    }

    fn define(&mut self, item: &Item) {
        let (names, name) = match item {
            Item::Const(item) => (&mut self.values, &item.ident),
            Item::Fn(item) => (&mut self.values, &item.sig.ident),
            Item::Static(item) => (&mut self.values, &item.ident),
            Item::Enum(item) => (&mut self.types, &item.ident),
            Item::Struct(item) => (&mut self.types, &item.ident),
            Item::Trait(item) => (&mut self.types, &item.ident),
            Item::Type(item) => (&mut self.types, &item.ident),
            Item::Union(item) => (&mut self.types, &item.ident),
            Item::Macro(ItemMacro { ident: Some(name), attrs, .. }) => {
                let exported = attrs.iter().any(|attribute| attribute.path().is_ident("macro_export"));
                (if exported { &mut self.exported_macros } else { &mut self.values }, name)
            }
            _ => return,
        };
        if !is_for_tests(attributes(item)) {
            names.insert(name.to_string());
        }
    }

    fn import(&mut self, path: &[String], tree: &UseTree, is_reexport: bool) {
        let join = |name: String| path.iter().cloned().chain([name]).collect::<Vec<_>>();
        let (name, path) = match tree {
            UseTree::Path(step) => {
                return self.import(&join(step.ident.to_string()), &step.tree, is_reexport);
            }
            UseTree::Group(group) => {
                return group.items.iter().for_each(|tree| self.import(path, tree, is_reexport));
            }
            UseTree::Glob(_) => (None, path.to_vec()),
            UseTree::Name(leaf) if leaf.ident == "self" => (path.last().cloned(), path.to_vec()),
            UseTree::Name(leaf) => (Some(leaf.ident.to_string()), join(leaf.ident.to_string())),
            UseTree::Rename(leaf) if leaf.ident == "self" => (Some(leaf.rename.to_string()), path.to_vec()),
            UseTree::Rename(leaf) => (Some(leaf.rename.to_string()), join(leaf.ident.to_string())),
        };
        self.imports.push(Import { name, path, is_reexport });
    }
}

impl Names {
    /// Finds the paths from the crate, a parent or the module itself in what is no Rust by itself, such as the branches
    /// of a `select!` and the body of a `macro_rules!`.
    fn tokens(&mut self, input: ParseStream<'_>) -> syn::Result<()> {
        while !input.is_empty() {
            let inner;
            if input.peek(Token![crate]) || input.peek(Token![self]) || input.peek(Token![super]) {
                let mut path = vec![input.call(Ident::parse_any)?.to_string()];
                // Two colons count as two.
                while input.peek(Token![::]) && input.peek3(Ident::peek_any) {
                    input.parse::<Token![::]>()?;
                    path.push(input.call(Ident::parse_any)?.to_string());
                }
                self.paths.push(path);
                continue;
            } else if input.peek(Token![$]) {
                // In the body of a macro: its argument, or `$crate`, as which the crate is known where the macro is used.
                input.step(|at| at.token_tree().map(|(_, rest)| ((), rest)).ok_or(at.error("the end")))?;
                if input.peek(Ident::peek_any) {
                    input.call(Ident::parse_any)?;
                }
                continue;
            } else if input.peek(Paren) {
                parenthesized!(inner in input);
            } else if input.peek(Bracket) {
                bracketed!(inner in input);
            } else if input.peek(Brace) {
                braced!(inner in input);
            } else {
                input.step(|at| at.token_tree().map(|(_, rest)| ((), rest)).ok_or(at.error("the end")))?;
                continue;
            }
            self.tokens(&inner)?;
        }
        Ok(())
    }
}

impl<'ast> Visit<'ast> for Names {
    fn visit_item(&mut self, item: &'ast Item) {
        if !is_for_tests(attributes(item)) {
            visit::visit_item(self, item);
        }
    }

    fn visit_impl_item(&mut self, item: &'ast ImplItem) {
        let attributes = match item {
            ImplItem::Const(item) => &item.attrs,
            ImplItem::Fn(item) => &item.attrs,
            ImplItem::Type(item) => &item.attrs,
            ImplItem::Macro(item) => &item.attrs,
            _ => return,
        };
        if !is_for_tests(attributes) {
            visit::visit_impl_item(self, item);
        }
    }

    fn visit_field(&mut self, field: &'ast Field) {
        if !is_for_tests(&field.attrs) {
            visit::visit_field(self, field);
        }
    }

    /// Skips the module: its code is read separately.
    fn visit_item_mod(&mut self, _: &'ast ItemMod) {}

    fn visit_item_use(&mut self, item: &'ast ItemUse) {
        // A path that starts with `::` leads out of the crate.
        if item.leading_colon.is_none() {
            let is_reexport = !matches!(item.vis, Visibility::Inherited);
            self.import(&[], &item.tree, is_reexport);
        }
    }

    fn visit_macro(&mut self, call: &'ast Macro) {
        visit::visit_macro(self, call);
        if let Ok(expressions) = call.parse_body_with(Punctuated::<Expr, Token![,]>::parse_terminated) {
            expressions.iter().for_each(|expression| self.visit_expr(expression));
        } else if let Ok(statements) = call.parse_body_with(Block::parse_within) {
            statements.iter().for_each(|statement| self.visit_stmt(statement));
        } else if call.path.segments.last().is_none_or(|name| name.ident != "bindgen") {
            let read = call.parse_body_with(|input: ParseStream<'_>| self.tokens(input));
            read.unwrap_or_else(|error| panic!("{error}"));
        }
    }

    fn visit_path(&mut self, path: &'ast Path) {
        if path.leading_colon.is_none() {
            self.paths.push(path.segments.iter().map(|segment| segment.ident.to_string()).collect());
        }
        visit::visit_path(self, path);
    }
}

fn attributes(item: &Item) -> &[Attribute] {
    match item {
        Item::Const(item) => &item.attrs,
        Item::Enum(item) => &item.attrs,
        Item::Fn(item) => &item.attrs,
        Item::Impl(item) => &item.attrs,
        Item::Macro(item) => &item.attrs,
        Item::Mod(item) => &item.attrs,
        Item::Static(item) => &item.attrs,
        Item::Struct(item) => &item.attrs,
        Item::Trait(item) => &item.attrs,
        Item::Type(item) => &item.attrs,
        Item::Union(item) => &item.attrs,
        Item::Use(item) => &item.attrs,
        _ => &[],
    }
}
