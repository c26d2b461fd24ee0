//! Installing what a command needs from Debian's packages.

use std::process::Command;

/// Whether `packages` could be installed. Says nothing of why not: the caller knows what to do next.
pub fn install(packages: &[&str]) -> bool {
    let apt = |arguments: &[&str]| {
        let mut command = Command::new("apt-get");
        command.args(arguments).env("DEBIAN_FRONTEND", "noninteractive");
        // Its own output would hide ours; errors still show.
        command.stdout(std::process::Stdio::null());
        command.status().is_ok_and(|status| status.success())
    };
    let install: Vec<&str> =
        ["install", "-y", "-qq", "--no-install-recommends"].iter().chain(packages).copied().collect();
    apt(&["update", "-qq"]) && apt(&install)
}
