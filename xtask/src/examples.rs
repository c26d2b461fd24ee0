//! `cargo xtask examples`: builds the examples as authors of plugins do, and judges them.

use crate::{apt, build_programs, kit, root};
use anyhow::{Result, bail};
use provider_build::process::output;
use provider_build::project::Project;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

/// An example: its language, the program that the language needs, and how it is built.
type Example = (&'static str, &'static str, fn(&Path) -> Result<PathBuf>);

const EXAMPLES: [Example; 4] = [
    ("rust", "cargo", build_rust),
    ("python", "python3", build),
    ("js", "npm", build),
    // Where there is no Go of its own, one comes from PyPI.
    ("go", "python3", build),
];

/// Builds and judges the examples in `languages`, or all; those whose language is not installed are named and left out.
pub fn examples(languages: &[String]) -> Result<()> {
    build_programs()?;
    let is_meant = |name: &str| languages.is_empty() || languages.iter().any(|language| language == name);
    let mut costs = Vec::new();
    for (name, program, build) in EXAMPLES.into_iter().filter(|(name, ..)| is_meant(name)) {
        let name = format!("provider-{name}");
        if Command::new(program).arg("--version").output().is_err() {
            eprintln!("[xtask] examples/{name} is left out: there is no {program}");
            continue;
        }
        eprintln!("[xtask] building examples/{name}");
        let component = build(&root().join("examples").join(&name))?;
        if kit::kit(&kit::Options::of(component.clone()))? != ExitCode::SUCCESS {
            bail!("examples/{name} does not pass the kit");
        }
        let measured = output(Command::new(e2e::program("bench")?).arg("component").arg(component))?;
        costs.push(format!("{name} {}", measured.trim()));
    }
    // Each in a process of its own, so that its memory is its own.
    println!("example | component | size | compiled | from the cache | a call | its memory |\n{}", costs.join("\n"));
    Ok(())
}

/// As `provider build` does it.
fn build(folder: &Path) -> Result<PathBuf> {
    let project = Project::find(folder)?;
    project.build(apt::install)?;
    Ok(project.component())
}

fn build_rust(folder: &Path) -> Result<PathBuf> {
    // The versions that everything else here is built with.
    std::fs::copy(root().join("Cargo.lock"), folder.join("Cargo.lock"))?;
    build(folder)
}
