//! What a component costs, whoever wrote it: loading, and a call up to its request. Of the examples in each language.

use crate::measure::{Times, memory_of};
use crate::samples::host_order;
use anyhow::{Context, Result, ensure};
use provider_host::contract::{Setting, SettingField, SettingKind};
use provider_host::{Account, Host, Permissions, Plugin};
use serde::Serialize;
use std::fmt;
use std::path::Path;
use std::time::Duration;

/// Loads from the cache, and calls. The first of each finds the file in no cache of the system's.
const ROUNDS: usize = 11;

/// What a component costs.
#[derive(Serialize)]
pub struct Cost {
    /// Of the file.
    bytes: u64,
    /// A load that compiles it, in milliseconds.
    compiled_ms: f64,
    /// The median of loads from the compiled cache, in milliseconds.
    cached_ms: f64,
    /// The median of calls up to their request, in milliseconds.
    call_ms: f64,
    /// What a call adds at most to the memory of the process.
    call_bytes: u64,
}

impl fmt::Display for Cost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mib = |bytes: u64| bytes as f64 / f64::from(1 << 20);
        writeln!(f, "size                 {:>8.1} MiB", mib(self.bytes))?;
        writeln!(f, "first load           {:>8.1} ms   compiles it", self.compiled_ms)?;
        writeln!(f, "load from the cache  {:>8.1} ms", self.cached_ms)?;
        writeln!(f, "a call               {:>8.1} ms   a registration, up to its request", self.call_ms)?;
        writeln!(f, "memory of a call     {:>8.1} MiB", mib(self.call_bytes))
    }
}

/// Loads the component without and with the compiled cache, and calls it.
pub async fn measure(file: &Path) -> Result<Cost> {
    let cache = tempfile::tempdir()?;
    let host = || Host::builder().cache_dir(cache.path().join("compiled")).build();
    let (mut compiled, mut cached, mut called) = (Times::default(), Times::default(), Times::default());
    let load = async |times: &mut Times| -> Result<Plugin> {
        let (host, mut plugin) = (host()?, None);
        times
            .time(async {
                plugin = Some(host.load(file, Permissions::default()).await?);
                Ok(())
            })
            .await?;
        plugin.context("it was loaded")
    };
    let mut plugin = load(&mut compiled).await?;
    for _ in 0..ROUNDS {
        plugin = load(&mut cached).await?;
    }
    let before = memory_of("self", "VmRSS")?;
    // From here on the most that this process ever had is counted anew.
    std::fs::write("/proc/self/clear_refs", "5").context("the system does not count memory anew")?;
    for at in 0..ROUNDS {
        called.time(call(&plugin, at)).await?;
    }
    let memory = memory_of("self", "VmHWM")?.saturating_sub(before);
    let milliseconds = |time: Duration| time.as_secs_f64() * 1e3;
    Ok(Cost {
        bytes: plugin.facts().size,
        compiled_ms: milliseconds(compiled.median()?),
        cached_ms: milliseconds(cached.median()?),
        call_ms: milliseconds(called.median()?),
        call_bytes: memory,
    })
}

/// A registration whose request is denied: everything that the component does but waiting for a gateway.
async fn call(plugin: &Plugin, at: usize) -> Result<()> {
    let account = Account::new("bench", plugin.info().settings.iter().map(setting).collect());
    let answer = plugin.credit(&account, vec![host_order(format!("B{at}"))]).await;
    let report = answer.calls.first().context("a call has a report")?;
    ensure!(report.error.is_none(), "the call ended early: {:?}", report.error);
    ensure!(report.requests.len() == 1, "it came to no request: {:?}", answer.rows);
    Ok(())
}

fn setting(field: &SettingField) -> Setting {
    let value = match &field.kind {
        SettingKind::Choice(choices) => choices.first().map(|(id, _)| id.clone()),
        SettingKind::Digits => Some("12345".to_owned()),
        SettingKind::Url => Some("https://gateway.example.jp".to_owned()),
        SettingKind::Text | SettingKind::Secret => Some("bench".to_owned()),
    };
    Setting { key: field.key.clone(), value: field.default.clone().or(value).unwrap_or_default() }
}
