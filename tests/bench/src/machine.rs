//! Where and with what a run was made.

use crate::{Effort, first_line};
use anyhow::{Context, Result};
use std::time::Duration;
use time::OffsetDateTime;
use time::macros::format_description;

/// Packages whose versions make a difference.
const PACKAGES: [&str; 5] = ["wasmtime", "wasmtime-wasi-http", "hyper", "rustls", "tokio"];
const LOCK: &str = include_str!("../../../Cargo.lock");

/// Programs that ran or wanted to, over the last minute.
pub fn load_average() -> Result<f64> {
    let text = std::fs::read_to_string("/proc/loadavg")?;
    Ok(text.split_whitespace().next().context("no load average")?.parse()?)
}

/// Date, machine, command and versions; `load` is the load average before the run, which took `took`.
pub fn describe(effort: Effort, load: f64, took: Duration) -> Result<String> {
    let now = OffsetDateTime::now_utc().format(format_description!("[year]-[month]-[day] [hour]:[minute] UTC"))?;
    let processor = std::fs::read_to_string("/proc/cpuinfo")?;
    let processor = processor.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    let memory = std::fs::read_to_string("/proc/meminfo")?;
    let memory = memory.lines().next().and_then(|line| line.split_whitespace().nth(1)?.parse::<u64>().ok());
    let versions: Vec<_> = PACKAGES.iter().map(|name| format!("{name} {}", version(name))).collect();
    let build = if cfg!(debug_assertions) { "development build" } else { "release build" };
    let short = if effort == Effort::Short { " in its short form, whose figures jump" } else { "" };
    let extism = e2e::program("bench-peers/release/extism-peer").ok();
    let extism = extism.map_or("not built".to_owned(), |peer| first_line(&peer.to_string_lossy(), &["--version"]));
    Ok(format!(
        "Written by `cargo xtask bench` on {now}{short}; the run took {:.0} s. {} cores of {}, {} GiB, {}. {}; {build}. \
         Load average before the run: {load:.2} (other programs at work make times longer; ratios are of one run).\n\n\
         Peers: {}; Extism: {extism}.\n",
        took.as_secs_f64(),
        std::thread::available_parallelism()?,
        processor.map_or("an unknown processor", |(_, name)| name.trim()),
        memory.unwrap_or_default() >> 20,
        first_line("uname", &["-sr"]),
        first_line("rustc", &["--version"]),
        versions.join(", "),
    ))
}

/// The first version of `name` in the lock file.
fn version(name: &str) -> &'static str {
    let entry = format!("name = \"{name}\"\nversion = \"");
    let after = LOCK.split_once(&entry).map(|(_, after)| after);
    after.and_then(|after| after.split_once('"')).map_or("?", |(version, _)| version)
}
