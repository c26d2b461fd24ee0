//! `cargo xtask fuzz`: the targets of `tests/fuzz`, led by libFuzzer.
//!
//! Any compiler will do: what counts which edges were reached is a pass of LLVM that stable compilers have. Only the
//! crates of this project are compiled with it, and with optimisation, by a wrapper around the compiler ([`compiler`]);
//! all others are those of the everyday build, wasmtime among them. Sanitizers are not used: they need another compiler
//! and find what `#![forbid(unsafe_code)]` rules out.

pub mod compiler;
mod record;

use crate::{cargo, root, run};
use anyhow::{Context, Result, bail};
use clap::Args;
use record::Run;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Executions of each target that the figures of the project are about.
const RUNS: u64 = 10_000_000;
/// No input may take this many seconds; all take a thousandth of it.
const MOST_SECONDS: &str = "-timeout=10";
/// MiB of the whole program, of which the plugins' host has a few hundred.
const MOST_MEMORY: &str = "-rss_limit_mb=2048";

/// Crates of others that the targets compute in and that the everyday build does not optimise: with them as they are, a
/// mapping took ten times as long. Only here, for whatever depends on them is compiled once more.
const OPTIMISED: [&str; 4] = ["toml", "toml_edit", "toml_parser", "winnow"];

/// What is run.
#[derive(Args)]
pub struct Options {
    /// Targets by name; all if none is named.
    targets: Vec<String>,
    /// Executions of each target.
    #[arg(long, default_value_t = RUNS)]
    runs: u64,
    /// Most seconds for each target.
    #[arg(long)]
    seconds: Option<u64>,
    /// Make the project's corpus anew: the fewest inputs that reach everything that was reached.
    #[arg(long)]
    merge: bool,
    /// Run the targets as they were built the last time, while the sources change.
    #[arg(long)]
    built: bool,
    /// Write the figures into tests/fuzz/runs.toml and docs/fuzzing.md.
    #[arg(long)]
    record: bool,
}

/// A target, as the program tells it.
struct Target {
    name: String,
    longest: String,
    reads: String,
}

/// Builds the targets and runs them one after the other.
pub fn fuzz(options: &Options) -> Result<()> {
    let program = if options.built { program() } else { build()? };
    let targets = targets(&program)?;
    let unknown: Vec<_> =
        options.targets.iter().filter(|name| targets.iter().all(|known| known.name != **name)).collect();
    if !unknown.is_empty() {
        let names: Vec<_> = targets.iter().map(|target| target.name.as_str()).collect();
        bail!("there is no target {unknown:?}; there are {}", names.join(", "));
    }
    let chosen = targets.iter().filter(|target| options.targets.is_empty() || options.targets.contains(&target.name));
    for target in chosen {
        let folders = Folders::of(&target.name)?;
        let run = attempt(&program, target, &folders, options)?;
        eprintln!("[xtask] {run}");
        if options.merge {
            merge(&program, target, &folders)?;
        }
        if options.record {
            record::add(&run)?;
        }
    }
    Ok(())
}

/// The program of all targets: libFuzzer with the project's own crates.
fn build() -> Result<PathBuf> {
    let library = libfuzzer()?;
    eprintln!("[xtask] building the targets (the first time takes some minutes)");
    let mut build = cargo();
    // Always the workspace as a whole, as everywhere: with fewer packages cargo chooses other features.
    build.args(["build", "--workspace", "--features", "fuzz/libfuzzer", "--bin", "libfuzzer"]);
    for package in OPTIMISED {
        build.args(["--config", &format!("profile.dev.package.{package}.opt-level=2")]);
    }
    // Plugins are libraries of two kinds, whose files have no hash in their names unless cargo is told so: the everyday
    // build would take those for its own that count edges.
    build.env("__CARGO_DEFAULT_LIB_METADATA", "libfuzzer");
    run(compiler::covering(&mut build, &library)?)?;
    Ok(program())
}

/// Where the program of all targets is.
fn program() -> PathBuf {
    root().join("target/debug/libfuzzer")
}

/// libFuzzer as a static library, built by a workspace of its own.
fn libfuzzer() -> Result<PathBuf> {
    let mut build = cargo();
    build.args(["build", "--release", "--quiet", "--message-format", "json", "--target-dir", "target/fuzz"]);
    build.args(["--manifest-path", "tests/fuzz/libfuzzer/Cargo.toml"]).stderr(Stdio::inherit());
    let output = build.output().context("cannot run cargo")?;
    if !output.status.success() {
        bail!("libFuzzer cannot be built; it needs a compiler for C++, such as Debian's package g++");
    }
    let messages = String::from_utf8_lossy(&output.stdout);
    let messages = messages.lines().filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
    let folders = messages.filter_map(|message| Some(message.get("out_dir")?.as_str()?.to_owned()));
    let libraries = folders.map(|folder| Path::new(&folder).join("libfuzzer.a"));
    libraries.into_iter().find(|file| file.exists()).context("libFuzzer was built, but not where it is looked for")
}

/// What the program has: started without a target it lists them.
fn targets(program: &Path) -> Result<Vec<Target>> {
    let output = Command::new(program).env_remove("FUZZ_TARGET").output().context("cannot run the targets")?;
    let listed = String::from_utf8_lossy(&output.stdout);
    let target = |line: &str| {
        let mut parts = line.splitn(3, ' ').map(str::to_owned);
        Some(Target { name: parts.next()?, longest: parts.next()?, reads: parts.next()? })
    };
    let targets: Vec<_> = listed.lines().filter_map(target).collect();
    if targets.is_empty() {
        bail!("the program lists no targets: {}", String::from_utf8_lossy(&output.stderr));
    }
    Ok(targets)
}

/// Where inputs of a target are.
struct Folders {
    /// The project's.
    corpus: PathBuf,
    /// Everything that reached something new on this machine.
    found: PathBuf,
    /// Those that the target begins with.
    seeds: PathBuf,
    /// Those for which something does not hold.
    findings: PathBuf,
}

impl Folders {
    fn of(target: &str) -> Result<Self> {
        let here = |kind: &str| root().join("target/fuzz").join(kind).join(target);
        let corpus = root().join("tests/fuzz/corpus").join(target);
        let folders = Self { corpus, found: here("corpus"), seeds: here("seeds"), findings: here("findings") };
        for folder in [&folders.corpus, &folders.found, &folders.seeds, &folders.findings] {
            std::fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
        }
        Ok(folders)
    }
}

/// libFuzzer with `target`, in its folder for findings.
fn started(program: &Path, target: &Target, folders: &Folders) -> Command {
    let mut command = Command::new(program);
    command.current_dir(&folders.findings);
    command.env("FUZZ_TARGET", &target.name).env("FUZZ_SEEDS", &folders.seeds);
    command.args([MOST_SECONDS, MOST_MEMORY]);
    command
}

/// Runs a target; an error if something does not hold.
fn attempt(program: &Path, target: &Target, folders: &Folders, options: &Options) -> Result<Run> {
    eprintln!("[xtask] {}: {}", target.name, target.reads);
    let mut command = started(program, target, folders);
    command.arg(format!("-runs={}", options.runs)).arg(format!("-max_len={}", target.longest));
    command.args(options.seconds.map(|seconds| format!("-max_total_time={seconds}")));
    command.arg("-print_final_stats=1").arg(format!("-dict={}", folders.seeds.with_extension("dict").display()));
    command.args([&folders.found, &folders.corpus, &folders.seeds]);
    let output = command.stdout(Stdio::null()).output().context("cannot run the targets")?;
    let said = String::from_utf8_lossy(&output.stderr);
    if !output.status.success() {
        let last: Vec<_> = said.lines().rev().take(40).collect();
        let last: Vec<_> = last.into_iter().rev().collect();
        bail!("{}\n{}: see above; the input is in {}", last.join("\n"), target.name, folders.findings.display());
    }
    Run::read(&target.name, &said).with_context(|| format!("libFuzzer says nothing of its run: {said}"))
}

/// Makes the project's corpus anew. Inputs count as the same if they reach the same edges, however often.
fn merge(program: &Path, target: &Target, folders: &Folders) -> Result<()> {
    let merged = folders.corpus.with_extension("merged");
    std::fs::create_dir_all(&merged).context("cannot make a folder for the corpus")?;
    let mut command = started(program, target, folders);
    command.args(["-set_cover_merge=1", "-use_counters=0"]).arg(format!("-max_len={}", target.longest)).arg(&merged);
    command.args([&folders.found, &folders.corpus, &folders.seeds]).stdout(Stdio::null()).stderr(Stdio::null());
    run(&mut command)?;
    let count = std::fs::read_dir(&merged).map(Iterator::count).unwrap_or_default();
    std::fs::remove_dir_all(&folders.corpus).context("cannot remove the old corpus")?;
    std::fs::rename(&merged, &folders.corpus).context("cannot put the new corpus in its place")?;
    eprintln!("[xtask] {}: a corpus of {count} inputs", target.name);
    Ok(())
}

/// Names of targets that have a corpus in the project: all of them, which a test of the targets holds.
fn with_corpus() -> Result<BTreeSet<String>> {
    let folder = root().join("tests/fuzz/corpus");
    let folders = std::fs::read_dir(&folder).with_context(|| format!("cannot read {}", folder.display()))?;
    Ok(folders.flatten().map(|folder| folder.file_name().to_string_lossy().into_owned()).collect())
}
