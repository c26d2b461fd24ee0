//! The platform's page: `host-demo serve` as a process.

use crate::gateway::Gateway;
use crate::platform::Platform;
use anyhow::{Context, Result, bail};
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Stdio};

/// The administrator of every served platform here.
pub const ADMINISTRATOR: &str = "kanri";
/// An operator of every served platform here.
pub const OPERATOR: &str = "tanto";
/// The password of both.
pub const PASSWORD: &str = "tsuki-to-hoshi-2026";

/// A running platform; dropping it kills it.
pub struct Served {
    process: Child,
    /// The same platform's command line.
    pub platform: Platform,
    /// Where it answers, without a slash at the end.
    pub url: String,
    /// The sandbox's gateways.
    pub gateways: Vec<Gateway>,
}

impl Served {
    /// Adds an administrator and an operator to a new platform, and serves it with the sandbox's gateways.
    pub fn start(platform: Platform) -> Result<Self> {
        add_user(&platform, ADMINISTRATOR, &["--administrator"])?;
        add_user(&platform, OPERATOR, &[])?;
        Self::serve(platform, &["--sandbox"])
    }

    /// Serves a platform with these options.
    pub fn serve(platform: Platform, options: &[&str]) -> Result<Self> {
        let mut process = platform
            .command(["serve", "--listen", "127.0.0.1:0"].into_iter().chain(options.iter().copied()))?
            .stdout(Stdio::piped())
            .spawn()
            .context("cannot start host-demo serve")?;
        let stdout = process.stdout.take().context("the platform has no output")?;
        let mut gateways = Vec::new();
        for line in BufReader::new(stdout).lines() {
            let line = line?;
            if let Some(gateway) = gateway(&line) {
                gateways.push(gateway);
            } else if let Some(url) = line.split_whitespace().find(|word| word.starts_with("http://")) {
                return Ok(Self { process, platform, url: url.trim_end_matches('/').to_owned(), gateways });
            }
        }
        bail!("host-demo serve ended with {} before it listened", process.wait()?)
    }

    /// Ends the process at once, as a machine that fails does.
    pub fn kill(&mut self) -> Result<()> {
        self.process.kill()?;
        self.process.wait()?;
        Ok(())
    }

    /// The sandbox's gateway of `provider`.
    pub fn gateway(&self, provider: &str) -> Result<&Gateway> {
        let found = self.gateways.iter().find(|gateway| gateway.provider == provider);
        found.with_context(|| format!("the sandbox has no gateway of {provider}"))
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// `np: http://127.0.0.1:1 (ledger, faults: http://127.0.0.1:2)`
fn gateway(line: &str) -> Option<Gateway> {
    let (provider, rest) = line.split_once(": ")?;
    let (origin, control) = rest.split_once(" (ledger, faults: ")?;
    Some(Gateway::in_sandbox(provider, origin, control.trim_end_matches(')')))
}

/// Adds a user with [`PASSWORD`].
pub fn add_user(platform: &Platform, name: &str, role: &[&str]) -> Result<()> {
    let mut command = platform.command(["user", "add", name].into_iter().chain(role.iter().copied()))?;
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
