//! `cargo xtask bench`: builds what is measured and its peers, has it measured, and has the page written.

use crate::{apt, build_programs, cargo, plugins, root, run};
use anyhow::{Result, bail};
use clap::Args;
use provider_build::toolchain::Toolchain;
use std::path::PathBuf;
use std::process::{Command, Stdio};

/// What a run measures.
#[derive(Args)]
pub struct Options {
    /// Compare what can be counted (instructions, connections, commits, sizes) with the committed figures instead;
    /// an error if one is more than a tenth above.
    #[arg(long, conflicts_with_all = ["short", "without_extism", "only"])]
    check: bool,
    /// With --check: commit what was counted.
    #[arg(long, requires = "check")]
    write: bool,
    /// Fewer calls and smaller batches, and the table alone.
    #[arg(long)]
    short: bool,
    /// Only this part, and the table alone: call, worlds, calls-at-once, plugins, batch, postgresql or list. May be
    /// given again.
    #[arg(long, value_name = "PART")]
    only: Vec<String>,
    /// Leave Extism out, whose own wasmtime takes minutes to build.
    #[arg(long)]
    without_extism: bool,
}

/// Programs that count, and the packages in which Debian has them.
const COUNTERS: [&str; 2] = ["valgrind", "strace"];
/// A workspace of its own, see there.
const PEERS: &str = "tests/bench-peers";

/// Measures, or compares with the committed figures.
pub fn bench(options: &Options) -> Result<()> {
    plugins::build()?;
    if options.check {
        build_programs()?;
        return check(options.write);
    }
    install_counters()?;
    eprintln!("[xtask] building what is measured, optimised (the first time takes some minutes)");
    let programs = ["-p", "bench", "-p", "app", "-p", "deferred-payment-gateways"];
    // What counts under valgrind is not what is measured.
    let features = ["--no-default-features", "--features", "bench/peers,app/sandbox"];
    run(cargo().args(["build", "--release", "--bins"]).args(programs).args(features))?;
    if !options.without_extism {
        build_peers()?;
    }
    let mut bench = Command::new(e2e::program("release/bench")?);
    if options.short {
        bench.arg("--short");
    } else if options.only.is_empty() {
        bench.arg("--docs").arg(root().join("docs"));
    }
    for part in &options.only {
        bench.args(["--only", part]);
    }
    run(&mut bench)
}

/// Compares what the everyday build costs, which has been built, with the committed figures.
pub fn check(write: bool) -> Result<()> {
    install_counters()?;
    let mut bench = Command::new(e2e::program("bench")?);
    bench.arg("check");
    if write {
        bench.arg("--write");
    }
    run(&mut bench)
}

fn install_counters() -> Result<()> {
    let is_there = |program: &&str| {
        let mut version = Command::new(program);
        version
            .arg("--version")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .is_ok_and(|status| status.success())
    };
    let there = || COUNTERS.iter().all(is_there);
    if there() || (apt::install(&COUNTERS) && there()) {
        return Ok(());
    }
    bail!(
        "instructions and commits are counted by other programs; run `apt-get install {}` as root and try again",
        COUNTERS.join(" ")
    )
}

fn build_peers() -> Result<()> {
    eprintln!("[xtask] building Extism as a peer (the first time takes some minutes)");
    let target: PathBuf = root().join("target/bench-peers");
    let manifest = root().join(PEERS).join("Cargo.toml");
    let build = |package: &str| {
        let mut command = cargo();
        command.args(["build", "--release", "--locked", "-p", package, "--manifest-path"]).arg(&manifest);
        command.arg("--target-dir").arg(&target);
        command
    };
    run(&mut build("extism-peer"))?;
    let mut plugin = build("extism-plugin");
    Toolchain::find(crate::apt::install)?.apply(&mut plugin)?;
    run(&mut plugin)
}
