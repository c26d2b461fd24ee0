//! `cargo xtask examples`: builds the examples in other languages as their READMEs say, and judges them.

use crate::{apt, kit, root, run};
use anyhow::{Result, bail};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

/// An example: its folder, the program that its language needs, and how it is built.
type Example = (&'static str, &'static str, fn(&Path) -> Result<()>);

const EXAMPLES: [Example; 2] = [("provider-python", "python3", build_python), ("provider-js", "npm", build_javascript)];

/// Builds and judges each example; those whose language is not installed are named and left out.
pub fn examples() -> Result<()> {
    for (name, program, build) in EXAMPLES {
        if Command::new(program).arg("--version").output().is_err() {
            eprintln!("[xtask] examples/{name} is left out: there is no {program}");
            continue;
        }
        let folder = root().join("examples").join(name);
        eprintln!("[xtask] building examples/{name}");
        build(&folder)?;
        if kit::kit(&kit::Options::of(component(&folder)))? != ExitCode::SUCCESS {
            bail!("examples/{name} does not pass the kit");
        }
    }
    Ok(())
}

fn component(folder: &Path) -> PathBuf {
    folder.join("example-pay.wasm")
}

/// With a tool from `PyPI`, in a virtual environment of the example's own.
fn build_python(folder: &Path) -> Result<()> {
    let environment = folder.join(".venv");
    let program = |name: &str| Command::new(environment.join("bin").join(name));
    if !environment.exists() {
        let made = || run(Command::new("python3").args(["-m", "venv"]).arg(&environment));
        // Debian keeps what a virtual environment needs in a package of its own.
        if let Err(error) = made() {
            if !apt::install(&["python3-venv"]) {
                return Err(error);
            }
            made()?;
        }
    }
    run(program("pip").args(["install", "--quiet", "--requirement"]).arg(folder.join("requirements.txt")))?;
    let mut build = program("componentize-py");
    build.arg("--wit-path").arg(root().join("wit")).args(["--world", "provider-plugin-sync", "componentize", "app"]);
    run(build.arg("--output").arg(component(folder)).current_dir(folder))
}

/// With a tool from the npm registry, in the example's own folder.
fn build_javascript(folder: &Path) -> Result<()> {
    run(Command::new("npm").args(["install", "--silent", "--no-package-lock"]).current_dir(folder))?;
    run(Command::new("npm").args(["run", "--silent", "build"]).current_dir(folder))
}
