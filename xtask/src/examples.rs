//! `cargo xtask examples`: builds the examples in other languages as their READMEs say, and judges them.

use crate::{apt, go, kit, root, run};
use anyhow::{Result, bail};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

/// An example: its folder, the program that its language needs, and how it is built.
type Example = (&'static str, &'static str, fn(&Path) -> Result<()>);

const EXAMPLES: [Example; 3] = [
    ("provider-python", "python3", build_python),
    ("provider-js", "npm", build_javascript),
    // Its toolchain comes from PyPI.
    ("provider-go", "python3", build_go),
];

/// Builds and judges the examples in `languages`, or all; those whose language is not installed are named and left out.
pub fn examples(languages: &[String]) -> Result<()> {
    let is_meant =
        |name: &str| languages.is_empty() || languages.iter().any(|it| name.strip_prefix("provider-") == Some(it));
    for (name, program, build) in EXAMPLES.into_iter().filter(|(name, ..)| is_meant(name)) {
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
    let programs = python_environment(folder)?;
    let mut build = Command::new(programs.join("componentize-py"));
    build.arg("--wit-path").arg(root().join("wit")).args(["--world", "provider-plugin-sync", "componentize", "app"]);
    run(build.arg("--output").arg(component(folder)).current_dir(folder))
}

/// With Go from `PyPI`, in a virtual environment of the example's own.
fn build_go(folder: &Path) -> Result<()> {
    let programs = python_environment(folder)?;
    go::generate_bindings(folder)?;
    let core = folder.join("core.wasm");
    let mut build = Command::new(programs.join("go"));
    // What it compiled stays in the example, and it is the Go that was installed: no other is fetched.
    build.env("GOCACHE", folder.join(".gocache")).envs([
        ("GOOS", "wasip1"),
        ("GOARCH", "wasm"),
        ("GOTOOLCHAIN", "local"),
    ]);
    build.args(["build", "-buildmode=c-shared", "-ldflags=-w -s -checklinkname=0", "-o"]).arg(&core).arg(".");
    run(build.current_dir(folder))?;
    go::encode(&core, &component(folder))
}

/// Installs the example's `requirements.txt` into an environment of its own, and returns the folder of its programs.
fn python_environment(folder: &Path) -> Result<PathBuf> {
    let environment = folder.join(".venv");
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
    let programs = environment.join("bin");
    let requirements = folder.join("requirements.txt");
    run(Command::new(programs.join("pip")).args(["install", "--quiet", "--requirement"]).arg(requirements))?;
    Ok(programs)
}

/// With a tool from the npm registry, in the example's own folder.
fn build_javascript(folder: &Path) -> Result<()> {
    run(Command::new("npm").args(["install", "--silent", "--no-package-lock"]).current_dir(folder))?;
    run(Command::new("npm").args(["run", "--silent", "build"]).current_dir(folder))
}
