//! Who may import whom. The compiler keeps the order of the crates; within a crate only this test does.

mod imports;
mod rules;
mod unsafe_code;

use imports::{Imports, ModulePath};
use rules::{CRATE_RULES, CRATES, ROOMS, RULES, SIBLINGS};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::{Path, PathBuf};

/// Arrows that go the wrong way and are known, one in a line. The list only becomes shorter: one that is no longer
/// there has to leave it (`BLESS=1` does so), and nothing adds one.
const KNOWN: &str = "src/architecture/known.txt";

/// An import of a file.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Arrow {
    /// The file, from the root of the project.
    from: String,
    /// A file, or the name of a crate.
    to: String,
}

impl fmt::Display for Arrow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} -> {}", self.from, self.to)
    }
}

/// The files that are looked at and what each imports.
struct Sources {
    /// Module paths by file.
    files: BTreeMap<String, ModulePath>,
    /// Imports of one file by another.
    arrows: BTreeSet<Arrow>,
    /// Imports of a crate that a rule is about.
    crates: BTreeSet<Arrow>,
}

impl Sources {
    /// Of `(file, module, text)`.
    fn new(texts: &[(String, ModulePath, String)]) -> Self {
        let read = |(file, module, text): &(String, ModulePath, String)| {
            let imports = imports::of_file(module.clone(), text).unwrap_or_else(|error| panic!("{file}: {error}"));
            (file.clone(), module.clone(), imports)
        };
        let all: Vec<(String, ModulePath, Imports)> = texts.iter().map(read).collect();
        let tests: BTreeSet<_> = all.iter().flat_map(|(.., imports)| imports.test_modules.clone()).collect();
        let is_for_tests = |module: &ModulePath| tests.iter().any(|test| module.starts_with(test));
        let all: Vec<_> = all.into_iter().filter(|(_, module, _)| !is_for_tests(module)).collect();
        let file_of: BTreeMap<_, _> = all.iter().map(|(file, module, _)| (module.clone(), file.clone())).collect();
        let (mut arrows, mut crates) = (BTreeSet::new(), BTreeSet::new());
        for (from, _, imports) in &all {
            for path in &imports.paths {
                // The longest beginning that is a module in a file of its own; the rest are items in it.
                let file = (1..=path.len()).rev().find_map(|length| file_of.get(&path[..length]));
                if let Some(to) = file.filter(|to| *to != from) {
                    arrows.insert(Arrow { from: from.clone(), to: to.clone() });
                }
                if CRATE_RULES.iter().any(|rule| rule.krate == path[0]) {
                    crates.insert(Arrow { from: from.clone(), to: path[0].clone() });
                }
            }
        }
        let files = all.into_iter().map(|(file, module, _)| (file, module)).collect();
        Self { files, arrows, crates }
    }

    /// The project's.
    fn of_project() -> Self {
        let mut texts = Vec::new();
        for (name, folder) in CRATES {
            let root = crate::root().join(folder);
            for path in rust_files(&root) {
                let module = module_of(name, path.strip_prefix(&root).unwrap());
                let file = path.strip_prefix(crate::root()).unwrap().to_str().unwrap().to_owned();
                texts.push((file, module, std::fs::read_to_string(&path).unwrap()));
            }
        }
        Self::new(&texts)
    }

    /// Whether a file is in a room, or in a folder of one such as `web/pages`.
    fn is_in(&self, file: &str, room: &str) -> bool {
        let path = room_path(room);
        self.files.get(file).is_some_and(|module| module.starts_with(&path))
    }

    fn is_in_any(&self, file: &str, rooms: &[&str]) -> bool {
        rooms.iter().any(|room| self.is_in(file, room))
    }

    /// Arrows that the rules about rooms and crates forbid, with the rule.
    fn forbidden(&self) -> BTreeMap<Arrow, String> {
        let mut found = BTreeMap::new();
        for arrow in &self.arrows {
            let broken = RULES.iter().find(|rule| {
                self.is_in(&arrow.from, rule.from)
                    && !self.is_in_any(&arrow.from, rule.but_from)
                    && self.is_in_any(&arrow.to, rule.never)
                    && !self.is_in_any(&arrow.to, rule.but_to)
            });
            if let Some(rule) = broken {
                found.insert(arrow.clone(), rule.reason.to_owned());
            }
            if SIBLINGS.iter().any(|folder| self.are_siblings(arrow, folder)) {
                found.insert(arrow.clone(), "a page imports no other page; what they share is in parts".to_owned());
            }
        }
        for arrow in &self.crates {
            if !ROOMS.iter().any(|(room, _)| self.is_in(&arrow.from, room)) {
                continue;
            }
            let rule = CRATE_RULES.iter().find(|rule| rule.krate == arrow.to);
            if let Some(rule) = rule.filter(|rule| !self.is_in_any(&arrow.from, rule.only_in)) {
                found.insert(arrow.clone(), format!("{} is only used in {}", rule.krate, rule.only_in.join(", ")));
            }
        }
        found
    }

    /// Whether an arrow goes from one module directly in `folder` to another one there.
    fn are_siblings(&self, arrow: &Arrow, folder: &str) -> bool {
        let path = room_path(folder);
        let part = |file: &String| self.files.get(file)?.strip_prefix(&path[..])?.first().cloned();
        matches!((part(&arrow.from), part(&arrow.to)), (Some(from), Some(to)) if from != to)
    }

    /// The arrows that are part of a circle, if those of `without` are taken away.
    fn circular(&self, without: &BTreeSet<Arrow>) -> BTreeSet<Arrow> {
        let mut to: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for arrow in self.arrows.difference(without) {
            to.entry(&arrow.from).or_default().push(&arrow.to);
        }
        let reaches = |start: &str, end: &str| {
            let (mut seen, mut open) = (BTreeSet::new(), vec![start]);
            while let Some(file) = open.pop() {
                if file == end {
                    return true;
                }
                if seen.insert(file) {
                    open.extend(to.get(file).into_iter().flatten());
                }
            }
            false
        };
        self.arrows.difference(without).filter(|arrow| reaches(&arrow.to, &arrow.from)).cloned().collect()
    }
}

/// The module path of a room, or of a folder of it.
fn room_path(room: &str) -> ModulePath {
    let (name, rest) = room.split_once('/').unwrap_or((room, ""));
    let (_, module) = ROOMS.iter().find(|(room, _)| *room == name).unwrap_or_else(|| panic!("there is no room {name}"));
    let rest = rest.split('/').filter(|part| !part.is_empty());
    module.split("::").chain(rest).map(str::to_owned).collect()
}

/// The module that the file `path` of the crate `name` is.
fn module_of(name: &str, path: &Path) -> ModulePath {
    let parts = path.with_extension("");
    let mut module = vec![name.to_owned()];
    module.extend(parts.iter().map(|part| part.to_str().unwrap().to_owned()));
    if matches!(module.last().map(String::as_str), Some("lib" | "mod")) {
        module.pop();
    }
    module
}

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut files = Vec::new();
    for path in entries.map(|entry| entry.unwrap().path()) {
        if path.is_dir() {
            files.extend(rust_files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files.sort();
    files
}

fn lines(arrows: impl IntoIterator<Item = impl fmt::Display>) -> String {
    arrows.into_iter().map(|arrow| format!("{arrow}\n")).collect()
}

fn known() -> BTreeSet<Arrow> {
    let text = std::fs::read_to_string(crate::root().join("xtask").join(KNOWN)).unwrap();
    let arrow = |line: &str| {
        let (from, to) = line.split_once(" -> ").unwrap_or_else(|| panic!("{line:?} is no arrow"));
        Arrow { from: from.to_owned(), to: to.to_owned() }
    };
    text.lines().filter(|line| !line.is_empty()).map(arrow).collect()
}

#[test]
fn every_import_goes_the_way_that_is_allowed() {
    let sources = Sources::of_project();
    assert!(sources.arrows.len() > 100, "the sources were not read: {} imports", sources.arrows.len());
    for (room, _) in ROOMS {
        assert!(sources.files.keys().any(|file| sources.is_in(file, room)), "the room {room} is empty");
    }
    let mut known = known();
    let (forbidden, circular) = (sources.forbidden(), sources.circular(&BTreeSet::new()));
    if std::env::var_os("BLESS").is_some() {
        known.retain(|arrow| forbidden.contains_key(arrow) || circular.contains(arrow));
        std::fs::write(crate::root().join("xtask").join(KNOWN), lines(&known)).unwrap();
    }
    let new: Vec<_> = forbidden.iter().filter(|(arrow, _)| !known.contains(arrow)).collect();
    let new = lines(new.iter().map(|(arrow, reason)| format!("{arrow}   ({reason})")));
    assert!(new.is_empty(), "imports that go the wrong way:\n{new}");
    let circles = lines(sources.circular(&known));
    assert!(circles.is_empty(), "imports that are part of a circle:\n{circles}");
    let gone = lines(known.iter().filter(|arrow| !forbidden.contains_key(arrow) && !circular.contains(arrow)));
    assert!(gone.is_empty(), "no longer wrong, so they leave {KNOWN} (BLESS=1 removes them):\n{gone}");
}

/// A project of files whose text is given, in the crate of the rooms.
fn project(files: &[(&str, &str)]) -> Sources {
    let text = |(path, text): &(&str, &str)| {
        let (name, rest) = path.split_once('/').unwrap();
        let module = [room_path(name), module_of("", Path::new(rest))[1..].to_vec()].concat();
        ((*path).to_owned(), module, (*text).to_owned())
    };
    Sources::new(&files.iter().map(text).collect::<Vec<_>>())
}

/// The path of a room as code of another room writes it.
fn as_code(room: &str) -> String {
    let path = room_path(room);
    let in_one_crate = CRATES.iter().all(|(name, _)| *name != room);
    if in_one_crate { format!("crate::{}", path[1..].join("::")) } else { path.join("::") }
}

#[test]
fn a_wrong_import_is_found_wherever_it_stands() {
    let (domain, store) = (as_code("domain"), as_code("store"));
    let texts = [
        format!("use {store}::orders::Order;"),
        format!("use {{std::fmt, {store}::{{self, orders as o}}}};"),
        format!("fn f() {{ {store}::orders::f() }}"),
        format!("fn f(order: Vec<{store}::orders::Order>) {{}}"),
        format!("fn f() {{ println!(\"{{}}\", {store}::orders::f()) }}"),
        format!("#[cfg(test)] use {domain}::x; mod inner {{ fn f() {{ {store}::orders::f() }} }}"),
    ];
    for text in texts {
        let sources = project(&[("domain/a.rs", &text), ("store/orders.rs", "pub struct Order;")]);
        let found = lines(sources.forbidden().keys());
        assert_eq!(found, "domain/a.rs -> store/orders.rs\n", "{text}");
    }
    for text in ["use sqlx::Row;", "#[derive(Debug, sqlx::FromRow)] struct A;", "fn f() { sqlx::query(\"\") }"] {
        let found = lines(project(&[("service/a.rs", text)]).forbidden().keys());
        assert_eq!(found, "service/a.rs -> sqlx\n", "{text}");
        assert!(project(&[("store/a.rs", text)]).forbidden().is_empty(), "{text}");
    }
}

#[test]
fn tests_comments_and_text_in_quotes_import_nothing() {
    let store = as_code("store");
    let text = format!(
        "// use {store}::orders;\nfn f() {{ \"{store}::orders\"; }}\n\
         #[cfg(test)] mod tests {{ use {store}::orders; }}\n#[cfg(test)] mod checks;"
    );
    let checks = format!("use {store}::orders;");
    let files =
        [("domain/a.rs", text.as_str()), ("domain/a/checks.rs", &checks), ("store/orders.rs", "pub struct Order;")];
    assert!(project(&files).arrows.is_empty());
}

#[test]
fn pages_know_no_other_page_and_no_api() {
    let found = |files: &[(&str, &str)]| lines(project(files).forbidden().keys());
    let pages = as_code("web/pages");
    let pages = pages.replace('/', "::");
    let page = format!("use {pages}::b::X;");
    assert_eq!(found(&[("web/pages/a.rs", &page), ("web/pages/b.rs", "")]), "web/pages/a.rs -> web/pages/b.rs\n");
    // A page in several files may use them all.
    assert_eq!(found(&[("web/pages/b/form.rs", "use super::view::X;"), ("web/pages/b/view.rs", "")]), "");
    assert_eq!(found(&[("web/api/a.rs", &page), ("web/pages/b.rs", "")]), "web/api/a.rs -> web/pages/b.rs\n");
    assert_eq!(found(&[("web/http/a.rs", &page), ("web/pages/b.rs", "")]), "web/http/a.rs -> web/pages/b.rs\n");
}

#[test]
fn the_command_line_uses_the_web_for_serve_alone() {
    let web = format!("use {}::App;", as_code("web"));
    let found = |file: &str| lines(project(&[(file, &web), ("web/mod.rs", "pub struct App;")]).forbidden().keys());
    assert_eq!(found("cli/serve.rs"), "");
    assert_eq!(found("cli/orders.rs"), "cli/orders.rs -> web/mod.rs\n");
}

#[test]
fn a_circle_is_found_however_long_it_is() {
    let files = [
        ("store/a.rs", "use super::b::X;"),
        ("store/b.rs", "use super::c::X;"),
        ("store/c.rs", "fn f() -> super::a::X {}"),
        ("store/d.rs", "use super::a::X;"),
    ];
    let sources = project(&files);
    let circle = sources.circular(&BTreeSet::new());
    assert_eq!(
        lines(&circle),
        "store/a.rs -> store/b.rs\nstore/b.rs -> store/c.rs\nstore/c.rs -> store/a.rs\n",
        "a file that only imports into the circle is not part of it"
    );
    let one = circle.into_iter().take(1).collect();
    assert!(sources.circular(&one).is_empty());
}
