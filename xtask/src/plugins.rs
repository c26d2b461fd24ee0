//! Plugin crates to components.

use crate::{apt, cargo, root};
use anyhow::{Context, Result};
use provider_build::component::encode;
use provider_build::toolchain::{TARGET, Toolchain};
use std::io::IsTerminal;
use std::path::PathBuf;

/// Folders whose crates become components: the providers, and those that tests need to misbehave.
/// What plugins are written and built with stays out.
const FOLDERS: [&str; 2] = ["plugin", "tests/plugins"];
const NOT_PLUGINS: [&str; 5] = ["build", "cli", "distribution", "fees", "sdk"];

/// Where the components are put.
pub fn folder() -> PathBuf {
    root().join("target/plugins")
}

/// Builds every plugin and encodes it as a component. Prints name and size of each.
pub fn build() -> Result<()> {
    let names = names()?;
    let mut command = cargo();
    command.args(["build", "--profile", "plugin"]);
    // In a terminal cargo says how far it is; elsewhere its lines would only be in the way.
    if !std::io::stderr().is_terminal() {
        command.arg("--quiet");
    }
    for name in &names {
        command.args(["--package", name]);
    }
    Toolchain::find(apt::install)?.apply(&mut command)?;
    eprintln!("[xtask] building {} plugins (the first time takes a minute or two)", names.len());
    crate::run(&mut command)?;
    std::fs::create_dir_all(folder())?;
    for name in &names {
        let module = root().join("target").join(TARGET).join("plugin").join(format!("{}.wasm", name.replace('-', "_")));
        let size = encode(&module, &folder().join(format!("{name}.wasm")))?;
        eprintln!("[xtask] {name}.wasm {} KiB", size.div_ceil(1024));
    }
    Ok(())
}

fn names() -> Result<Vec<String>> {
    let mut names = Vec::new();
    for folder in FOLDERS {
        for entry in std::fs::read_dir(root().join(folder)).with_context(|| format!("cannot read {folder}"))? {
            let name = entry?.file_name().to_string_lossy().into_owned();
            if !NOT_PLUGINS.contains(&name.as_str()) {
                names.push(name);
            }
        }
    }
    names.sort();
    Ok(names)
}
