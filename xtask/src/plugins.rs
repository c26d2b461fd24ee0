//! Plugin crates to components.

use crate::toolchain::{TARGET, Toolchain};
use crate::{cargo, root};
use anyhow::{Context, Result};
use std::io::IsTerminal;
use std::path::PathBuf;
use wit_component::ComponentEncoder;

/// Folders whose crates become components: the providers, and those that tests need to misbehave.
/// The SDK is a library and stays out.
const FOLDERS: [&str; 2] = ["plugin", "tests/plugins"];
const NOT_PLUGINS: [&str; 1] = ["sdk"];

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
    Toolchain::find()?.apply(&mut command)?;
    eprintln!("[xtask] building {} plugins (the first time takes a minute or two)", names.len());
    crate::run(&mut command)?;
    std::fs::create_dir_all(folder())?;
    for name in &names {
        let size = encode(name).with_context(|| format!("cannot make a component of {name}"))?;
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

fn encode(name: &str) -> Result<usize> {
    let module = root().join("target").join(TARGET).join("plugin").join(format!("{}.wasm", name.replace('-', "_")));
    let module = std::fs::read(&module).with_context(|| format!("cannot read {}", module.display()))?;
    let component = ComponentEncoder::default().validate(true).module(&module)?.encode()?;
    let path = folder().join(format!("{name}.wasm"));
    // Only if it changed: a new time would make the host's users look twice.
    if std::fs::read(&path).ok().as_deref() != Some(&component) {
        std::fs::write(&path, &component)?;
    }
    Ok(component.len())
}
