//! What a source file imports: `use` declarations, paths in code, in macros and in attributes.
//!
//! Sources are parsed, not searched, so that comments and text in quotes are no imports. Items for tests alone
//! (`#[cfg(test)]`) are left out: tests may reach anywhere.

use proc_macro2::{TokenStream, TokenTree};
use std::collections::BTreeSet;
use syn::visit::{self, Visit};
use syn::{Attribute, Item, ItemMod, ItemUse, Macro, Meta, UseTree};

/// A path as segments, absolute: the first is a crate.
pub type ModulePath = Vec<String>;

/// What one file imports.
#[derive(Debug, Default)]
pub struct Imports {
    /// Absolute paths, of the crates that are looked at and of others.
    pub paths: BTreeSet<ModulePath>,
    /// Modules in files of their own that are for tests alone.
    pub test_modules: BTreeSet<ModulePath>,
}

/// The imports of a file that is the module `module`.
pub fn of_file(module: ModulePath, text: &str) -> syn::Result<Imports> {
    let file = syn::parse_file(text)?;
    let mut reader = Reader { module, imports: Imports::default(), children: Vec::new() };
    reader.children.push(children(&file.items));
    reader.visit_file(&file);
    Ok(reader.imports)
}

struct Reader {
    /// The module that is being read: the file's, or one within it.
    module: ModulePath,
    /// For each module from the file's to the one that is being read: its child modules.
    children: Vec<BTreeSet<String>>,
    imports: Imports,
}

fn children(items: &[Item]) -> BTreeSet<String> {
    let name = |item: &Item| match item {
        Item::Mod(module) => Some(module.ident.to_string()),
        _ => None,
    };
    items.iter().filter_map(name).collect()
}

/// Whether an item is compiled for tests alone.
fn is_for_tests(attributes: &[Attribute]) -> bool {
    let is_cfg_test = |attribute: &Attribute| match &attribute.meta {
        Meta::List(list) => attribute.path().is_ident("cfg") && list.tokens.to_string() == "test",
        _ => false,
    };
    attributes.iter().any(is_cfg_test)
}

fn attributes(item: &Item) -> &[Attribute] {
    match item {
        Item::Const(item) => &item.attrs,
        Item::Fn(item) => &item.attrs,
        Item::Impl(item) => &item.attrs,
        Item::Macro(item) => &item.attrs,
        Item::Mod(item) => &item.attrs,
        Item::Static(item) => &item.attrs,
        Item::Struct(item) => &item.attrs,
        Item::Enum(item) => &item.attrs,
        Item::Use(item) => &item.attrs,
        _ => &[],
    }
}

impl Reader {
    fn add(&mut self, segments: &[String]) {
        let Some((first, rest)) = segments.split_first() else { return };
        let is_child = self.children.last().is_some_and(|children| children.contains(first));
        let (mut base, mut rest) = match first.as_str() {
            "crate" => (self.module[..1].to_vec(), rest),
            "self" | "super" => (self.module.clone(), segments),
            _ if is_child => (self.module.clone(), segments),
            _ => (Vec::new(), segments),
        };
        while let Some((step, further)) =
            rest.split_first().filter(|(step, _)| matches!(step.as_str(), "self" | "super"))
        {
            if step == "super" {
                base.pop();
            }
            rest = further;
        }
        base.extend_from_slice(rest);
        self.imports.paths.insert(base);
    }

    fn add_tree(&mut self, prefix: &[String], tree: &UseTree) {
        match tree {
            UseTree::Path(path) => {
                let prefix = [prefix, &[path.ident.to_string()]].concat();
                self.add_tree(&prefix, &path.tree);
            }
            UseTree::Name(name) => self.add(&[prefix, &[name.ident.to_string()]].concat()),
            UseTree::Rename(rename) => self.add(&[prefix, &[rename.ident.to_string()]].concat()),
            UseTree::Glob(_) => self.add(prefix),
            UseTree::Group(group) => group.items.iter().for_each(|tree| self.add_tree(prefix, tree)),
        }
    }

    /// Every path of at least two segments among tokens that nobody parses here.
    fn add_tokens(&mut self, tokens: TokenStream) {
        let mut path: Vec<String> = Vec::new();
        let mut colons = 0;
        for token in tokens {
            match token {
                TokenTree::Punct(punct) if punct.as_char() == ':' && !path.is_empty() => colons += 1,
                TokenTree::Ident(ident) if colons == 2 => {
                    path.push(ident.to_string());
                    colons = 0;
                }
                other => {
                    self.end_path(&mut path);
                    colons = 0;
                    match other {
                        TokenTree::Ident(ident) => path.push(ident.to_string()),
                        TokenTree::Group(group) => self.add_tokens(group.stream()),
                        _ => {}
                    }
                }
            }
        }
        self.end_path(&mut path);
    }

    fn end_path(&mut self, path: &mut Vec<String>) {
        if path.len() > 1 {
            self.add(path);
        }
        path.clear();
    }
}

impl<'ast> Visit<'ast> for Reader {
    fn visit_item(&mut self, item: &'ast Item) {
        if !is_for_tests(attributes(item)) {
            visit::visit_item(self, item);
        } else if let Item::Mod(module) = item {
            self.imports.test_modules.insert([&self.module[..], &[module.ident.to_string()]].concat());
        }
    }

    fn visit_item_mod(&mut self, module: &'ast ItemMod) {
        let Some((_, items)) = &module.content else { return };
        self.module.push(module.ident.to_string());
        self.children.push(children(items));
        visit::visit_item_mod(self, module);
        self.children.pop();
        self.module.pop();
    }

    fn visit_item_use(&mut self, item: &'ast ItemUse) {
        self.add_tree(&[], &item.tree);
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let segments: Vec<_> = path.segments.iter().map(|segment| segment.ident.to_string()).collect();
        if segments.len() > 1 {
            self.add(&segments);
        }
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, invocation: &'ast Macro) {
        self.add_tokens(invocation.tokens.clone());
        visit::visit_macro(self, invocation);
    }

    fn visit_attribute(&mut self, attribute: &'ast Attribute) {
        if let Meta::List(list) = &attribute.meta {
            self.add_tokens(list.tokens.clone());
        }
        visit::visit_attribute(self, attribute);
    }
}
