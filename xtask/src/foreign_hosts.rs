//! `cargo xtask foreign-hosts`: the components in a host of which nothing is ours.

use crate::{build_programs, plugins, root, run};
use anyhow::Result;
use std::process::Command;

/// Runs the five components, as they are, in jco on a Node of the npm registry, against the simulated gateways.
pub fn foreign_hosts() -> Result<()> {
    if Command::new("npm").arg("--version").output().is_err() {
        eprintln!("[xtask] tests/foreign-hosts is left out: there is no npm");
        return Ok(());
    }
    let folder = root().join("tests/foreign-hosts");
    eprintln!("[xtask] the components in jco and Node");
    let install = ["install", "--silent", "--no-package-lock", "--no-audit", "--no-fund"];
    run(Command::new("npm").args(install).current_dir(&folder))?;
    // The system's Node may be older than the first that can wait in the middle of WebAssembly.
    let mut node = Command::new(folder.join("node_modules/.bin/node"));
    run(node.arg(folder.join("run.mjs")).arg(root().join("target/plugins")).arg(e2e::program("gateways")?))
}

/// The same after what it needs was built.
pub fn build_and_run() -> Result<()> {
    plugins::build()?;
    build_programs()?;
    foreign_hosts()
}
