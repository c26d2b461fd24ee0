//! What a component costs, whoever wrote it: loading, and a call up to its request. Of the examples in each language.

use crate::measure::{Times, memory_of};
use crate::samples::host_order;
use anyhow::{Context, Result, ensure};
use provider_host::contract::{Setting, SettingField, SettingKind};
use provider_host::{Account, Host, Permissions, Plugin};
use std::path::Path;
use std::time::Duration;

/// Loads from the cache, and calls. The first of each finds the file in no cache of the system's.
const ROUNDS: usize = 11;

/// A line of a table: size, loads without and with the compiled cache, processor-bound time and memory of a call.
pub async fn measure(file: &Path) -> Result<String> {
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
    let (info, facts) = (plugin.info(), plugin.facts());
    let milliseconds = |time: Duration| format!("{:.1} ms", time.as_secs_f64() * 1e3);
    let mib = |bytes: u64| format!("{:.1} MiB", bytes as f64 / f64::from(1 << 20));
    Ok(format!(
        "| {} {} | {} | {} | {} | {} | {} |",
        info.id,
        info.version,
        mib(facts.size),
        milliseconds(compiled.median()?),
        milliseconds(cached.median()?),
        milliseconds(called.median()?),
        mib(memory)
    ))
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
