//! The page that a run writes: `docs/proof.md`.

use crate::kills::{Database, Kills, ORDERS, Site};
use crate::sim::run::Summary;
use anyhow::{Context, Result};
use domain::crash_point::CrashPoint;
use std::fmt::Write;
use strum::VariantArray;
use time::OffsetDateTime;
use time::macros::format_description;

/// What people wrote about the runs: defects that were found, and seeds that failed.
const NOTES: &str = include_str!("../notes.md");
/// Seconds of an hour.
const HOUR: f64 = 3_600.0;

/// What a run came to.
pub struct Page {
    /// The first seed.
    pub first: u64,
    /// The days.
    pub summary: Summary,
    /// Histories that the independent checker was given.
    pub histories: usize,
    /// Orders in them.
    pub checked: usize,
    /// Kills at each crash point.
    pub swept: Vec<(Database, Vec<CrashPoint>)>,
    /// Kills at random moments.
    pub killed: Vec<(Database, Kills)>,
}

/// Kills a process at every point of `site`; the points at which one was.
pub fn swept(site: &mut Site) -> Result<Vec<CrashPoint>> {
    let mut done = Vec::new();
    for point in CrashPoint::VARIANTS {
        site.kill_at(*point).with_context(|| point.to_string())?;
        done.push(*point);
    }
    Ok(done)
}

impl Page {
    /// The page in Markdown.
    pub fn text(&self) -> Result<String> {
        let mut text = String::new();
        let today = OffsetDateTime::now_utc().format(format_description!("[year]-[month]-[day]"))?;
        let Summary { days, twice, passed, took, counts, .. } = &self.summary;
        let (seconds, virtual_seconds) = (took.as_secs_f64(), *passed as f64 / 1_000.0);
        writeln!(text, "# Proof\n")?;
        writeln!(
            text,
            "Written by `cargo xtask torture` on {today}. What each part does, and what it does not: \
             [design.md](design.md#proof).\n"
        )?;
        writeln!(text, "| what | figure |\n|---|---:|")?;
        writeln!(text, "| simulated days, from seed {} | {days} |", self.first)?;
        writeln!(text, "| of them run twice, with the same log | {twice} |")?;
        writeln!(text, "| days an hour, two threads | {:.0} |", *days as f64 / seconds * HOUR)?;
        writeln!(text, "| simulated time against real time | {:.0} × |", virtual_seconds / seconds)?;
        for (database, points) in &self.swept {
            writeln!(text, "| kills at crash points, each in {ORDERS} orders, {database:?} | {} |", points.len())?;
        }
        for (database, kills) in &self.killed {
            let Kills { kills, in_a_call, orders } = kills;
            writeln!(
                text,
                "| kills at random moments, {database:?} ({orders} orders, {in_a_call} of them in doubt at a look) | {kills} |"
            )?;
        }
        writeln!(text, "| histories that the independent checker held | {} |", self.histories)?;
        writeln!(text, "| orders in them | {} |", self.checked)?;
        writeln!(text, "| violations | 0 |\n")?;
        writeln!(text, "## What happened in the days\n")?;
        writeln!(text, "A run in which one of these never happened fails.\n\n| event | times |\n|---|---:|")?;
        for (what, count) in counts {
            writeln!(text, "| {what} | {count} |")?;
        }
        writeln!(text, "\n{}", NOTES.trim_end())?;
        Ok(text)
    }
}
