//! `cargo xtask torture`: the long form of the model test, of the kills and of the checker; writes docs/proof.md.

use crate::{build_programs, install_postgres, plugins, root, run};
use anyhow::Result;
use clap::Args;
use std::process::Command;

/// How long it is.
#[derive(Args)]
pub struct Options {
    /// Simulated days; with 0 the page keeps what it says of them.
    #[arg(long)]
    days: Option<u64>,
    /// Processes that are killed at random moments, on each database; with 0 the page keeps what it says of kills.
    #[arg(long)]
    kills: Option<usize>,
    /// The first seed; another one each time by default.
    #[arg(long)]
    seed: Option<u64>,
    /// Print the page instead of writing it.
    #[arg(long)]
    print: bool,
}

/// Builds what is tortured, and tortures it.
pub fn torture(options: &Options) -> Result<()> {
    install_postgres()?;
    plugins::build()?;
    build_programs()?;
    let mut torture = Command::new(e2e::program("torture")?);
    let numbers = [
        ("--days", options.days.map(|days| days.to_string())),
        ("--kills", options.kills.map(|kills| kills.to_string())),
        ("--seed", options.seed.map(|seed| seed.to_string())),
    ];
    for (name, number) in numbers {
        torture.args(number.into_iter().flat_map(|number| [name.to_owned(), number]));
    }
    if !options.print {
        torture.arg("--docs").arg(root().join("docs"));
    }
    run(&mut torture)
}

#[cfg(test)]
mod tests {
    use crate::cargo;

    /// The features of the domain with which cargo builds what is selected.
    fn features(selection: &[&str]) -> String {
        let mut tree = cargo();
        tree.args(["tree", "--offline", "--edges", "normal,features", "--invert", "domain"]).args(selection);
        let output = tree.output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    #[test]
    fn a_platform_that_is_built_by_itself_has_no_crash_points() {
        assert!(!features(&["--package", "app"]).contains("crash-points"));
        // The tests' own build has them, or the kills would kill nothing.
        assert!(features(&["--workspace"]).contains("crash-points"));
    }
}
