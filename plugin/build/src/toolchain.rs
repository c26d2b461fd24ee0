//! Finding a compiler for `wasm32-unknown-unknown` on whatever machine this is.

use crate::process::output;
use anyhow::{Context, Result, bail};
use std::path::{Path, PathBuf};
use std::process::Command;

/// The plugins' target. A component from it imports exactly what its world names; through
/// `wasm32-wasip2` the same code would also import files, environment and clocks.
pub const TARGET: &str = "wasm32-unknown-unknown";

/// Debian's compiler and the source of its standard library, of one version.
pub const DEBIAN_PACKAGES: [&str; 2] = ["rustc-web", "rust-web-src"];
const DEBIAN_RUSTC: &str = "/usr/bin/rustc";
const DEBIAN_STD: &str = "/usr/lib/rustlib/src/rust/library/std";

/// How plugins are compiled here.
pub enum Toolchain {
    /// The toolchain in use has the target.
    Installed,
    /// Debian's compiler builds the standard library for the target from source.
    Debian {
        /// Where `rust-lld` is.
        linker: PathBuf,
    },
}

impl Toolchain {
    /// The first that works, in the order: the toolchain in use, rustup, Debian's packages. `install` may install
    /// the last, if that is the caller's to decide; whether it did.
    pub fn find(install: impl FnOnce(&[&str]) -> bool) -> Result<Self> {
        let sysroot = PathBuf::from(output(Command::new("rustc").args(["--print", "sysroot"]))?.trim());
        if has_target(&sysroot) {
            say("the toolchain in use has the target");
            return Ok(Self::Installed);
        }
        if rustup_may_install() && add_with_rustup() && has_target(&sysroot) {
            say("the target was added with rustup");
            return Ok(Self::Installed);
        }
        let is_there = debian_is_there() || (install(&DEBIAN_PACKAGES) && debian_is_there());
        if !is_there {
            bail!(
                "no compiler for {TARGET} was found. Do one of these and run the command again:\n  \
                 rustup target add {TARGET}\n  \
                 apt-get install {}   (as root, on Debian)",
                DEBIAN_PACKAGES.join(" ")
            );
        }
        say("Debian's rustc builds the standard library from source");
        Ok(Self::Debian { linker: sysroot.join("lib/rustlib").join(host_target()?).join("bin") })
    }

    /// Makes a `cargo build` of the target out of a plain one.
    pub fn apply(&self, cargo: &mut Command) -> Result<()> {
        cargo.args(["--target", TARGET]);
        if let Self::Debian { linker } = self {
            let path = std::env::var_os("PATH").unwrap_or_default();
            let path = std::iter::once(linker.clone()).chain(std::env::split_paths(&path));
            cargo
                .env("PATH", std::env::join_paths(path)?)
                .env("RUSTC", DEBIAN_RUSTC)
                // The switch below is unstable everywhere but with this variable.
                .env("RUSTC_BOOTSTRAP", "1")
                .arg("-Zbuild-std=std,panic_abort");
        }
        Ok(())
    }
}

fn say(found: &str) {
    eprintln!("{TARGET}: {found}");
}

fn has_target(sysroot: &Path) -> bool {
    sysroot.join("lib/rustlib").join(TARGET).join("lib").is_dir()
}

fn rustup_may_install() -> bool {
    std::env::var("RUSTUP_AUTO_INSTALL").map_or(true, |value| value != "0")
}

fn add_with_rustup() -> bool {
    Command::new("rustup").args(["target", "add", TARGET]).status().is_ok_and(|status| status.success())
}

/// The target of this machine, such as `x86_64-unknown-linux-gnu`.
pub fn host_target() -> Result<String> {
    let version = output(Command::new("rustc").arg("-vV"))?;
    let host = version.lines().find_map(|line| line.strip_prefix("host: ")).context("rustc names no host")?;
    Ok(host.to_owned())
}

fn debian_is_there() -> bool {
    Path::new(DEBIAN_RUSTC).exists() && Path::new(DEBIAN_STD).is_dir()
}
