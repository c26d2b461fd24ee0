//! The contract's two worlds beside each other: async functions over WASI's HTTP 0.3, and the twin without them over
//! its HTTP 0.2. Two components of the tests do the same in both: one request, whose status decides.

use crate::Effort;
use crate::call::{self, AT_ONCE};
use crate::gateway::Process;
use crate::measure::{Load, Times, load};
use crate::report::{Figure, Section, Unit};
use anyhow::Result;
use provider_host::contract::Setting;
use provider_host::{Account, Host, Permissions, Plugin};
use std::path::Path;

/// A component in one of the worlds, and the shop that has it do the same as its twin.
struct World {
    plugin: Plugin,
    shop: Account,
}

impl World {
    async fn load(host: &Host, component: &str, gateway: &Process) -> Result<Self> {
        let file = e2e::program(&format!("plugins/{component}.wasm"))?;
        let plugin = host.load(file, Permissions::loopback(gateway.origin().parse()?)).await?;
        let settings = [("behaviour", "honest".to_owned()), ("url", gateway.origin() + "/")];
        let settings = settings.map(|(key, value)| Setting { key: key.to_owned(), value });
        Ok(Self { plugin, shop: Account::new("bench", settings.into()) })
    }

    async fn credit(&self, n: usize) -> Result<()> {
        call::credit(&self.plugin, &self.shop, format!("V-{n}")).await
    }

    async fn load_of(&self, effort: Effort) -> Result<Load> {
        load(AT_ONCE * 2, AT_ONCE, |n| self.credit(n)).await?;
        load(effort.calls(), AT_ONCE, |n| self.credit(n)).await
    }
}

/// A credit of one request in each world.
pub async fn section(folder: &Path, effort: Effort) -> Result<Section> {
    let (host, gateway) = (call::host(folder, AT_ONCE)?, Process::gateway(0)?);
    let newer = World::load(&host, "hostile", &gateway).await?;
    let older = World::load(&host, "hostile-sync", &gateway).await?;
    let (mut with_newer, mut with_older) = (Times::default(), Times::default());
    for n in 0..effort.rounds() * 50 {
        with_newer.time(newer.credit(n)).await?;
        with_older.time(older.credit(n)).await?;
    }
    let core = |load: Load| 1.0 / load.cpu.as_secs_f64();
    let (newer_load, older_load) = (newer.load_of(effort).await?, older.load_of(effort).await?);
    Ok(Section {
        title: "WASI 0.2 beside 0.3",
        how: "A credit through the host that is one request without a provider's work around it, in a fresh instance: \
              by a component with async functions over `wasi:http` 0.3, and by its twin in the world without them over \
              `wasi:http` 0.2. One after another: medians, both in turn. 64 at once: calls in a second of processor \
              time of the process, which runs on one thread."
            .to_owned(),
        figures: vec![
            Figure::new("one request, WASI 0.3", Unit::Time, with_newer.median()?.as_secs_f64())
                .beside("WASI 0.2", with_older.median()?.as_secs_f64()),
            Figure::new("requests of one core, 64 at once, WASI 0.3", Unit::Rate, core(newer_load))
                .beside("WASI 0.2", core(older_load)),
        ],
        curves: Vec::new(),
        says: Vec::new(),
    })
}
