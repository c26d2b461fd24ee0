//! `cargo xtask …`: everything that is not plain cargo.

#![forbid(unsafe_code)]

mod apt;
#[cfg(test)]
mod architecture;
mod bench;
#[cfg(test)]
mod contract;
mod demo;
#[cfg(test)]
mod documented_limits;
mod examples;
mod foreign_hosts;
mod fuzz;
mod kit;
mod packages;
mod page;
mod plugins;
#[cfg(test)]
mod promises;
mod torture;
mod weaken;

use anyhow::{Context, Result, bail};
use clap::Parser;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

/// Builds the components, runs the demo and the tests.
#[derive(Parser)]
#[command(name = "cargo xtask")]
enum Task {
    /// Build every plugin as a component into target/plugins.
    Plugins,
    /// The operator's whole job, step by step, and the proof that platform and gateway agree.
    Demo(demo::Options),
    /// Judge a plugin by its component file: the contract, under every fault.
    Kit(kit::Options),
    /// Build the examples in each language, judge them, have each do an operator's whole job, and measure what they cost.
    Examples(examples::Options),
    /// The components in a host that is not ours: jco and Node.
    ForeignHosts,
    /// The order platform with simulated gateways, on <http://127.0.0.1:8080>.
    Serve(page::ServeOptions),
    /// A command of the order platform on the same store, such as `user add NAME --administrator`.
    #[command(disable_help_flag = true)]
    Platform(page::PlatformOptions),
    /// Pictures of the main pages in both languages, into docs/pictures.
    Screenshots,
    /// The API against its own document, with thousands of calls.
    ApiFuzz,
    /// Crates for a registry and the contract as a package, into target/package.
    Packages,
    /// Licenses, banned crates and sources of all dependencies, by `deny.toml`. Needs cargo-deny.
    Deny,
    /// What a call and a batch cost beside what a user would pick instead, into docs/performance.md.
    Bench(bench::Options),
    /// Days full of faults and two thousand kills, judged by a model and by an independent checker; docs/proof.md.
    Torture(torture::Options),
    /// Protections switched off one at a time, and what notices it: a part of docs/proof.md.
    Weaken(weaken::Options),
    /// Inputs that libFuzzer makes up, for everything that takes input from outside; docs/fuzzing.md.
    Fuzz(fuzz::Options),
    /// Everything that must hold: format, lints, components, all tests.
    Test,
}

fn main() -> ExitCode {
    if let Some(code) = fuzz::compiler::in_its_place() {
        return code;
    }
    let done = |()| ExitCode::SUCCESS;
    let result = match Task::parse() {
        Task::Plugins => plugins::build().map(done),
        Task::Demo(options) => demo::demo(&options).map(done),
        Task::Kit(options) => kit::kit(&options),
        Task::Examples(options) => examples::examples(&options).map(done),
        Task::ForeignHosts => foreign_hosts::build_and_run().map(done),
        Task::Serve(options) => page::serve(&options).map(done),
        Task::Platform(options) => page::platform(&options).map(done),
        Task::Screenshots => page::screenshots().map(done),
        Task::ApiFuzz => page::api_fuzz().map(done),
        Task::Packages => packages::packages().map(done),
        Task::Deny => deny().map(done),
        Task::Bench(options) => bench::bench(&options).map(done),
        Task::Torture(options) => torture::torture(&options).map(done),
        Task::Weaken(options) => weaken::weaken(&options).map(done),
        Task::Fuzz(options) => fuzz::fuzz(&options).map(done),
        Task::Test => test().map(done),
    };
    match result {
        Ok(code) => code,
        // The words alone: where in xtask it happened helps nobody who ran it.
        Err(error) => {
            eprintln!("[xtask] {}", format!("{error:#}").trim_end());
            ExitCode::FAILURE
        }
    }
}

fn test() -> Result<()> {
    // Before anything is built: without it the tests of the store cannot pass.
    install_postgres()?;
    if !e2e::registry::is_installed() && !apt::install(&["docker-registry"]) {
        bail!("the tests need a registry; run `apt-get install docker-registry` as root and try again");
    }
    page::install_browser()?;
    run(cargo().args(["fmt", "--all", "--check"]))?;
    plugins::build()?;
    run(cargo().args(["clippy", "--workspace", "--all-targets", "--quiet", "--", "--deny", "warnings"]))?;
    // The whole-system tests run the programs themselves, which `cargo test` alone does not build.
    build_programs()?;
    run(cargo().args(["test", "--workspace", "--quiet"]))?;
    bench::check(false)?;
    examples::examples(&examples::Options::default())?;
    foreign_hosts::foreign_hosts()
}

fn install_postgres() -> Result<()> {
    if test_postgres::is_installed() || (apt::install(&["postgresql"]) && test_postgres::is_installed()) {
        return Ok(());
    }
    bail!("the tests need PostgreSQL's programs; run `apt-get install postgresql` as root and try again")
}

/// Tools with a `Cargo.lock` of their own.
const OTHER_WORKSPACES: [&str; 2] = ["tests/bench-peers", "tests/fuzz/libfuzzer"];

/// Not part of `test`: installing cargo-deny takes minutes, and what it looks at changes with `Cargo.lock` alone.
fn deny() -> Result<()> {
    let is_installed = cargo().args(["deny", "--version"]).output().is_ok_and(|output| output.status.success());
    if !is_installed {
        bail!("cargo-deny is not installed; run `cargo install cargo-deny --locked` and try again");
    }
    run(cargo().args(["deny", "check", "licenses", "bans", "sources"]))?;
    for workspace in OTHER_WORKSPACES {
        let manifest = format!("{workspace}/Cargo.toml");
        let rules = ["deny", "--manifest-path", &manifest, "--config", "deny.toml", "check", "bans", "sources"];
        run(cargo().args(rules))?;
    }
    Ok(())
}

/// Builds every program of the project. Always the workspace as a whole: with fewer packages cargo
/// chooses other features, and builds the same dependencies once more.
fn build_programs() -> Result<()> {
    eprintln!("[xtask] building the programs (the first time takes some minutes)");
    run(cargo().args(["build", "--workspace", "--bins"]))
}

/// The project's root folder.
fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap_or(Path::new("."))
}

/// A cargo that runs in the project's root, in the environment in which xtask itself was started.
///
/// `cargo run` describes xtask's package to it in variables. Build scripts (ring's, sqlx's) watch some of
/// them, so a cargo that inherited them would rebuild these crates and everything above them each time
/// that it and a cargo started by hand take turns.
fn cargo() -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").map_or(PathBuf::from("cargo"), PathBuf::from));
    command.current_dir(root());
    for (name, _) in std::env::vars_os().filter(|(name, _)| describes_a_package(&name.to_string_lossy())) {
        command.env_remove(name);
    }
    command
}

/// Whether `cargo run` and `cargo test` set this variable to describe the package that they run.
fn describes_a_package(variable: &str) -> bool {
    variable == "CARGO" || variable.starts_with("CARGO_PKG_") || variable.starts_with("CARGO_MANIFEST_")
}

/// Runs `command` to its end; an error if that is not success.
fn run(command: &mut Command) -> Result<()> {
    let status = command.status().with_context(|| format!("cannot run {:?}", command.get_program()))?;
    if !status.success() {
        bail!("{:?} ended with {status}", command.get_args().next().unwrap_or_default());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cargo_that_xtask_starts_does_not_take_itself_for_xtask() {
        let cargo = cargo();
        let removed: Vec<_> = cargo.get_envs().filter(|(_, value)| value.is_none()).map(|(name, _)| name).collect();
        // `cargo test` sets them for this test, as `cargo run` does for xtask.
        for variable in ["CARGO", "CARGO_MANIFEST_DIR", "CARGO_PKG_NAME"] {
            assert!(std::env::var_os(variable).is_some(), "{variable} is not set, so nothing is shown");
            assert!(removed.contains(&variable.as_ref()), "{variable} is handed on");
        }
        // What somebody set for cargo reaches it.
        assert!(!describes_a_package("CARGO_TARGET_DIR") && !describes_a_package("CARGO_HOME"));
    }
}
