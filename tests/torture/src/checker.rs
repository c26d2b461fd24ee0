//! The independent checker, which is a program of its own in another language: `tests/checker/check.py`.

use anyhow::{Context, Result, bail};
use serde_json::Value;
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Histories that one start of the checker is given: as many as a command line takes with ease.
const AT_ONCE: usize = 1_000;

/// The folder of the checker.
pub fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../checker")
}

/// Has the checker judge `histories`, each under its name; how many orders they are about.
///
/// # Errors
/// What it found, or that it could not be run.
pub fn check(histories: &[(String, Vec<Value>)]) -> Result<usize> {
    let folder_of_histories = tempfile::tempdir()?;
    let mut orders = 0;
    for histories in histories.chunks(AT_ONCE) {
        let mut command = Command::new("python3");
        command.arg("-B").arg(folder().join("check.py"));
        for (name, history) in histories {
            let mut text = String::new();
            for line in history {
                writeln!(text, "{line}")?;
                orders += usize::from(line["kind"] == "order");
            }
            let path = folder_of_histories.path().join(name).with_extension("jsonl");
            std::fs::write(&path, text)?;
            command.arg(path);
        }
        let ended = command.output().context("cannot run python3; install the package python3")?;
        if !ended.status.success() {
            let said = [ended.stdout, ended.stderr].concat();
            bail!("the independent checker refuses the run:\n{}", String::from_utf8_lossy(&said));
        }
    }
    Ok(orders)
}
