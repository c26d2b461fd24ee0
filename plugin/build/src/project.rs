//! A plugin's folder: its language, and what it is built with.

use crate::component::encode;
use crate::go;
use crate::process::{output, run};
use crate::toolchain::{TARGET, Toolchain};
use anyhow::{Context, Result, bail};
use clap::ValueEnum;
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The world of the contract that tools without async exports make.
pub(crate) const SYNC_WORLD: &str = "provider-plugin-sync";

/// A language that plugins are written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Language {
    /// Rust, with the SDK.
    Rust,
    /// Python, with componentize-py.
    Python,
    /// JavaScript, with componentize-js.
    Js,
    /// Go, with bindings and an adapter that are in here.
    Go,
}

impl Language {
    /// Each with the file that tells it.
    const MANIFESTS: [(Self, &'static str); 4] = [
        (Self::Rust, "Cargo.toml"),
        (Self::Python, "pyproject.toml"),
        (Self::Js, "package.json"),
        (Self::Go, "go.mod"),
    ];

    /// The name of its template.
    pub fn template(self) -> &'static str {
        match self {
            Self::Rust => "rust",
            Self::Python => "python",
            Self::Js => "js",
            Self::Go => "go",
        }
    }
}

/// A plugin's folder.
pub struct Project {
    folder: PathBuf,
    language: Language,
    name: String,
}

impl Project {
    /// The project in `folder`, by its manifest.
    pub fn find(folder: &Path) -> Result<Self> {
        let found = Language::MANIFESTS.iter().find(|(_, manifest)| folder.join(manifest).exists());
        let Some((language, manifest)) = found else {
            bail!(
                "{} is no plugin's folder: it has none of {}; `provider new NAME` begins one",
                folder.display(),
                Language::MANIFESTS.map(|(_, manifest)| manifest).join(", ")
            );
        };
        let text = std::fs::read_to_string(folder.join(manifest)).with_context(|| format!("cannot read {manifest}"))?;
        let name = name(*language, &text).with_context(|| format!("{manifest} has no name of a package"))?;
        // The tools run in the folder, and take paths as they see them.
        let folder = std::path::absolute(folder)?;
        Ok(Self { folder, language: *language, name })
    }

    /// Where its component is put.
    pub fn component(&self) -> PathBuf {
        self.folder.join(format!("{}.wasm", self.name))
    }

    /// Builds it; the component's size in bytes. What is not installed may be installed by `install`, which is
    /// given names of Debian's packages and says whether it did.
    pub fn build(&self, install: impl Fn(&[&str]) -> bool) -> Result<u64> {
        match self.language {
            Language::Rust => self.build_rust(install)?,
            Language::Python => self.build_python(install)?,
            Language::Js => self.build_js()?,
            Language::Go => go::build(&self.folder, &self.component(), install)?,
        }
        let component = self.component();
        let size = std::fs::metadata(&component).with_context(|| format!("{} was not built", component.display()))?;
        Ok(size.len())
    }

    fn build_rust(&self, install: impl Fn(&[&str]) -> bool) -> Result<()> {
        let mut build = self.command("cargo");
        build.args(["build", "--release", "--lib"]);
        Toolchain::find(install)?.apply(&mut build)?;
        run(&mut build)?;
        let metadata = output(self.command("cargo").args(["metadata", "--no-deps", "--format-version", "1"]))?;
        let metadata: Value = serde_json::from_str(&metadata).context("cargo metadata is no JSON")?;
        let target = metadata["target_directory"].as_str().context("cargo names no target folder")?;
        let module = format!("{}.wasm", self.name.replace('-', "_"));
        encode(&Path::new(target).join(TARGET).join("release").join(module), &self.component())?;
        Ok(())
    }

    /// With a tool from `PyPI`, in a virtual environment of the project's own.
    fn build_python(&self, install: impl Fn(&[&str]) -> bool) -> Result<()> {
        let manifest: toml::Table = self.text("pyproject.toml")?.parse().context("pyproject.toml is no TOML")?;
        let asked = manifest.get("project").and_then(|project| project.get("requires-python")?.as_str());
        let installed = output(Command::new("python3").arg("--version"))?;
        // Without it pip would only say that it finds no version of what it is to install.
        check_version("python3", asked, installed.trim().trim_start_matches("Python "))?;
        let mut build = self.command(python_environment(&self.folder, install)?.join("componentize-py"));
        build.args(["--wit-path", "wit", "--world", SYNC_WORLD, "componentize", "app", "--output"]);
        run(build.arg(self.component()))
    }

    /// With a tool from the npm registry, in the project's own folder.
    fn build_js(&self) -> Result<()> {
        let manifest: Value = serde_json::from_str(&self.text("package.json")?).context("package.json is no JSON")?;
        let installed = output(Command::new("node").arg("--version"))?;
        check_version("node", manifest["engines"]["node"].as_str(), installed.trim().trim_start_matches('v'))?;
        run(self.command("npm").args(["install", "--loglevel=error", "--no-audit", "--no-fund"]))
            .context("what package.json asks for is not installed; the first time it comes from the npm registry")?;
        run(self.command("npm").args(["run", "--silent", "build"]))
    }

    fn text(&self, name: &str) -> Result<String> {
        std::fs::read_to_string(self.folder.join(name)).with_context(|| format!("cannot read {name}"))
    }

    fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = Command::new(program);
        command.current_dir(&self.folder);
        command
    }
}

/// Installs the `requirements.txt` of `folder`, which is absolute, into an environment of its own; the folder of its
/// programs.
pub fn python_environment(folder: &Path, install: impl Fn(&[&str]) -> bool) -> Result<PathBuf> {
    let environment = folder.join(".venv");
    let programs = environment.join("bin");
    // One that was not made to its end has no pip.
    if !programs.join("pip").exists() {
        let made = || run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&environment));
        // Debian keeps what a virtual environment needs in a package of its own.
        if let Err(error) = made() {
            if !install(&["python3-venv"]) {
                return Err(
                    error.context("Python makes no virtual environment; on Debian: apt-get install python3-venv")
                );
            }
            made()?;
        }
    }
    let requirements = folder.join("requirements.txt");
    let mut pip = Command::new(programs.join("pip"));
    run(pip.args(["install", "--quiet", "--disable-pip-version-check", "--requirement"]).arg(requirements))
        .context("what requirements.txt asks for is not installed; the first time it comes from PyPI")?;
    Ok(programs)
}

/// An error if the version `installed` of `program` is older than a manifest asks for, as in `>=3.10`.
fn check_version(program: &str, asked: Option<&str>, installed: &str) -> Result<()> {
    let version = |text: &str| {
        let mut parts = text.trim().split('.').map(|part| part.parse::<u32>().ok());
        Some((parts.next()??, parts.next().flatten().unwrap_or_default()))
    };
    let oldest = asked.and_then(|asked| asked.trim().strip_prefix(">="));
    match (oldest, oldest.and_then(version), version(installed)) {
        (Some(oldest), Some(least), Some(found)) if found < least => bail!(
            "{program} is {installed}, and the plugin needs {oldest} or newer: install that, and put it first in PATH"
        ),
        _ => Ok(()),
    }
}

/// The package's name in the text of its manifest.
fn name(language: Language, manifest: &str) -> Option<String> {
    let of_table = |part: &str| {
        let table: toml::Table = manifest.parse().ok()?;
        Some(table.get(part)?.get("name")?.as_str()?.to_owned())
    };
    match language {
        Language::Rust => of_table("package"),
        Language::Python => of_table("project"),
        Language::Js => Some(serde_json::from_str::<Value>(manifest).ok()?["name"].as_str()?.to_owned()),
        // A module's path can be its address.
        Language::Go => go::module(manifest)?.rsplit('/').next().map(str::to_owned),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tool_that_is_too_old_is_told_from_one_that_is_not() {
        let refused = check_version("python3", Some(">=3.10"), "3.9.18").unwrap_err().to_string();
        assert!(refused.contains("python3 is 3.9.18") && refused.contains("needs 3.10 or newer"), "{refused}");
        assert!(check_version("node", Some(">=20"), "18.19.0").is_err());
        for (asked, installed) in [(">=3.10", "3.10.0"), (">=3.10", "4.0.0"), (">=20", "20.0.1"), (">=20", "unknown")] {
            check_version("x", Some(asked), installed).unwrap();
        }
        check_version("x", None, "0.1").unwrap();
    }
}
