//! Where a Rust plugin finds the SDK.
//!
//! Unless told otherwise, its sources are written into the plugin's own folder, beside the contract: they fit the kit
//! in this very program, and nothing but crates.io is needed to build.

use crate::templates;
use anyhow::{Context, Result, bail};
use std::path::Path;
use toml::{Table, Value};

/// The crates of the SDK: the embedded folder, and the name of the package.
const CRATES: [(&str, &str); 2] = [("fees", "deferred-payment-fees"), ("sdk", PACKAGE)];
/// The package that a plugin depends on.
pub const PACKAGE: &str = "deferred-payment-provider-sdk";
/// The folder of the SDK's sources within a plugin's.
const VENDOR: &str = "vendor";

/// Where the SDK comes from.
#[derive(Debug, Clone, Default)]
pub enum Source {
    /// Its sources, written into the plugin's folder.
    #[default]
    Vendored,
    /// A folder.
    Path(String),
    /// A repository; behind `#` a commit, tag or branch.
    Git(String),
    /// A version in the registry.
    Version(String),
}

impl std::str::FromStr for Source {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let text = text.to_owned();
        let is_version = text.starts_with(|c: char| c.is_ascii_digit());
        Ok(match text {
            text if text == "vendored" => Self::Vendored,
            text if text.contains("://") || text.starts_with("git@") => Self::Git(text),
            text if is_version && !text.contains('/') => Self::Version(text),
            text => Self::Path(text),
        })
    }
}

impl Source {
    /// The dependency on the SDK, as a line of a manifest in `folder`.
    pub fn dependency(&self, folder: &Path) -> Result<String> {
        let mut value = Table::new();
        let mut set = |key: &str, text: &str| value.insert(key.to_owned(), text.into());
        match self {
            Self::Vendored => drop(set("path", &format!("{VENDOR}/{PACKAGE}"))),
            Self::Path(path) => {
                let found = std::fs::canonicalize(path).with_context(|| format!("there is no SDK at {path}"))?;
                if !found.join("Cargo.toml").exists() {
                    bail!("there is no SDK at {path}: no Cargo.toml; name the folder plugin/sdk of its repository");
                }
                let from = std::fs::canonicalize(folder).unwrap_or_else(|_| folder.to_owned());
                set("path", &relative(&found, &from).to_string_lossy());
            }
            Self::Git(address) => {
                let (address, revision) = address.split_once('#').unwrap_or((address, ""));
                set("git", address);
                if !revision.is_empty() {
                    set("rev", revision);
                }
            }
            Self::Version(version) => drop(set("version", version)),
        }
        Ok(format!("{PACKAGE} = {}", Value::Table(value)))
    }

    /// Writes what has to be in the plugin's `folder`.
    pub fn write(&self, folder: &Path) -> Result<()> {
        if !matches!(self, Self::Vendored) {
            return Ok(());
        }
        for (from, package) in CRATES {
            let folder = folder.join(VENDOR).join(package);
            templates::write_folder(&format!("{from}/src"), &folder.join("src"))?;
            templates::write(&folder.join("Cargo.toml"), manifest(from)?.as_bytes())?;
        }
        templates::write_contract(&folder.join(VENDOR).join(PACKAGE).join("wit"))
    }
}

/// The way from the folder `from` to `to`, both absolute; absolute where they have nothing in common.
fn relative(to: &Path, from: &Path) -> std::path::PathBuf {
    let (mut to_parts, mut from_parts) = (to.components().peekable(), from.components().peekable());
    while to_parts.peek().is_some() && to_parts.peek() == from_parts.peek() {
        to_parts.next();
        from_parts.next();
    }
    from_parts.map(|_| std::path::Component::ParentDir).chain(to_parts).collect()
}

/// The manifest of the embedded crate `from`, with the values that it takes from this project's workspace written
/// into it. `cargo package` does the same.
fn manifest(from: &str) -> Result<String> {
    let workspace: Table = templates::text("workspace.toml")?.parse()?;
    let workspace = workspace.get("workspace").and_then(Value::as_table).context("the workspace has a manifest")?;
    let mut manifest: Table = templates::text(&format!("{from}/manifest.toml"))?.parse()?;
    // Lints are for those who change it; its tests stay here.
    for part in ["lints", "dev-dependencies"] {
        manifest.remove(part);
    }
    let given = |part: &str| workspace.get(part).and_then(Value::as_table);
    if let (Some(package), Some(given)) = (manifest.get_mut("package").and_then(Value::as_table_mut), given("package"))
    {
        for (key, value) in package.iter_mut().filter(|(_, value)| is_inherited(value)) {
            *value = given.get(key).with_context(|| format!("the workspace has no {key}"))?.clone();
        }
    }
    let dependencies = manifest.get_mut("dependencies").and_then(Value::as_table_mut);
    if let (Some(dependencies), Some(given)) = (dependencies, given("dependencies")) {
        for (key, value) in dependencies.iter_mut().filter(|(_, value)| is_inherited(value)) {
            *value = dependency(key, value, given.get(key).with_context(|| format!("the workspace has no {key}"))?);
        }
    }
    Ok(manifest.to_string())
}

fn is_inherited(value: &Value) -> bool {
    value.get("workspace").is_some()
}

/// The dependency on `key`: what the workspace has of it (`given`), and what the crate itself says besides.
fn dependency(key: &str, own: &Value, given: &Value) -> Value {
    let mut result = match given {
        Value::Table(table) => table.clone(),
        version => Table::from_iter([("version".to_owned(), version.clone())]),
    };
    let besides = own.as_table().into_iter().flatten().filter(|(key, _)| *key != "workspace");
    result.extend(besides.map(|(key, value)| (key.clone(), value.clone())));
    // A crate of the SDK lies beside this one.
    if let Some((_, package)) = CRATES.iter().find(|(_, package)| *package == key) {
        result.insert("path".to_owned(), format!("../{package}").into());
    }
    Value::Table(result)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sdk_s_manifest_needs_no_workspace() {
        for (from, package) in CRATES {
            let manifest = manifest(from).unwrap();
            let table: Table = manifest.parse().unwrap();
            assert_eq!(table["package"]["name"].as_str(), Some(package));
            assert!(!manifest.contains("workspace"), "{manifest}");
        }
        let table: Table = manifest("sdk").unwrap().parse().unwrap();
        let dependencies = &table["dependencies"];
        assert_eq!(dependencies["deferred-payment-fees"]["path"].as_str(), Some("../deferred-payment-fees"));
        assert_eq!(dependencies["http"]["version"].as_str(), Some("1"));
        assert_eq!(dependencies["proptest"]["optional"].as_bool(), Some(true));
    }

    #[test]
    fn a_source_is_told_by_its_form() {
        let line = |text: &str| text.parse::<Source>().unwrap().dependency(Path::new(".")).unwrap();
        assert!(line("vendored").contains("path = \"vendor/deferred-payment-provider-sdk\""));
        assert!(line("0.1").contains("version = \"0.1\""));
        let git = line("https://git.example/x.git#abc");
        assert!(git.contains("git = \"https://git.example/x.git\"") && git.contains("rev = \"abc\""), "{git}");
        assert!("nowhere/sdk".parse::<Source>().unwrap().dependency(Path::new(".")).is_err());
    }

    #[test]
    fn a_path_is_seen_from_the_plugin_s_folder() {
        assert_eq!(relative(Path::new("/a/sdk"), Path::new("/a/b/c")), Path::new("../../sdk"));
        assert_eq!(relative(Path::new("/a/b/sdk"), Path::new("/a/b")), Path::new("sdk"));
    }
}
