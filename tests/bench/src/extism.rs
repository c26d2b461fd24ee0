//! Extism as a peer. It brings a wasmtime of another version, so it is a program of a workspace of its own
//! (`tests/bench-peers`), which only `cargo xtask bench` builds.

use anyhow::{Context, Result};
use serde::Deserialize;
use std::process::{Command, Stdio};

/// What it took, in seconds; medians.
#[derive(Debug, Clone, Deserialize)]
pub struct Measured {
    /// The fee rule in a fresh instance of a compiled plugin.
    pub fee_fresh: f64,
    /// The same in an instance that is kept.
    pub fee_warm: f64,
    /// A registration in a fresh instance: the form encoded and sent by Extism's own HTTP.
    pub register: f64,
}

/// Has it measure itself at the gateway `address`; nothing if it is not built.
pub fn measure(address: &str) -> Result<Option<Measured>> {
    let Ok(program) = e2e::program("bench-peers/release/extism-peer") else {
        eprintln!("[bench] Extism's peer is not built and left out");
        return Ok(None);
    };
    let plugin = e2e::program("bench-peers/wasm32-unknown-unknown/release/extism_plugin.wasm")?;
    let output = Command::new(program).arg(plugin).arg(address).stderr(Stdio::inherit()).output()?;
    anyhow::ensure!(output.status.success(), "Extism's peer ended with {}", output.status);
    serde_json::from_slice(&output.stdout).map(Some).context("Extism's peer said what cannot be read")
}
