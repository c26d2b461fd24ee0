//! `cargo xtask examples`: builds the examples as authors of plugins do, judges them, has each do an operator's whole job,
//! and measures what they cost.

use crate::{apt, build_programs, demo, kit, root};
use anyhow::{Context, Result, bail};
use clap::Args;
use provider_build::process::output;
use provider_build::project::Project;
use serde::Deserialize;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

/// Which examples, and what becomes of the table.
#[derive(Args, Default)]
pub struct Options {
    /// rust, python, js, go; all if none is named.
    #[arg(value_parser = ["rust", "python", "js", "go"])]
    languages: Vec<String>,
    /// Write the table into the page where it stands; for a machine that does nothing else meanwhile.
    #[arg(long, conflicts_with = "languages")]
    docs: bool,
}

/// An example.
struct Example {
    /// As its folder is called.
    language: &'static str,
    /// As people call it.
    name: &'static str,
    /// The program that the language needs.
    needs: &'static str,
    build: fn(&Path) -> Result<PathBuf>,
}

const EXAMPLES: [Example; 4] = [
    Example { language: "rust", name: "Rust", needs: "cargo", build: build_rust },
    Example { language: "python", name: "Python", needs: "python3", build },
    Example { language: "js", name: "JavaScript", needs: "npm", build },
    // Where there is no Go of its own, one comes from PyPI.
    Example { language: "go", name: "Go", needs: "python3", build },
];

/// The page with the table, and the lines between which it stands.
const PAGE: &str = "docs/writing-a-provider.md";
const BEGIN: &str = "<!-- cargo xtask examples --docs -->\n";
const END: &str = "<!-- until here -->\n";

const HEAD: &str = "\
| language | the kit's checks | size | first load | load from the cache | a call | memory of a call |
|---|---|---|---|---|---|---|
";

/// What the kit found.
#[derive(Deserialize)]
struct Judged {
    checks: Vec<Check>,
}

#[derive(Deserialize)]
struct Check {
    outcome: String,
}

/// What `bench component` measured.
#[derive(Deserialize)]
struct Cost {
    bytes: u64,
    compiled_ms: f64,
    cached_ms: f64,
    call_ms: f64,
    call_bytes: u64,
}

/// Builds, judges and measures the examples; those whose language is not installed are named and left out.
pub fn examples(options: &Options) -> Result<()> {
    build_programs()?;
    let is_meant = |language: &str| options.languages.is_empty() || options.languages.iter().any(|l| l == language);
    let (mut rows, mut left_out) = (String::new(), Vec::new());
    for example in EXAMPLES.iter().filter(|example| is_meant(example.language)) {
        match Command::new(example.needs).arg("--version").output() {
            Ok(_) => rows += &row(example)?,
            Err(_) => {
                eprintln!("[xtask] the example in {} is left out: there is no {}", example.name, example.needs);
                left_out.push(example.name);
            }
        }
    }
    println!("\n{HEAD}{rows}");
    match (options.docs, &left_out[..]) {
        (false, _) => Ok(()),
        (true, []) => write_table(&rows),
        (true, _) => bail!("{PAGE} is left as it is: the table needs {} as well", left_out.join(", ")),
    }
}

/// Builds `example` and does everything with it; its row of the table.
fn row(example: &Example) -> Result<String> {
    let folder = format!("provider-{}", example.language);
    eprintln!("[xtask] building examples/{folder}");
    let component = (example.build)(&root().join("examples").join(&folder))?;
    let report = root().join("target").join(format!("{folder}.json"));
    if kit::kit(&kit::Options::of(component.clone(), &report))? != ExitCode::SUCCESS {
        bail!("examples/{folder} does not pass the kit");
    }
    let judged: Judged = serde_json::from_slice(&std::fs::read(&report)?).context("the kit's report")?;
    demo::example(&component).with_context(|| format!("an operator's job with examples/{folder}"))?;
    // In a process of its own, so that the memory is that of this component.
    let measured = output(Command::new(e2e::program("bench")?).args(["component", "--json"]).arg(component))?;
    let cost: Cost = serde_json::from_str(&measured).context("what the bench measured")?;
    let count = |outcome: &str| judged.checks.iter().filter(|check| check.outcome == outcome).count();
    let mib = |bytes: u64| format!("{:.1} MiB", bytes as f64 / f64::from(1 << 20));
    Ok(format!(
        "| {} | {} passed, {} failed | {} | {:.0} ms | {:.1} ms | {:.1} ms | {} |\n",
        example.name,
        count("passed"),
        count("failed"),
        mib(cost.bytes),
        cost.compiled_ms,
        cost.cached_ms,
        cost.call_ms,
        mib(cost.call_bytes)
    ))
}

fn write_table(rows: &str) -> Result<()> {
    let path = root().join(PAGE);
    let page = std::fs::read_to_string(&path).with_context(|| format!("cannot read {PAGE}"))?;
    let page = with_table(&page, rows).with_context(|| format!("{PAGE} has no place for the table"))?;
    std::fs::write(&path, page).with_context(|| format!("cannot write {PAGE}"))
}

/// `page` with these rows in its table; nothing where it has no place for it.
fn with_table(page: &str, rows: &str) -> Option<String> {
    let (before, rest) = page.split_once(BEGIN)?;
    let (_, after) = rest.split_once(END)?;
    Some([before, BEGIN, "\n", HEAD, rows, "\n", END, after].concat())
}

/// As `provider build` does it.
fn build(folder: &Path) -> Result<PathBuf> {
    let project = Project::find(folder)?;
    project.build(apt::install)?;
    Ok(project.component())
}

fn build_rust(folder: &Path) -> Result<PathBuf> {
    // The versions that everything else here is built with.
    std::fs::copy(root().join("Cargo.lock"), folder.join("Cargo.lock"))?;
    build(folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_has_its_place_in_the_page_and_nothing_else_changes() {
        let page = std::fs::read_to_string(root().join(PAGE)).unwrap();
        let once = with_table(&page, "| X | 1 |\n").unwrap();
        assert!(once.contains(&format!("{HEAD}| X | 1 |\n")));
        let outside = |page: &str| {
            let (before, rest) = page.split_once(BEGIN).unwrap();
            (before.to_owned(), rest.split_once(END).unwrap().1.to_owned())
        };
        assert_eq!(outside(&once), outside(&page));
        assert_eq!(with_table(&once, "| X | 1 |\n").unwrap(), once, "written again it is the same");
        assert_eq!(with_table("no place", "| X | 1 |\n"), None);
    }
}
