//! `provider build`.

use super::print;
use anyhow::Result;
use clap::Args;
use provider_build::project::Project;
use std::path::PathBuf;

/// What to build.
#[derive(Args)]
pub(super) struct Options {
    /// プラグインのフォルダー / the plugin's folder
    #[arg(default_value = ".")]
    folder: PathBuf,
}

pub(super) fn run(options: &Options) -> Result<()> {
    let project = Project::find(&options.folder)?;
    // Packages of the system are for its owner to install: what is missing is said.
    let size = project.build(|_| false)?;
    print(&format!("{} {} KiB\n", project.component().display(), size.div_ceil(1024)))
}
