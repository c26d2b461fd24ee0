//! `cargo xtask kit FILE.wasm`: judges a plugin by its component file. See docs/conformance.md.

use crate::build_programs;
use anyhow::{Context, Result};
use clap::Parser;
use std::path::PathBuf;
use std::process::{Command, ExitCode};

/// Options of the kit. The kit itself has the last word on them.
#[derive(Parser)]
pub struct Options {
    /// The component to judge.
    file: PathBuf,
    /// Print the report as JSON.
    #[arg(long)]
    json: bool,
    /// Language of the report: ja or en.
    #[arg(long, default_value = "ja", value_parser = ["ja", "en"])]
    lang: String,
    /// Settings that cannot be guessed from the description: a TOML file of `key = "value"` lines.
    #[arg(long, value_name = "FILE.toml")]
    settings: Option<PathBuf>,
    /// Where the generator of odd inputs starts.
    #[arg(long)]
    seed: Option<u64>,
}

impl Options {
    /// The defaults, for the component `file`.
    pub fn of(file: PathBuf) -> Self {
        Self { file, json: false, lang: "en".to_owned(), settings: None, seed: None }
    }
}

/// Builds the kit and runs it; ends as it ends: 0 passed, 1 failed, 2 not judged.
pub fn kit(options: &Options) -> Result<ExitCode> {
    build_programs()?;
    let mut command = Command::new(e2e::program("conformance")?);
    command.arg(&options.file).args(["--lang", &options.lang]);
    if options.json {
        command.arg("--json");
    }
    if let Some(settings) = &options.settings {
        command.arg("--settings").arg(settings);
    }
    if let Some(seed) = options.seed {
        command.args(["--seed", &seed.to_string()]);
    }
    let status = command.status().context("cannot run the kit")?;
    // Without a code it was killed: then nothing was judged.
    Ok(ExitCode::from(status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(2)))
}
