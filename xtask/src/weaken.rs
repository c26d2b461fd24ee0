//! `cargo xtask weaken`: switches the protections of `tests/torture/protections.toml` off, one at a time and in a copy of
//! the sources, and sees what notices it. The table of it is `tests/torture/weakened.md`, and a part of docs/proof.md.

use crate::{cargo, root, run};
use anyhow::{Context, Result, bail};
use clap::Args;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use time::OffsetDateTime;
use time::macros::format_description;

/// Where the copy is, from the project's root.
const COPY: &str = "target/weakened";
/// The table, in which each protection has the row of the last time that it was switched off.
const TABLE: &str = "tests/torture/weakened.md";
/// The page that has it under [`HEADING`].
const PAGE: &str = "docs/proof.md";
const HEADING: &str = "## Protections switched off\n\n";
/// What stands before the rows.
const INTRODUCTION: &str = "Written by `cargo xtask weaken`: each protection was switched off by itself, in a copy of the \
    sources; `tests/torture/protections.toml` says how.\n\n\
    | protection | when it is off | noticed by | on |\n|---|---|---|---|\n";
/// Days of the simulation that may pass until a protection that is off is noticed.
const DAYS: u64 = 1_000;
/// With what the days say that some kind of event is missing.
const NEVER: &str = "a run in which these never happened";
/// The tests that are asked, in this order, where the days have noticed nothing.
const TESTS: [&str; 6] = ["held", "group", "twice", "batches", "decisions", "response"];

/// What is switched off.
#[derive(Args)]
pub struct Options {
    /// Only the protections whose names have one of these in them; the others keep their rows.
    only: Vec<String>,
}

#[derive(Deserialize)]
struct Protections {
    protection: Vec<Protection>,
}

#[derive(Deserialize)]
struct Protection {
    name: String,
    off: String,
    edits: Vec<Edit>,
}

#[derive(Deserialize)]
struct Edit {
    file: PathBuf,
    find: String,
    replace: String,
}

/// Switches protections off, and fails if something goes unnoticed.
pub fn weaken(options: &Options) -> Result<()> {
    let protections = protections()?;
    let copy = Copy::of_sources()?;
    let (passed, said) = copy.test("model", DAYS_WITHOUT_A_FAULT)?;
    if !passed {
        bail!("the days fail though nothing is switched off:\n{said}");
    }
    let today = OffsetDateTime::now_utc().format(format_description!("[year]-[month]-[day]"))?;
    let mut unnoticed = Vec::new();
    for Protection { name, off, edits } in &protections {
        if !options.only.is_empty() && !options.only.iter().any(|only| name.contains(only.as_str())) {
            continue;
        }
        eprintln!("[weaken] {name}");
        let weakened = copy.weakened(edits)?;
        let noticed = copy.noticed()?;
        drop(weakened);
        eprintln!("[weaken]   {}", noticed.as_deref().unwrap_or("unnoticed"));
        if noticed.is_none() {
            unnoticed.push(name.as_str());
        }
        let row = format!("| {name} | {off} | {} | {today} |", noticed.as_deref().unwrap_or("nothing"));
        record(&protections, name, row)?;
    }
    if !unnoticed.is_empty() {
        bail!("nothing noticed that these were off: {}", unnoticed.join(", "));
    }
    Ok(())
}

/// Days that have to pass while nothing is switched off: more than enough for a copy that does not work.
const DAYS_WITHOUT_A_FAULT: u64 = 100;

/// Puts the row of a protection in the place of the one before, in the table and in the page.
fn record(protections: &[Protection], name: &str, row: String) -> Result<()> {
    let before = fs::read_to_string(root().join(TABLE))?;
    let row_of = |of: &str| match of == name {
        true => Some(row.clone()),
        false => before.lines().find(|line| line.starts_with(&format!("| {of} | "))).map(str::to_owned),
    };
    let mut table = INTRODUCTION.to_owned();
    for row in protections.iter().filter_map(|protection| row_of(&protection.name)) {
        writeln!(table, "{row}")?;
    }
    fs::write(root().join(TABLE), &table)?;
    let page = fs::read_to_string(root().join(PAGE))?;
    // A page without the heading gets the table with the next run of `cargo xtask torture`.
    if let Some((head, rest)) = page.split_once(HEADING)
        && let Some((_, tail)) = rest.split_once("\n## ")
    {
        fs::write(root().join(PAGE), format!("{head}{HEADING}{table}\n## {tail}"))?;
    }
    Ok(())
}

fn protections() -> Result<Vec<Protection>> {
    let text = fs::read_to_string(root().join("tests/torture/protections.toml"))?;
    Ok(toml::from_str::<Protections>(&text)?.protection)
}

/// A copy of the sources, with a build of its own: nothing that is weakened can get into the project's own build.
struct Copy {
    folder: PathBuf,
}

impl Copy {
    fn of_sources() -> Result<Self> {
        let folder = root().join(COPY).join("sources");
        let listed = Command::new("git")
            .args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"])
            .current_dir(root())
            .output()
            .context("git lists the sources")?;
        let listed = String::from_utf8(listed.stdout)?;
        for file in listed.split('\0').filter(|file| !file.is_empty()) {
            let (from, to) = (root().join(file), folder.join(file));
            fs::create_dir_all(to.parent().unwrap_or(&folder))?;
            copy(&from, &to).with_context(|| file.to_owned())?;
        }
        // Dependencies are as they were built already.
        let target = root().join(COPY).join("target");
        if !target.exists() {
            fs::create_dir_all(target.join("debug"))?;
            for part in ["build", "deps", ".fingerprint"] {
                let from = root().join("target/debug").join(part);
                run(Command::new("cp").arg("-al").arg(from).arg(target.join("debug")))?;
            }
        }
        Ok(Self { folder })
    }

    /// With `edits`, until what is returned is dropped.
    fn weakened(&self, edits: &[Edit]) -> Result<Vec<Weakened>> {
        let write = |(path, Edited { before, after }): (PathBuf, Edited)| {
            fs::write(&path, after).with_context(|| path.display().to_string())?;
            Ok(Weakened { path, original: before })
        };
        edited(&self.folder, edits)?.into_iter().map(write).collect()
    }

    /// What notices that something is wrong, of the days and the tests; nothing if nothing does.
    fn noticed(&self) -> Result<Option<String>> {
        let (passed, said) = self.test("model", DAYS)?;
        if !passed {
            let day = said.lines().find_map(|line| line.strip_prefix("failed day "));
            return match day {
                Some(day) => Ok(Some(format!("the simulation, day {day}"))),
                None if said.contains(NEVER) => {
                    Ok(Some("the simulation: something never happened any more".to_owned()))
                }
                None => bail!("the days do not run:\n{said}"),
            };
        }
        for test in TESTS {
            let (passed, said) = self.test(test, DAYS)?;
            let failed = said.lines().find_map(|line| line.strip_prefix("test ")?.strip_suffix(" ... FAILED"));
            match (passed, failed) {
                (true, _) => {}
                (false, Some(failed)) => return Ok(Some(format!("the test `{failed}`"))),
                (false, None) => bail!("{test} does not run:\n{said}"),
            }
        }
        Ok(None)
    }

    fn test(&self, name: &str, days: u64) -> Result<(bool, String)> {
        let mut command = cargo();
        command.args(["test", "--workspace", "--test", name, "--", "--nocapture"]).current_dir(&self.folder);
        command.env("CARGO_TARGET_DIR", self.folder.with_file_name("target"));
        let output = command.env("DAYS", days.to_string()).env("DAYS_AS_THEY_ARE", "yes").output()?;
        let said = [output.stdout, output.stderr].concat();
        Ok((output.status.success(), String::from_utf8_lossy(&said).into_owned()))
    }
}

/// Copies a file, or a link as it is. What is the same keeps its time, so that it is not compiled again.
fn copy(from: &Path, to: &Path) -> std::io::Result<()> {
    if let Ok(target) = fs::read_link(from) {
        let is_there = fs::read_link(to).is_ok_and(|there| there == target);
        return if is_there { Ok(()) } else { std::os::unix::fs::symlink(target, to) };
    }
    // A file that was removed since it was committed is listed all the same.
    let Ok(text) = fs::read(from) else { return Ok(()) };
    if fs::read(to).is_ok_and(|there| there == text) { Ok(()) } else { fs::write(to, text) }
}

/// A file of the copy that says something else until this is dropped.
struct Weakened {
    path: PathBuf,
    original: String,
}

impl Drop for Weakened {
    fn drop(&mut self) {
        // If it cannot be written, the next copy differs from the source and is written anew.
        let _ = fs::write(&self.path, &self.original);
    }
}

/// What a file says before and after all edits of it.
struct Edited {
    before: String,
    after: String,
}

/// The files below `folder` that `edits` change, each once, however many edits it has.
fn edited(folder: &Path, edits: &[Edit]) -> Result<BTreeMap<PathBuf, Edited>> {
    let mut files = BTreeMap::<PathBuf, Edited>::new();
    for Edit { file, find, replace } in edits {
        let path = folder.join(file);
        let (before, text) = match files.remove(&path) {
            Some(Edited { before, after }) => (before, after),
            None => {
                let text = fs::read_to_string(&path).with_context(|| file.display().to_string())?;
                (text.clone(), text)
            }
        };
        let after = replaced(&text, find, replace).with_context(|| file.display().to_string())?;
        files.insert(path, Edited { before, after });
    }
    Ok(files)
}

fn replaced(text: &str, find: &str, replace: &str) -> Result<String> {
    match text.matches(find).count() {
        1 => Ok(text.replace(find, replace)),
        count => bail!("{find:?} stands there {count} times"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_protection_can_be_switched_off_as_the_sources_are_now() {
        let protections = protections().unwrap();
        assert!(protections.len() >= 10);
        for Protection { name, edits, .. } in protections {
            edited(root(), &edits).unwrap_or_else(|error| panic!("{name}: {error:#}"));
        }
    }

    #[test]
    fn a_file_with_several_edits_is_as_it_was_when_they_are_taken_back() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("a"), "one two").unwrap();
        let edit = |find: &str, replace: &str| Edit { file: "a".into(), find: find.into(), replace: replace.into() };
        let copy = Copy { folder: folder.path().to_owned() };
        let weakened = copy.weakened(&[edit("one", "1"), edit("two", "2")]).unwrap();
        let read = || fs::read_to_string(folder.path().join("a")).unwrap();
        assert_eq!(read(), "1 2");
        drop(weakened);
        assert_eq!(read(), "one two");
    }
}
