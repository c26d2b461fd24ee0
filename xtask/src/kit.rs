//! `cargo xtask kit FILE.wasm`: judges a plugin by its component file. See docs/conformance.md.

use crate::build_programs;
use anyhow::{Context, Result};
use clap::Parser;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

/// What is handed to `provider check`.
#[derive(Parser)]
pub struct Options {
    /// The component to judge.
    file: PathBuf,
    /// Options of `provider check`, such as --lang en.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    options: Vec<OsString>,
}

impl Options {
    /// The component `file`, with a report in English, and in `report` for machines.
    pub fn of(file: PathBuf, report: &Path) -> Self {
        Self {
            file,
            options: ["--lang", "en", "--report"].map(OsString::from).into_iter().chain([report.into()]).collect(),
        }
    }
}

/// Builds the command of authors and has it judge; ends as it ends: 0 passed, 1 failed, 2 not judged.
pub fn kit(options: &Options) -> Result<ExitCode> {
    build_programs()?;
    let mut command = Command::new(e2e::program("provider")?);
    command.arg("check").arg(&options.file).args(&options.options);
    let status = command.status().context("cannot run the kit")?;
    // Without a code it was killed: then nothing was judged.
    Ok(ExitCode::from(status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(2)))
}
