//! `cargo xtask examples`: builds the examples in other languages as their READMEs say, and judges them.

use crate::{kit, root, run};
use anyhow::{Result, bail};
use std::path::Path;
use std::process::{Command, ExitCode};

/// The Python example. Its tool comes from PyPI, into a virtual environment of its own.
pub fn examples() -> Result<ExitCode> {
    let folder = root().join("examples/provider-python");
    let component = folder.join("example-pay.wasm");
    python(&folder, &component)?;
    kit::kit(&kit::Options::of(component))
}

/// The same where there is a Python; else a note. Fails if the example does not pass.
pub fn test() -> Result<()> {
    if Command::new("python3").arg("--version").output().is_err() {
        eprintln!("[xtask] examples/provider-python is left out: there is no python3");
        return Ok(());
    }
    if examples()? != ExitCode::SUCCESS {
        bail!("examples/provider-python does not pass the kit");
    }
    Ok(())
}

fn python(folder: &Path, component: &Path) -> Result<()> {
    let environment = folder.join(".venv");
    let program = |name: &str| Command::new(environment.join("bin").join(name));
    if !environment.exists() {
        run(Command::new("python3").args(["-m", "venv"]).arg(&environment))?;
    }
    run(program("pip").args(["install", "--quiet", "--requirement"]).arg(folder.join("requirements.txt")))?;
    eprintln!("[xtask] building examples/provider-python");
    let mut build = program("componentize-py");
    build.arg("--wit-path").arg(root().join("wit")).args(["--world", "provider-plugin-sync", "componentize", "app"]);
    run(build.arg("--output").arg(component).current_dir(folder))
}
