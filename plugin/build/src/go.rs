//! Plugins in Go: bindings, Go's compiler, and from its core module to a component.

use crate::component::encode_module;
use crate::process::{output, run};
use crate::project::{SYNC_WORLD, python_environment};
use anyhow::{Context, Result};
use std::path::{Path, PathBuf};
use std::process::Command;
use wasi_preview1_component_adapter_provider::{
    WASI_SNAPSHOT_PREVIEW1_ADAPTER_NAME as ADAPTER, WASI_SNAPSHOT_PREVIEW1_REACTOR_ADAPTER,
};
use wit_bindgen_core::Files;
use wit_component::{StringEncoding, embed_component_metadata};
use wit_parser::{Resolve, WorldId};

/// What the bindings need at run time, as the generator's crate has it, by the paths in the plugin's folder.
const RUNTIME: [(&str, &str); 12] = [
    ("go.mod", include_str!("../go-runtime/go.mod")),
    ("LICENSE", include_str!("../go-runtime/LICENSE")),
    ("wit/async/async.go", include_str!("../go-runtime/wit/async/async.go")),
    ("wit/async/empty.s", include_str!("../go-runtime/wit/async/empty.s")),
    ("wit/runtime/empty.s", include_str!("../go-runtime/wit/runtime/empty.s")),
    ("wit/runtime/runtime.go", include_str!("../go-runtime/wit/runtime/runtime.go")),
    ("wit/types/future.go", include_str!("../go-runtime/wit/types/future.go")),
    ("wit/types/option.go", include_str!("../go-runtime/wit/types/option.go")),
    ("wit/types/result.go", include_str!("../go-runtime/wit/types/result.go")),
    ("wit/types/stream.go", include_str!("../go-runtime/wit/types/stream.go")),
    ("wit/types/tuple.go", include_str!("../go-runtime/wit/types/tuple.go")),
    ("wit/types/unit.go", include_str!("../go-runtime/wit/types/unit.go")),
];
/// The folder that it is written into, which `go.mod` names.
const RUNTIME_FOLDER: &str = "runtime";

/// Builds the plugin in `folder`, which is absolute, as `component`.
pub(crate) fn build(folder: &Path, component: &Path, install: impl Fn(&[&str]) -> bool) -> Result<()> {
    let manifest = std::fs::read_to_string(folder.join("go.mod")).context("cannot read go.mod")?;
    let module = module(&manifest).context("go.mod names no module")?;
    let go = compiler(folder, oldest(&manifest), install)?;
    let (resolve, world) = contract(folder)?;
    generate_bindings(folder, module, resolve.clone(), world)?;
    let core = folder.join("core.wasm");
    let mut build = Command::new(go);
    // What it compiled stays in the plugin's folder.
    build.env("GOCACHE", folder.join(".gocache")).envs([("GOOS", "wasip1"), ("GOARCH", "wasm")]);
    // As installed: another one would be fetched.
    build.env("GOTOOLCHAIN", "local");
    build.args(["build", "-buildmode=c-shared", "-ldflags=-w -s -checklinkname=0", "-o"]).arg(&core).arg(".");
    run(build.current_dir(folder))?;
    encode(&core, component, &resolve, world)
}

/// The path of the module that the text of a `go.mod` is for.
pub(crate) fn module(manifest: &str) -> Option<&str> {
    manifest.lines().find_map(|line| line.strip_prefix("module ")).map(str::trim)
}

/// Go as it is installed, if that is as new as the module asks for, or from `PyPI`, in a virtual environment of the
/// plugin's own.
fn compiler(folder: &Path, oldest: Version, install: impl Fn(&[&str]) -> bool) -> Result<PathBuf> {
    let installed =
        output(Command::new("go").args(["env", "GOVERSION"]).current_dir(folder).env("GOTOOLCHAIN", "local"));
    match installed.ok().and_then(|version| self::version(version.trim().strip_prefix("go")?)) {
        Some(version) if version >= oldest => Ok(PathBuf::from("go")),
        _ => Ok(python_environment(folder, install)?.join("go")),
    }
}

/// A version of Go: 1, 27 and 3 of 1.27.3.
type Version = [u32; 3];

/// The version in `text`; what is missing of it is 0. One before a release, such as 1.28rc1, counts as the release.
fn version(text: &str) -> Option<Version> {
    let number = |part: &str| part.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok();
    let mut parts = text.split('.');
    let (major, minor) = (number(parts.next()?)?, number(parts.next()?)?);
    Some([major, minor, parts.next().map_or(Some(0), number)?])
}

/// The oldest Go that the text of a `go.mod` allows; the compiler refuses an older one.
fn oldest(manifest: &str) -> Version {
    manifest.lines().find_map(|line| version(line.strip_prefix("go ")?.trim())).unwrap_or_default()
}

fn contract(folder: &Path) -> Result<(Resolve, WorldId)> {
    let mut resolve = Resolve::default();
    let (package, _) = resolve.push_dir(folder.join("wit"))?;
    let world = resolve.select_world(&[package], Some(SYNC_WORLD))?;
    Ok((resolve, world))
}

/// Writes the bindings of the module into `folder`, and what they need at run time.
fn generate_bindings(folder: &Path, module: &str, mut resolve: Resolve, world: WorldId) -> Result<()> {
    let mut files = Files::default();
    let options = wit_bindgen_go::Opts { pkg_name: Some(module.to_owned()), ..wit_bindgen_go::Opts::default() };
    options.build().generate(&mut resolve, world, &mut files)?;
    let bindings = files.iter().map(|(name, content)| (folder.join(name), content));
    let runtime = folder.join(RUNTIME_FOLDER);
    let runtime = RUNTIME.iter().map(|(name, content)| (runtime.join(name), content.as_bytes()));
    for (path, content) in bindings.chain(runtime) {
        std::fs::create_dir_all(path.parent().unwrap_or(folder))
            .and_then(|()| std::fs::write(&path, content))
            .with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(())
}

/// Makes a component of the core module that Go's compiler wrote.
fn encode(core: &Path, component: &Path, resolve: &Resolve, world: WorldId) -> Result<()> {
    let mut module = std::fs::read(core).with_context(|| format!("cannot read {}", core.display()))?;
    embed_component_metadata(&mut module, resolve, world, StringEncoding::UTF8, false)?;
    encode_module(&module, Some((ADAPTER, WASI_SNAPSHOT_PREVIEW1_REACTOR_ADAPTER)), component)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::toolchain;

    /// A Go that is older than the module asks for is passed over, or its compiler would refuse the module.
    #[test]
    fn the_module_says_which_go_is_new_enough() {
        let example = include_str!("../../../examples/provider-go/go.mod");
        assert!(version("1.27.0").unwrap() < oldest(example) && version("1.28").unwrap() >= oldest(example));
        let runtime = RUNTIME.iter().find(|(name, _)| *name == "go.mod").unwrap().1;
        assert!(oldest(example) >= oldest(runtime), "the bindings need it");
        assert_eq!(oldest("module x\n"), [0, 0, 0]);
    }

    /// The bindings name a version of it, which is the one in the generator's package.
    #[test]
    fn the_runtime_package_is_the_generator_s_own() {
        // For this machine alone, so that nothing is downloaded that was not compiled.
        let target = toolchain::host_target().unwrap();
        let mut metadata = Command::new("cargo");
        metadata.args(["metadata", "--offline", "--format-version", "1", "--filter-platform", &target]);
        let metadata: serde_json::Value = serde_json::from_str(&output(&mut metadata).unwrap()).unwrap();
        let packages = metadata["packages"].as_array().unwrap();
        let package = packages.iter().find(|package| package["name"] == "wit-bindgen-go").unwrap();
        let sources = Path::new(package["manifest_path"].as_str().unwrap()).with_file_name("src").join("pkg");
        for (name, own) in RUNTIME {
            assert_eq!(std::fs::read_to_string(sources.join(name)).unwrap(), own, "{name}");
        }
        for folder in ["async", "runtime", "types"] {
            let theirs = std::fs::read_dir(sources.join("wit").join(folder)).unwrap().count();
            let prefix = format!("wit/{folder}/");
            assert_eq!(RUNTIME.iter().filter(|(name, _)| name.starts_with(&prefix)).count(), theirs, "{folder}");
        }
    }

    #[test]
    fn a_module_and_a_version_are_read() {
        assert_eq!(module("// x\nmodule git.example/me/my-pay\n\ngo 1.27\n"), Some("git.example/me/my-pay"));
        assert_eq!(version("1.27.3"), Some([1, 27, 3]));
        assert_eq!((version("1.30rc1"), version("devel")), (Some([1, 30, 0]), None));
    }
}
