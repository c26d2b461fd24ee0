//! The platform's page: `host-demo serve` as a process.

use crate::gateway::Gateway;
use crate::platform::Order;
use crate::program;
use anyhow::{Context, Result, bail};
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// The administrator of every served platform here.
pub const ADMINISTRATOR: &str = "kanri";
/// An operator of every served platform here.
pub const OPERATOR: &str = "tanto";
/// The password of both.
pub const PASSWORD: &str = "tsuki-to-hoshi-2026";

/// A running platform; dropping it kills it.
pub struct Served {
    process: Child,
    folder: PathBuf,
    db: String,
    /// Where it answers, without a slash at the end.
    pub url: String,
    /// The sandbox's gateways.
    pub gateways: Vec<Gateway>,
}

impl Served {
    /// Serves a new platform with the sandbox's gateways from `folder`, its store at `db` (a file's path
    /// or a PostgreSQL URL).
    pub fn start(folder: &Path, db: &str) -> Result<Self> {
        Self::start_with(folder, db, &["--sandbox"])
    }

    /// The same with these arguments of `serve` alone.
    pub fn start_with(folder: &Path, db: &str, arguments: &[&str]) -> Result<Self> {
        for (name, admin) in [(ADMINISTRATOR, true), (OPERATOR, false)] {
            add_user(folder, db, name, admin)?;
        }
        let mut process = command(folder, db)?
            .args(["--settle", "1", "serve", "--listen", "127.0.0.1:0"])
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .context("cannot start host-demo serve")?;
        let stdout = process.stdout.take().context("the platform has no output")?;
        let mut gateways = Vec::new();
        for line in BufReader::new(stdout).lines() {
            let line = line?;
            match gateway(&line) {
                Some(gateway) => gateways.push(gateway),
                None if line.contains("http://") => {
                    let url = line.split_whitespace().last().unwrap_or_default();
                    let url = url.trim_end_matches('/').to_owned();
                    return Ok(Served { process, folder: folder.to_owned(), db: db.to_owned(), url, gateways });
                }
                None => {}
            }
        }
        bail!("host-demo serve ended with {} before it listened", process.wait()?)
    }

    /// The sandbox's gateway of `provider`.
    pub fn gateway(&self, provider: &str) -> Result<&Gateway> {
        let found = self.gateways.iter().find(|gateway| gateway.provider == provider);
        found.with_context(|| format!("the sandbox has no gateway of {provider}"))
    }

    /// Every order, as the store has it.
    pub fn orders(&self) -> Result<Vec<Order>> {
        let output = command(&self.folder, &self.db)?.args(["export", "--json"]).output()?;
        serde_json::from_slice(&output.stdout).context("the platform's export cannot be read")
    }

    /// Kills it at once, as a power cut would.
    pub fn kill(&mut self) -> Result<()> {
        self.process.kill()?;
        self.process.wait()?;
        Ok(())
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.kill();
    }
}

/// `np: http://127.0.0.1:1 (ledger, faults: http://127.0.0.1:2)`
fn gateway(line: &str) -> Option<Gateway> {
    let (provider, rest) = line.split_once(": ")?;
    let (origin, control) = rest.split_once(" (ledger, faults: ")?;
    Some(Gateway::in_sandbox(provider, origin, control.trim_end_matches(')')))
}

fn command(folder: &Path, db: &str) -> Result<Command> {
    let mut command = Command::new(program("host-demo")?);
    command.args(["--db", db]).arg("--plugins").arg(folder.join("plugins"));
    Ok(command)
}

fn add_user(folder: &Path, db: &str, name: &str, admin: bool) -> Result<()> {
    let mut command = command(folder, db)?;
    command.args(["user", "add", name]);
    if admin {
        command.arg("--admin");
    }
    let mut process = command.stdin(Stdio::piped()).stdout(Stdio::null()).spawn()?;
    if let Some(mut stdin) = process.stdin.take() {
        writeln!(stdin, "{PASSWORD}")?;
    }
    let status = process.wait()?;
    if !status.success() {
        bail!("user add {name} ended with {status}");
    }
    Ok(())
}
