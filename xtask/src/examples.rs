//! `cargo xtask examples`: builds the examples as authors of plugins do, and judges them.

use crate::{apt, build_programs, kit, root};
use anyhow::{Result, bail};
use provider_build::project::Project;
use std::process::{Command, ExitCode};

/// The examples, and the program that the language of each needs.
const EXAMPLES: [(&str, &str); 3] =
    [("provider-rust", "cargo"), ("provider-python", "python3"), ("provider-js", "npm")];

/// Builds and judges each example; those whose language is not installed are named and left out.
pub fn examples() -> Result<()> {
    build_programs()?;
    for (name, program) in EXAMPLES {
        if Command::new(program).arg("--version").output().is_err() {
            eprintln!("[xtask] examples/{name} is left out: there is no {program}");
            continue;
        }
        let folder = root().join("examples").join(name);
        if program == "cargo" {
            // The versions that everything else here is built with.
            std::fs::copy(root().join("Cargo.lock"), folder.join("Cargo.lock"))?;
        }
        eprintln!("[xtask] building examples/{name}");
        let project = Project::find(&folder)?;
        project.build(apt::install)?;
        if kit::kit(&kit::Options::of(project.component()))? != ExitCode::SUCCESS {
            bail!("examples/{name} does not pass the kit");
        }
    }
    Ok(())
}
