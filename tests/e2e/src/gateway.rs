//! A gateway's process.

use crate::program;
use anyhow::{Context, Result, bail};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// A gateway that is not listening after this long never will.
const START: Duration = Duration::from_secs(20);

/// A running gateway; dropping it kills its process, if it has one of its own.
pub struct Gateway {
    process: Option<Child>,
    /// The provider's id.
    pub provider: String,
    /// Where the gateway answers.
    pub origin: String,
    /// The base URL that a shop's settings take.
    pub base: String,
    control: String,
}

#[derive(Deserialize)]
struct Ready {
    origin: String,
    base: String,
    control: String,
}

/// What the real company would hold.
#[derive(Debug, Clone, Deserialize)]
pub struct Ledger {
    /// By the gateway's own id.
    pub registrations: BTreeMap<String, Registration>,
}

/// One claim on one buyer.
#[derive(Debug, Clone, Deserialize)]
pub struct Registration {
    /// The gateway's own id.
    pub transaction_id: String,
    /// The platform's reference.
    pub reference: String,
    /// Whole yen, tax included.
    pub billed_amount: i64,
    /// `approved`, `rejected`, `under-review`, `on-hold` or `unknown`.
    pub verdict: String,
    /// Withdrawn by the shop.
    pub cancelled: bool,
    /// Tracking, once registered.
    pub shipment: Option<Shipment>,
}

/// Tracking, as the gateway holds it.
#[derive(Debug, Clone, Deserialize)]
pub struct Shipment {
    /// The carrier in the provider's own code.
    pub carrier: String,
    /// 伝票番号
    pub slip: String,
}

impl Registration {
    /// A credit that the company would bill.
    pub fn is_live(&self) -> bool {
        !self.cancelled && self.verdict != "rejected"
    }
}

/// A fault plan and how often it struck.
#[derive(Debug, Clone, Deserialize)]
pub struct Plan {
    /// The plan, as it is written.
    pub plan: String,
    /// Requests that it struck.
    pub hits: usize,
}

#[derive(Deserialize)]
struct Faults {
    plans: Vec<Plan>,
    possible: Vec<String>,
}

impl Gateway {
    /// Starts the simulator of `provider`, and waits until it listens.
    pub fn start(provider: &str, folder: &Path) -> Result<Self> {
        Self::start_with(provider, folder, &[])
    }

    /// The same with further options of `gateways`.
    pub fn start_with(provider: &str, folder: &Path, options: &[&str]) -> Result<Self> {
        let ready = folder.join(format!("{provider}.ready.json"));
        let _ = std::fs::remove_file(&ready);
        let mut process = Command::new(program("gateways")?)
            .args([provider, "--ready-file"])
            .arg(&ready)
            .args(options)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .with_context(|| format!("cannot start the gateway of {provider}"))?;
        let began = Instant::now();
        loop {
            if let Some(status) = process.try_wait()? {
                bail!("the gateway of {provider} ended with {status} before it listened");
            }
            // The file may be there before it is whole.
            let read = std::fs::read(&ready).ok().and_then(|text| serde_json::from_slice::<Ready>(&text).ok());
            if let Some(Ready { origin, base, control }) = read {
                let provider = provider.to_owned();
                return Ok(Self { process: Some(process), provider, origin, base, control });
            }
            if began.elapsed() > START {
                let _ = process.kill();
                bail!("the gateway of {provider} does not listen after {START:?}");
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// The gateway of `provider` that the platform's own sandbox runs at `origin`.
    pub fn in_sandbox(provider: &str, origin: &str, control: &str) -> Self {
        Self {
            process: None,
            provider: provider.to_owned(),
            origin: origin.to_owned(),
            base: origin.to_owned(),
            control: control.to_owned(),
        }
    }

    /// Adds a fault plan, such as `drop-answer@order:nth=2`.
    pub fn plan(&self, plan: &str) -> Result<()> {
        ureq::post(format!("{}/faults", self.control)).send(plan).with_context(|| format!("fault plan {plan}"))?;
        Ok(())
    }

    /// Whether some answer of this provider can show the fault of this name.
    pub fn can_show(&self, fault: &str) -> Result<bool> {
        Ok(self.get::<Faults>("faults")?.possible.iter().any(|possible| possible == fault))
    }

    /// Ends all fault plans.
    pub fn clear_faults(&self) -> Result<()> {
        self.plan("").context("ending the faults")
    }

    /// The plans so far and how often each struck.
    pub fn plans(&self) -> Result<Vec<Plan>> {
        Ok(self.get::<Faults>("faults")?.plans)
    }

    /// Refuses connections from now on.
    pub fn close(&self) -> Result<()> {
        ureq::post(format!("{}/close", self.control)).send("")?;
        Ok(())
    }

    /// Accepts connections again.
    pub fn reopen(&self) -> Result<()> {
        ureq::post(format!("{}/reopen", self.control)).send("")?;
        Ok(())
    }

    /// What the company would hold now.
    pub fn ledger(&self) -> Result<Ledger> {
        self.get("ledger")
    }

    /// The bodies of the newest requests that reached it, oldest first.
    pub fn bodies(&self) -> Result<Vec<String>> {
        self.get("bodies")
    }

    fn get<T: for<'de> Deserialize<'de>>(&self, what: &str) -> Result<T> {
        let text = ureq::get(format!("{}/{what}", self.control)).call()?.body_mut().read_to_string()?;
        serde_json::from_str(&text).with_context(|| format!("the gateway's {what} cannot be read"))
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        if let Some(process) = &mut self.process {
            let _ = process.kill();
            let _ = process.wait();
        }
    }
}
