//! `provider new`.

use super::print;
use crate::sdk::{PACKAGE, Source};
use crate::templates::{self, Name};
use anyhow::{Context, Result, bail};
use clap::Args;
use provider_build::project::Language;
use std::path::{Path, PathBuf};

/// What to begin.
#[derive(Args)]
pub(super) struct Options {
    /// 会社のid（a-z・0-9・-） / the provider's id, which names the package as well
    name: Name,
    /// 言語 / the language
    #[arg(long, value_enum, default_value = "rust")]
    lang: Language,
    /// 作る場所（省略時は会社のid） / the folder; the name if none is given
    #[arg(long)]
    folder: Option<PathBuf>,
    /// Rust の SDK の取得元: vendored（既定）・フォルダー・Gitのアドレス（#版も可）・版 / where Rust's SDK comes from: vendored
    /// (its sources, written into the folder), a folder, a git address (`#revision` behind it), or a version of the registry
    #[arg(long, value_name = "SOURCE", default_value = "vendored")]
    sdk: Source,
}

pub(super) fn run(options: &Options) -> Result<()> {
    let folder = options.folder.clone().unwrap_or_else(|| PathBuf::from(options.name.as_str()));
    if std::fs::read_dir(&folder).is_ok_and(|mut entries| entries.next().is_some()) {
        bail!("{} is there already and not empty; nothing was written", folder.display());
    }
    std::fs::create_dir_all(&folder).with_context(|| format!("cannot make the folder {}", folder.display()))?;
    for template in ["common", options.lang.template()] {
        templates::write_template(template, &folder, &options.name)?;
    }
    match options.lang {
        Language::Rust => use_sdk(&options.sdk, &folder)?,
        Language::Python | Language::Js | Language::Go => templates::write_contract(&folder.join("wit"))?,
    }
    print(&format!("{folder}\n\n  cd {folder}\n  provider build\n  provider check\n", folder = folder.display()))
}

/// Writes where the SDK is into the manifest of the plugin in `folder`, and the SDK where it is vendored.
fn use_sdk(source: &Source, folder: &Path) -> Result<()> {
    let path = folder.join("Cargo.toml");
    let manifest = std::fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
    let dependency = source.dependency(folder)?;
    let line = |line: &str| if line.starts_with(PACKAGE) { dependency.clone() } else { line.to_owned() };
    let manifest: Vec<_> = manifest.lines().map(line).collect();
    templates::write(&path, (manifest.join("\n") + "\n").as_bytes())?;
    // The versions that this program was tested with. Cargo leaves out what the plugin does not need.
    templates::write(&folder.join("Cargo.lock"), templates::text("lock.toml")?.as_bytes())?;
    source.write(folder)
}
