//! What grows with the calls at once and with the plugins that are loaded, by the host library alone.

use crate::call::{component, credit, fee, host, plugin};
use crate::gateway::Process;
use crate::measure::{Times, load, memory_of};
use crate::report::{Curve, Figure, Section, Target, Unit};
use crate::{Effort, samples};
use anyhow::{Context, Result};
use provider_host::Permissions;
use std::path::Path;
use std::time::Instant;

/// Calls at once.
const AT_ONCE: [usize; 6] = [1, 4, 16, 64, 256, 1_000];
/// How long the gateway takes to answer.
const LATENCY_MS: u64 = 100;
/// Plugins loaded.
const LOADED: [usize; 7] = [1, 2, 4, 8, 16, 32, 64];

/// Calls at once, at a gateway that takes a tenth of a second.
pub async fn calls(folder: &Path, effort: Effort) -> Result<Section> {
    let gateway = Process::gateway(LATENCY_MS)?;
    let most = AT_ONCE[AT_ONCE.len() - 1];
    let plugin = plugin(&host(folder, most)?, &gateway.origin()).await?;
    let shop = samples::account(&gateway.origin());
    let (mut shares, mut here, mut there, mut figures) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let mut last = (0.0, 0.0, 0.0);
    for at_once in AT_ONCE {
        let calls = at_once * effort.waves();
        let call = |n| {
            let (plugin, shop) = (plugin.clone(), shop.clone());
            // Each a task of its own, as a platform's are, so that all cores take part.
            let task = tokio::spawn(async move { credit(&plugin, &shop, format!("G-{at_once}-{n}")).await });
            async { task.await? }
        };
        load(at_once, at_once, call).await?;
        let spent = gateway.cpu()?;
        let measured = load(calls, at_once, call).await?;
        let theirs = (gateway.cpu()? - spent).as_secs_f64() / calls as f64;
        let ideal = at_once as f64 * 1_000.0 / LATENCY_MS as f64;
        shares.push((at_once as f64, measured.rate / ideal * 100.0));
        here.push((at_once as f64, measured.cpu.as_secs_f64() * 1e6));
        there.push((at_once as f64, theirs * 1e6));
        let figure = Figure::new(format!("credits, {at_once} at once"), Unit::Rate, measured.rate);
        let figure = figure.beside(format!("ideal at {LATENCY_MS} ms"), ideal);
        figures.push(match at_once <= 64 {
            true => figure.target(Target::RatioAtLeast(0.9)),
            false => figure,
        });
        last = (measured.rate, measured.cpu.as_secs_f64() * 1e6, theirs * 1e6);
    }
    let cores = std::thread::available_parallelism()?;
    let (rate, own, theirs) = last;
    let says = format!(
        "What bounds it: as long as the share is near 100 %, the gateway's answer alone. At {most} at once {rate:.0} credits a \
         second take {own:.0} µs of processor time each here and {theirs:.0} µs in the gateway, {:.1} of {cores} cores.",
        rate * (own + theirs) / 1e6
    );
    Ok(Section {
        title: "Growth: calls at once",
        how: format!(
            "Credits through the host, each a task of its own on all cores, at a gateway that answers after {LATENCY_MS} ms. \
             The limits on calls and connections are raised to what is asked at once."
        ),
        figures,
        curves: vec![
            Curve {
                file: "calls-at-once",
                title: "Credits in a second by calls at once, as a share of the ideal",
                x: "calls at once",
                y: "percent",
                lines: vec![("through the host", shares)],
            },
            Curve {
                file: "calls-at-once-cpu",
                title: "Processor time of a credit by calls at once",
                x: "calls at once",
                y: "microseconds",
                lines: vec![("through the host", here), ("in the gateway", there)],
            },
        ],
        says: vec![says],
    })
}

/// Plugins loaded at once.
pub async fn plugins(folder: &Path, effort: Effort) -> Result<Section> {
    let host = host(folder, 1)?;
    let components = ["atobarai-com", "np", "atodene", "score", "kuroneko"];
    let files = component()?.parent().context("no folder")?.to_owned();
    let load_one = |n: usize| {
        let path = files.join(components[n % components.len()]).with_extension("wasm");
        let host = host.clone();
        async move { Ok::<_, anyhow::Error>(host.load(path, Permissions::loopback("http://127.0.0.1:1".parse()?)).await?) }
    };
    // Compiled once, so that what follows comes from the cache.
    for n in 0..components.len() {
        drop(load_one(n).await?);
    }
    let (mut loaded, before) = (Vec::new(), memory_of("self", "VmRSS")?);
    let (mut fees, mut memory, mut figures) = (Vec::new(), Vec::new(), Vec::new());
    let (mut first, mut last) = (0.0, 0.0);
    for count in LOADED {
        let began = Instant::now();
        let missing = count - loaded.len();
        for _ in 0..missing {
            loaded.push(load_one(loaded.len()).await?);
        }
        let each = began.elapsed().as_secs_f64() / missing as f64;
        let mut times = Times::default();
        for n in 0..effort.rounds() * 100 {
            times.time(fee(&loaded[n % count])).await?;
        }
        let time = times.median()?.as_secs_f64();
        let grown = memory_of("self", "VmRSS")?.saturating_sub(before) as f64;
        first = if count == 1 { time } else { first };
        last = time;
        fees.push((count as f64, time * 1e6));
        memory.push((count as f64, grown / f64::from(1 << 20)));
        figures.push(
            Figure::new(format!("fee-adjust, {count} loaded, in turn"), Unit::Time, time).beside("one loaded", first),
        );
        figures.push(Figure::new(format!("loading one more of {count}"), Unit::Time, each));
    }
    let each = memory.last().map_or(0.0, |(count, mebibytes)| mebibytes / count);
    let says = format!(
        "What bounds it: memory, {each:.1} MiB for each loaded plugin (its compiled code, of which only what was called is \
         in memory). A call in one of {} costs {:.2} × a call in the only one: other code has been in the processor's caches.",
        LOADED[LOADED.len() - 1],
        last / first
    );
    Ok(Section {
        title: "Growth: plugins loaded",
        how: "The five components in turn, each loaded many times from the compiled cache, as separate plugins; then \
              fee-adjust in a fresh instance of each in turn."
            .to_owned(),
        figures,
        curves: vec![
            Curve {
                file: "plugins-time",
                title: "fee-adjust in a fresh instance by plugins loaded",
                x: "plugins loaded",
                y: "microseconds",
                lines: vec![("median", fees)],
            },
            Curve {
                file: "plugins-memory",
                title: "Memory of the process by plugins loaded",
                x: "plugins loaded",
                y: "MiB more than with none",
                lines: vec![("resident", memory)],
            },
        ],
        says: vec![says],
    })
}
