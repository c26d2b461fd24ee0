//! Running the tools of a language.

use anyhow::{Context, Error, Result, bail};
use std::io::ErrorKind;
use std::process::Command;

/// What to install where a program is missing.
const INSTALL: [(&str, &str); 5] = [
    ("cargo", "install Rust from https://rustup.rs"),
    ("rustc", "install Rust from https://rustup.rs"),
    ("python3", "install Python 3 with venv; on Debian: apt-get install python3-venv"),
    ("node", "install Node.js from https://nodejs.org; on Debian: apt-get install nodejs"),
    ("npm", "install Node.js with npm from https://nodejs.org; on Debian: apt-get install npm"),
];

/// Runs `command` to its end; an error if that is not success.
pub fn run(command: &mut Command) -> Result<()> {
    let program = command.get_program().to_string_lossy().into_owned();
    let status = command.status().map_err(|error| not_run(&program, error))?;
    if !status.success() {
        let arguments: Vec<_> = command.get_args().map(|argument| argument.to_string_lossy()).collect();
        bail!("{program} {} ended with {status}", arguments.join(" "));
    }
    Ok(())
}

/// What `command` writes; an error if it does not end with success.
pub fn output(command: &mut Command) -> Result<String> {
    let program = command.get_program().to_string_lossy().into_owned();
    let output = command.output().map_err(|error| not_run(&program, error))?;
    if !output.status.success() {
        bail!("{program} failed: {}", String::from_utf8_lossy(&output.stderr).trim());
    }
    String::from_utf8(output.stdout).with_context(|| format!("{program} wrote no text"))
}

/// Why `program` does not run, and what to install.
fn not_run(program: &str, error: std::io::Error) -> Error {
    if error.kind() != ErrorKind::NotFound {
        return Error::new(error).context(format!("cannot run {program}"));
    }
    let install = INSTALL.iter().find(|(known, _)| *known == program).map_or("is it installed?", |(_, words)| words);
    Error::msg(format!("{program} is not found: {install}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_that_is_missing_is_named_with_what_to_install() {
        let missing = |program: &str| not_run(program, ErrorKind::NotFound.into()).to_string();
        for (program, words) in INSTALL {
            assert_eq!(missing(program), format!("{program} is not found: {words}"));
        }
        assert!(run(&mut Command::new("no-such-program")).unwrap_err().to_string().contains("is it installed?"));
        assert!(!not_run("cargo", ErrorKind::PermissionDenied.into()).to_string().contains("rustup"));
    }
}
