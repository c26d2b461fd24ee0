//! Times, processor time and memory.

use anyhow::{Context, Result};
use futures::StreamExt;
use rustix::time::{ClockId, clock_gettime};
use std::path::Path;
use std::time::{Duration, Instant};

/// The system counts processor time of other processes in this many parts of a second.
const TICKS: u64 = 100;

/// Calls one after another, and what they took.
#[derive(Debug, Default, Clone)]
pub struct Times(Vec<Duration>);

impl Times {
    /// Does `call` once and notes how long it took.
    pub async fn time(&mut self, call: impl Future<Output = Result<()>>) -> Result<()> {
        let began = Instant::now();
        call.await?;
        self.0.push(began.elapsed());
        Ok(())
    }

    /// The value below which this part of them is.
    pub fn quantile(&self, part: f64) -> Result<Duration> {
        let mut sorted = self.0.clone();
        sorted.sort();
        let place = (part * sorted.len() as f64) as usize;
        sorted.get(place.min(sorted.len().saturating_sub(1))).copied().context("nothing was measured")
    }

    /// Half of them took less.
    pub fn median(&self) -> Result<Duration> {
        self.quantile(0.5)
    }
}

/// Calls side by side.
#[derive(Debug, Clone, Copy)]
pub struct Load {
    /// Calls in a second.
    pub rate: f64,
    /// Processor time of this process for a call: what bounds the rate when nothing else does. Other programs on
    /// the machine do not change it much, unlike the rate.
    pub cpu: Duration,
}

/// Does `calls` calls, `at_once` side by side.
pub async fn load<F: Future<Output = Result<()>>>(
    calls: usize,
    at_once: usize,
    call: impl Fn(usize) -> F,
) -> Result<Load> {
    let (began, spent) = (Instant::now(), own_cpu());
    let mut calling = futures::stream::iter((0..calls).map(&call)).buffer_unordered(at_once);
    while let Some(done) = calling.next().await {
        done?;
    }
    drop(calling);
    let (took, spent) = (began.elapsed(), own_cpu() - spent);
    Ok(Load { rate: calls as f64 / took.as_secs_f64(), cpu: spent / u32::try_from(calls)? })
}

/// Processor time of this process so far.
pub fn own_cpu() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec.unsigned_abs(), u32::try_from(time.tv_nsec).unwrap_or_default())
}

/// Processor time of another process so far, in hundredths of a second.
pub fn cpu_of(process: u32) -> Result<Duration> {
    let text = std::fs::read_to_string(format!("/proc/{process}/stat"))?;
    let (_, fields) = text.rsplit_once(')').context("no process")?;
    // Fields 14 and 15 of the whole line, in user and in kernel mode.
    let ticks: u64 = fields.split_whitespace().skip(11).take(2).filter_map(|field| field.parse::<u64>().ok()).sum();
    Ok(Duration::from_millis(ticks * 1_000 / TICKS))
}

/// A line of `/proc/PROCESS/status` in bytes: `VmRSS` is what it has in memory, `VmHWM` the most it ever had.
pub fn memory_of(process: &str, line: &str) -> Result<u64> {
    let text = std::fs::read_to_string(format!("/proc/{process}/status"))?;
    let value = text.lines().find_map(|found| found.strip_prefix(line)?.strip_prefix(':'));
    let kib: u64 = value.and_then(|value| value.split_whitespace().next()).context("no such line")?.parse()?;
    Ok(kib << 10)
}

/// One `fdatasync` of a page in `folder`: the median of many.
pub fn fsync_in(folder: &Path) -> Result<Duration> {
    use std::io::{Seek, Write};
    let path = folder.join("fsync");
    let mut file = std::fs::File::create(&path)?;
    let mut times = Times::default();
    for _ in 0..200 {
        let began = Instant::now();
        file.rewind()?;
        file.write_all(&[0; 4096])?;
        file.sync_data()?;
        times.0.push(began.elapsed());
    }
    std::fs::remove_file(&path)?;
    times.median()
}
