//! xtask in the place of the compiler: cargo starts it for each crate of the project, with the compiler and its arguments.
//!
//! A wrapper and not `RUSTFLAGS`, which are for all crates: wasmtime would be compiled once more, and everything be
//! counted that is not the project's. Cargo keeps what a wrapper made apart from what the compiler itself did.

use anyhow::{Context, Result};
use std::ffi::OsString;
use std::path::Path;
use std::process::{Command, ExitCode};

/// Where libFuzzer is; set while xtask is the compiler.
const LIBRARY: &str = "XTASK_LIBFUZZER";
/// The crate of the program.
const PROGRAM: &str = "libfuzzer";
/// What cargo calls build scripts: they are run by cargo, and have no fuzzer that they could tell what they reach.
const BUILD_SCRIPT: &str = "build_script_build";

/// Counts each edge that is reached, as libFuzzer reads it. Telling it of every comparison as well takes more time than
/// all else; the words of a target are in its place. With optimisation, and with all checks of the everyday build: an
/// overflow is a finding.
const COVERAGE: [&str; 14] = [
    "-C",
    "passes=sancov-module",
    "-C",
    "llvm-args=-sanitizer-coverage-level=4",
    "-C",
    "llvm-args=-sanitizer-coverage-inline-8bit-counters",
    "-C",
    "llvm-args=-sanitizer-coverage-pc-table",
    "-C",
    "opt-level=2",
    "-C",
    "debug-assertions=on",
    "-C",
    "overflow-checks=on",
];

/// `build` with xtask in the place of the compiler, for a program with the `library` of libFuzzer.
pub fn covering<'a>(build: &'a mut Command, library: &Path) -> Result<&'a mut Command> {
    let xtask = std::env::current_exe().context("where xtask itself is cannot be found out")?;
    // Half of an incremental build could be of another compiler.
    Ok(build.env("RUSTC_WORKSPACE_WRAPPER", xtask).env(LIBRARY, library).env("CARGO_INCREMENTAL", "0"))
}

/// Compiles a crate, if xtask was started in the place of the compiler.
pub fn in_its_place() -> Option<ExitCode> {
    let library = std::env::var_os(LIBRARY)?;
    let mut arguments = std::env::args_os().skip(1);
    let compiler = arguments.next()?;
    let arguments: Vec<OsString> = arguments.collect();
    let mut command = Command::new(compiler);
    command.args(&arguments).args(more(&arguments, &library));
    let status = command.status().ok().and_then(|status| status.code());
    Some(ExitCode::from(status.and_then(|code| u8::try_from(code).ok()).unwrap_or(u8::MAX)))
}

/// Arguments for a crate besides those of cargo.
fn more(arguments: &[OsString], library: &OsString) -> Vec<OsString> {
    let name = arguments.windows(2).find(|pair| pair[0] == "--crate-name").map(|pair| &pair[1]);
    let Some(name) = name.filter(|name| *name != BUILD_SCRIPT && *name != "___") else { return Vec::new() };
    let mut more: Vec<OsString> = COVERAGE.iter().map(OsString::from).collect();
    if name == PROGRAM {
        let mut link = OsString::from("link-arg=");
        link.push(library);
        // libFuzzer is written in C++.
        more.extend(["-C".into(), link, "-C".into(), "link-arg=-lstdc++".into()]);
    }
    more
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn crates_are_covered_and_build_scripts_are_not() {
        let arguments = |name: &str| ["--crate-name", name, "lib.rs"].map(OsString::from).to_vec();
        let more = |name: &str| more(&arguments(name), &"libfuzzer.a".into());
        assert_eq!(more("service"), COVERAGE);
        assert!(more(PROGRAM).contains(&"link-arg=libfuzzer.a".into()));
        // `___` is what cargo asks the compiler about itself with.
        assert!(more(BUILD_SCRIPT).is_empty() && more("___").is_empty());
    }
}
