//! What the tests of the command share.
#![allow(dead_code, missing_docs, reason = "each test binary uses a part of it")]

use std::path::{Path, PathBuf};
use std::process::Command;

/// A component that `cargo xtask plugins` has built.
pub fn component(name: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/plugins").join(format!("{name}.wasm"));
    assert!(path.exists(), "{name}.wasm is not there; run `cargo xtask plugins` first");
    path.canonicalize().unwrap()
}

/// The command, run in `folder`.
pub fn provider(folder: &Path) -> Command {
    clean(Command::new(env!("CARGO_BIN_EXE_provider")), folder)
}

/// `command` in `folder`, without what cargo tells the programs that it starts.
pub fn clean(mut command: Command, folder: &Path) -> Command {
    let is_cargo_s = |name: &str| name.starts_with("CARGO") && name != "CARGO_HOME";
    for (name, _) in std::env::vars_os().filter(|(name, _)| is_cargo_s(&name.to_string_lossy())) {
        command.env_remove(name);
    }
    command.current_dir(folder).env_remove("BLESS");
    command
}
