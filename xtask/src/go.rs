//! A component written in Go: its bindings, and the component of what Go's compiler makes.

use crate::{cargo, root};
use anyhow::{Context, Result};
use provider_build::toolchain;
use std::path::{Path, PathBuf};
use wasi_preview1_component_adapter_provider::{
    WASI_SNAPSHOT_PREVIEW1_ADAPTER_NAME as ADAPTER, WASI_SNAPSHOT_PREVIEW1_REACTOR_ADAPTER,
};
use wit_bindgen_core::Files;
use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::{Resolve, WorldId};

/// Go has no asynchronous exports.
const WORLD: &str = "provider-plugin-sync";

/// Writes the bindings into `folder`.
pub fn generate_bindings(folder: &Path) -> Result<()> {
    let (mut resolve, world) = contract()?;
    let mut files = Files::default();
    wit_bindgen_go::Opts::default().build().generate(&mut resolve, world, &mut files)?;
    for (name, content) in files.iter() {
        let path = folder.join(name);
        std::fs::create_dir_all(path.parent().unwrap_or(folder))?;
        std::fs::write(&path, content).with_context(|| format!("cannot write {}", path.display()))?;
    }
    let workspace =
        format!("go 1.25.0\n\nuse .\n\nreplace go.bytecodealliance.org/pkg => {}\n", runtime_package()?.display());
    Ok(std::fs::write(folder.join("go.work"), workspace)?)
}

/// Makes a component of the core module that Go's compiler wrote.
pub fn encode(core: &Path, component: &Path) -> Result<()> {
    let (resolve, world) = contract()?;
    let mut module = std::fs::read(core).with_context(|| format!("cannot read {}", core.display()))?;
    embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8, false)?;
    let mut encoder = ComponentEncoder::default();
    let encoder = encoder.validate(true).module(&module)?.adapter(ADAPTER, WASI_SNAPSHOT_PREVIEW1_REACTOR_ADAPTER)?;
    Ok(std::fs::write(component, encoder.encode()?)?)
}

fn contract() -> Result<(Resolve, WorldId)> {
    let mut resolve = Resolve::default();
    let (package, _) = resolve.push_dir(root().join("wit"))?;
    let world = resolve.select_world(&[package], Some(WORLD))?;
    Ok((resolve, world))
}

/// The Go package that the bindings import. The generator's crate has its source, so nothing is fetched.
fn runtime_package() -> Result<PathBuf> {
    // For this machine alone, so that nothing is downloaded that was not compiled.
    let target = toolchain::host_target()?;
    let output = cargo().args(["metadata", "--format-version", "1", "--filter-platform", &target]).output()?;
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout)?;
    let packages = metadata["packages"].as_array().context("cargo metadata names no packages")?;
    let manifest = packages
        .iter()
        .find(|package| package["name"] == "wit-bindgen-go")
        .and_then(|package| package["manifest_path"].as_str())
        .context("cargo metadata has no wit-bindgen-go")?;
    Ok(Path::new(manifest).with_file_name("src").join("pkg"))
}
