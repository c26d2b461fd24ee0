//! Which module of the web application may use which. It is read from the sources, since the compiler allows every
//! direction within a crate.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// A module at or below the first path must not use one at or below the second.
const FORBIDDEN: [(&str, &str); 13] = [
    ("web::api", "web::pages"),
    ("web::http", "web::api"),
    ("web::http", "web::pages"),
    ("web::http", "web::parts"),
    ("web::pages", "web::api"),
    ("web::parts", "web::api"),
    ("web::parts", "web::pages"),
    ("web::state", "web::api"),
    ("web::state", "web::http"),
    ("web::state", "web::pages"),
    ("web::texts", "domain"),
    ("web::texts", "service"),
    ("web::texts", "store"),
];
/// Modules of different pages must not use each other.
const PAGES: &str = "web::pages::";
/// Modules below these must have no circle of uses.
const WITHOUT_CIRCLES: [&str; 4] = ["web::http", "web::pages", "web::parts", "web::texts"];

/// Every module of this crate by its path, with the modules that it uses.
fn uses() -> BTreeMap<String, BTreeSet<String>> {
    let mut sources = BTreeMap::new();
    read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), "", &mut sources);
    let modules: BTreeSet<String> = sources.keys().cloned().collect();
    let used = |source: &String| paths(source).iter().filter_map(|path| module_of(path, &modules)).collect();
    sources.iter().map(|(module, source)| (module.clone(), used(source))).collect()
}

/// The sources below `folder`, without comments and unit tests.
fn read(folder: &Path, parent: &str, sources: &mut BTreeMap<String, String>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let module = if parent.is_empty() { name.clone() } else { format!("{parent}::{name}") };
        if path.is_dir() {
            read(&path, &module, sources);
            continue;
        }
        let text = std::fs::read_to_string(&path).unwrap();
        let code = text.split("#[cfg(test)]\nmod tests").next().unwrap_or_default();
        let code = code.lines().map(|line| line.split("//").next().unwrap_or_default()).collect();
        sources.insert(if name == "mod" { parent.to_owned() } else { module }, code);
    }
}

/// Every path in `source` that begins at the root of the crate; of a group in braces, each of its paths.
fn paths(source: &str) -> Vec<String> {
    let starts = source.split("crate::").skip(1);
    starts.flat_map(|text| expand("", &text.replace(char::is_whitespace, ""))).collect()
}

fn expand(prefix: &str, text: &str) -> Vec<String> {
    let end = text.find(|c: char| !(c.is_alphanumeric() || c == '_' || c == ':')).unwrap_or(text.len());
    let (name, rest) = text.split_at(end);
    let path = format!("{prefix}{name}");
    if !rest.starts_with('{') || !path.ends_with("::") {
        return vec![path];
    }
    let (mut depth, mut start, mut found) = (0, 1, Vec::new());
    for (at, c) in rest.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth > 1 => depth -= 1,
            ',' if depth > 1 => {}
            ',' | '}' => {
                found.extend(expand(&path, &rest[start..at]));
                start = at + 1;
            }
            _ => {}
        }
        if c == '}' && start == at + 1 {
            break;
        }
    }
    found
}

/// The innermost module that `path` names.
fn module_of(path: &str, modules: &BTreeSet<String>) -> Option<String> {
    let mut path = path.trim_end_matches(':');
    while !modules.contains(path) {
        path = path.rsplit_once("::")?.0;
    }
    Some(path.to_owned())
}

fn is_at_or_below(module: &str, path: &str) -> bool {
    module.strip_prefix(path).is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
}

fn page(module: &str) -> Option<&str> {
    module.strip_prefix(PAGES)?.split("::").next()
}

#[test]
fn every_use_goes_downwards() {
    let mut wrong = Vec::new();
    for (module, used) in uses() {
        for other in used {
            let is_forbidden = |(from, to): &(&str, &str)| is_at_or_below(&module, from) && is_at_or_below(&other, to);
            let is_other_page = page(&module).is_some() && page(&other).is_some() && page(&module) != page(&other);
            if FORBIDDEN.iter().any(is_forbidden) || is_other_page {
                wrong.push(format!("{module} must not use {other}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn no_modules_use_each_other_in_a_circle() {
    let uses = uses();
    let mut circles = Vec::new();
    for module in uses.keys().filter(|module| WITHOUT_CIRCLES.iter().any(|path| is_at_or_below(module, path))) {
        let (mut reached, mut open) = (BTreeSet::new(), vec![module]);
        while let Some(next) = open.pop() {
            open.extend(uses[next].iter().filter(|used| *used != next && reached.insert(*used)));
        }
        if reached.contains(module) {
            circles.push(module.clone());
        }
    }
    assert!(circles.is_empty(), "these use each other: {}", circles.join(", "));
}

#[test]
fn uses_are_found_in_groups_and_in_expressions() {
    let source = "use crate::web::{api, pages::{mall, order::find}};\nlet x = crate::web::texts::fill(1);";
    let expected = ["web::api", "web::pages::mall", "web::pages::order::find", "web::texts::fill"];
    assert_eq!(paths(source), expected);
    let found = uses();
    assert!(found["web::router"].contains("web::api") && found["web::router"].contains("web::state"));
    assert!(found["web::pages::batches::panel"].contains("web::pages::batches::selection"));
}
