//! The author of a plugin, with nothing but the command `provider` in a folder of their own.

use crate::program;
use anyhow::{Context, Result, bail};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// An author with a folder and a key.
pub struct Author {
    folder: tempfile::TempDir,
    /// The public key, as permission files name it.
    pub public_key: String,
}

impl Author {
    /// An author who has just made a key.
    pub fn new() -> Result<Self> {
        let mut author = Self { folder: tempfile::tempdir()?, public_key: String::new() };
        let made = author.must(["keygen", "--no-password", "--lang", "en"])?;
        let line = made.split('"').nth(1).context("keygen names no public key")?;
        author.public_key = line.to_owned();
        Ok(author)
    }

    /// The folder in which commands run.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// A command of `provider`, ready to run in the author's folder.
    pub fn command<'a>(&self, arguments: impl IntoIterator<Item = &'a str>) -> Result<Command> {
        let mut command = Command::new(program("provider")?);
        // What cargo tells the programs that it starts is not for those that they start, nor what whoever runs the
        // tests has set for commands of their own.
        let is_other = |name: &str| ["CARGO_", "PROVIDER_"].iter().any(|other| name.starts_with(other));
        for (name, _) in std::env::vars_os().filter(|(name, _)| is_other(&name.to_string_lossy())) {
            command.env_remove(name);
        }
        command.args(arguments).current_dir(self.folder()).stdin(Stdio::null());
        command.env("MINISIGN_CONFIG_DIR", self.folder().join("keys")).env("DOCKER_CONFIG", self.folder());
        Ok(command)
    }

    /// Runs a command that has to go well; what it printed.
    pub fn must<'a>(&self, arguments: impl IntoIterator<Item = &'a str> + Clone) -> Result<String> {
        run(&mut self.command(arguments)?)
    }

    /// Signs the component `file` and pushes it to `reference`; where it is, with its digest.
    pub fn ship(&self, file: &Path, reference: &str) -> Result<String> {
        self.must(["sign", &file.to_string_lossy()])?;
        self.push(file, reference)
    }

    /// Pushes the component `file`, which is signed, to `reference`; where it is, with its digest.
    pub fn push(&self, file: &Path, reference: &str) -> Result<String> {
        let pushed = self.must(["push", reference, &file.to_string_lossy(), "--lang", "en"])?;
        let origin = pushed.lines().find_map(|line| line.strip_prefix("pushed to: "));
        Ok(origin.with_context(|| format!("push does not say where: {pushed}"))?.to_owned())
    }

    /// Writes a permission file for the provider `name` into `folder`: whatever this author signs, of `min_version` and
    /// later, may send to `origins`.
    pub fn granted(&self, folder: &Path, name: &str, min_version: &str, origins: &[&str]) -> Result<PathBuf> {
        let path = folder.join("granted.toml");
        let text = format!(
            "provider = \"{name}\"\npublic-keys = [\"{}\"]\nmin-version = \"{min_version}\"\norigins = {origins:?}\n\
             private-addresses = [\"127.0.0.1/32\"]\n",
            self.public_key
        );
        std::fs::write(&path, text)?;
        Ok(path)
    }
}

/// Runs `command` to its end, which has to be success; what it printed.
pub fn run(command: &mut Command) -> Result<String> {
    let output = command.output().with_context(|| format!("cannot run {command:?}"))?;
    let (printed, said) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    if !output.status.success() {
        bail!("{command:?} ended with {}:\n{printed}{said}", output.status);
    }
    Ok(printed.into_owned())
}
