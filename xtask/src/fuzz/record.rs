//! What runs came to: `tests/fuzz/runs.toml`, and the page that is made of it.

use crate::fuzz::with_corpus;
use crate::root;
use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::fmt::{self, Write};
use std::path::PathBuf;
use time::OffsetDateTime;

/// A run of a target to its end.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Run {
    target: String,
    /// YYYY-MM-DD, in UTC.
    on: String,
    executions: u64,
    seconds: u64,
    /// Edges of the project's own code that any input reached.
    edges: u64,
}

/// Something that did not hold.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Finding {
    target: String,
    on: String,
    /// What it was, and what became of it.
    what: String,
    /// The test that fails without the correction.
    test: String,
}

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Record {
    finding: Vec<Finding>,
    run: Vec<Run>,
}

impl Run {
    /// Reads what libFuzzer says of a run.
    pub(super) fn read(target: &str, said: &str) -> Option<Self> {
        let statistic = |name: &str| {
            let line = said.lines().find_map(|line| line.strip_prefix(name))?;
            line.trim_start_matches(':').trim().parse::<u64>().ok()
        };
        let executions = statistic("stat::number_of_executed_units")?;
        let seconds = said.lines().rev().find_map(|line| {
            let rest = line.strip_prefix("Done ")?;
            rest.split_once(" runs in ")?.1.split_once(' ')?.0.parse().ok()
        })?;
        let edges = said.lines().rev().find_map(|line| line.split_once(" cov: ")?.1.split_once(' ')?.0.parse().ok())?;
        let on = OffsetDateTime::now_utc().date().to_string();
        Some(Self { target: target.to_owned(), on, executions, seconds, edges })
    }
}

impl fmt::Display for Run {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { target, executions, seconds, edges, .. } = self;
        write!(f, "{target}: {executions} executions in {seconds} s, {edges} edges")
    }
}

fn file() -> PathBuf {
    root().join("tests/fuzz/runs.toml")
}

fn page() -> PathBuf {
    root().join("docs/fuzzing.md")
}

fn read() -> Result<Record> {
    let text = std::fs::read_to_string(file()).with_context(|| file().display().to_string())?;
    toml::from_str(&text).with_context(|| format!("{} is not a record of runs", file().display()))
}

/// Adds a run to the record, and makes the page anew.
pub(super) fn add(run: &Run) -> Result<()> {
    let mut record = read()?;
    record.run.push(run.clone());
    let text = toml::to_string(&record).context("the record of runs cannot be written")?;
    std::fs::write(file(), format!("{HEAD}{text}")).context("the record of runs cannot be written")?;
    std::fs::write(page(), page_of(&record, &with_corpus()?)).context("docs/fuzzing.md cannot be written")
}

const HEAD: &str = "# What runs of `cargo xtask fuzz --record` came to, and what they found; docs/fuzzing.md is made of it.\n\
    # A finding is added by hand, with the test that fails without its correction.\n\n";

const INTRODUCTION: &str = "\
# Fuzzing

`cargo xtask fuzz --record` writes this page, from `tests/fuzz/runs.toml`.

A target is a function that is given any bytes and panics where something does not hold; `tests/fuzz/src/lib.rs` has the \
list. libFuzzer makes up inputs and keeps those that reach an edge of the project's own code that no input reached \
before. What a target asserts is more than the absence of a panic: an answer of a gateway is never read as a success \
unless it names what was asked about (where it is publicly known that the gateway does), is whole, and says the same in \
another order; rows of a file are all taken, refused \
or passed over, and a refusal names a line of the file; what is in its one form has no other; what was read is written as \
it was read; nothing that is said is longer than what it is about.

- `cargo xtask fuzz` runs all targets, ten million executions each; `cargo xtask fuzz orders --seconds 60` one for a \
minute. It needs a compiler for C++, and no other compiler for Rust than the project's.
- `cargo test --workspace --test corpus` runs every target without libFuzzer: its corpus in `tests/fuzz/corpus`, and \
hundreds of inputs that a fixed seed makes of it. It is part of `cargo xtask test`.
- An input for which something does not hold is in `target/fuzz/findings`. Its fault is corrected where it is, gets a test \
of its own beside the code, and a line below.
- `cargo xtask fuzz --merge` makes the corpus anew: the fewest inputs that reach all edges.

Counted are edges of the project's crates alone: parsers of others (quick-xml, serde_json, toml, wasmparser) are run, but \
do not lead the search. Sanitizers are not used; the crates forbid unsafe code.

";

fn page_of(record: &Record, targets: &BTreeSet<String>) -> String {
    let mut page = INTRODUCTION.to_owned();
    page += "## Runs\n\nExecutions and seconds of all recorded runs; edges of the last.\n\n";
    page += "| target | executions | executions a second | edges | last run |\n|---|---:|---:|---:|---|\n";
    for target in targets {
        let of_target = |run: &&Run| run.target == *target;
        let runs = record.run.iter().filter(of_target);
        let (executions, seconds) = runs.fold((0, 0), |sum, run| (sum.0 + run.executions, sum.1 + run.seconds));
        let (edges, on) = record.run.iter().rfind(of_target).map_or((0, "never"), |run| (run.edges, run.on.as_str()));
        let _ = writeln!(page, "| `{target}` | {executions} | {} | {edges} | {on} |", executions / seconds.max(1));
    }
    page += "\n## Findings\n\n";
    if record.finding.is_empty() {
        page += "None so far.\n";
    } else {
        page += "| target | found on | what it was | shown by |\n|---|---|---|---|\n";
    }
    for Finding { target, on, what, test } in &record.finding {
        let _ = writeln!(page, "| `{target}` | {on} | {what} | `{test}` |");
    }
    page
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_is_made_of_the_record() {
        let (record, targets) = (read().unwrap(), with_corpus().unwrap());
        let page = std::fs::read_to_string(page()).unwrap();
        assert_eq!(page, page_of(&record, &targets), "run `cargo xtask fuzz --record`");
        let gone: Vec<_> = record.run.iter().filter(|run| !targets.contains(&run.target)).collect();
        assert!(gone.is_empty(), "runs of targets that are gone: {gone:?}");
    }

    #[test]
    fn what_libfuzzer_says_is_read() {
        let said = "#64098\tDONE   cov: 3931 ft: 10059 corp: 648/67Kb lim: 371 exec/s: 7122 rss: 36Mb\n\
            Done 64098 runs in 9 second(s)\nstat::number_of_executed_units: 64098\n";
        let Run { executions, seconds, edges, .. } = Run::read("np", said).unwrap();
        assert_eq!((executions, seconds, edges), (64_098, 9, 3_931));
        assert_eq!(Run::read("np", "nothing"), None);
    }
}
