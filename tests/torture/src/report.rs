//! The page that a run writes: `docs/proof.md`.

use crate::kills::{Database, KILLS_OF_A_SITE, Kills, ORDERS, Site};
use crate::sim::run::{Failure, Summary};
use anyhow::{Context, Result};
use domain::crash_point::CrashPoint;
use serde::Deserialize;
use std::fmt::Write;
use std::path::Path;
use strum::VariantArray;
use time::OffsetDateTime;
use time::macros::format_description;

/// Defects that were found, by date.
const DEFECTS: &str = include_str!("../defects.toml");
/// What came of switching protections off; see `cargo xtask weaken`.
const WEAKENED: &str = include_str!("../weakened.md");
/// Seconds of an hour.
const HOUR: f64 = 3_600.0;
/// Where the platform's crates lie, from the project's root: one, and folders of them.
const HOST: &str = "host";
const PLATFORM: [&str; 2] = ["host-demo", "plugin"];
/// Crates in [`PLATFORM`] that no platform has in it: what authors of plugins use.
const TOOLS: [&str; 2] = ["build", "cli"];
/// The reference model.
const MODEL: &str = "tests/model/src";

/// What a run came to. A part that was not run keeps its place in the page as it was.
pub struct Page {
    /// The days.
    pub days: Option<Days>,
    /// The kills on each database.
    pub kills: Vec<Killed>,
}

/// What days came to.
pub struct Days {
    /// The first seed.
    pub first: u64,
    /// The days.
    pub summary: Summary,
    /// Histories that the independent checker was given.
    pub histories: usize,
    /// Orders in them.
    pub checked: usize,
}

/// What came of the kills on one database.
pub struct Killed {
    /// The database.
    pub database: Database,
    /// The crash points at which a process was killed.
    pub points: Vec<CrashPoint>,
    /// Kills at random moments.
    pub kills: Kills,
    /// Orders whose histories the independent checker was given.
    pub checked: usize,
}

/// The parts of the page that a run writes.
const DAYS: &str = "Simulated days";
const KILLS: &str = "Kills";

#[derive(Deserialize)]
struct Defects {
    defect: Vec<Defect>,
}

#[derive(Deserialize)]
struct Defect {
    date: toml::value::Datetime,
    /// What found it.
    by: String,
    /// The day that failed, if one did.
    seed: Option<u64>,
    what: String,
    mended: String,
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

/// Lines of the reference model, and of the platform that it is a model of.
fn lines() -> Result<(usize, usize)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut platform = lines_in(&root.join(HOST).join("src"))?;
    for folder in PLATFORM {
        for entry in std::fs::read_dir(root.join(folder)).context(folder)? {
            let entry = entry?;
            let (name, sources) = (entry.file_name(), entry.path().join("src"));
            if sources.is_dir() && !TOOLS.iter().any(|tool| name == *tool) {
                platform += lines_in(&sources)?;
            }
        }
    }
    Ok((lines_in(&root.join(MODEL))?, platform))
}

fn lines_in(folder: &Path) -> Result<usize> {
    let mut lines = 0;
    for entry in std::fs::read_dir(folder).with_context(|| folder.display().to_string())? {
        let path = entry?.path();
        if path.is_dir() {
            lines += lines_in(&path)?;
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            lines += std::fs::read_to_string(&path)?.lines().count();
        }
    }
    Ok(lines)
}

impl Page {
    /// The page in Markdown, after what it said `before`.
    ///
    /// # Errors
    /// The sources or the defects cannot be read.
    pub fn text(&self, before: &str) -> Result<String> {
        let mut text = String::new();
        writeln!(text, "# Proof\n")?;
        writeln!(
            text,
            "Written by `cargo xtask torture` and `cargo xtask weaken`: no figure on this page is written by hand. What \
             each part does, and what it does not: [design.md](design.md#proof).\n"
        )?;
        writeln!(text, "## {DAYS}\n\n{}\n", self.days.as_ref().map_or(Ok(part(before, DAYS)), Days::text)?)?;
        writeln!(text, "## {KILLS}\n\n{}\n", self.kills_text().unwrap_or(Ok(part(before, KILLS)))?)?;
        writeln!(text, "## Protections switched off\n\n{}\n", WEAKENED.trim_end())?;
        let failure = self.days.as_ref().and_then(|days| days.summary.failure.as_ref());
        defects(&mut text, failure)?;
        Ok(text)
    }

    fn kills_text(&self) -> Option<Result<String>> {
        (!self.kills.is_empty()).then(|| {
            let mut text = String::new();
            let date = today()?;
            writeln!(
                text,
                "On {date}. Each database has a site for the kills at crash points, and one for every \
                 {KILLS_OF_A_SITE} at random moments.\n"
            )?;
            writeln!(text, "| what | SQLite or PostgreSQL | figure |\n|---|---|---:|")?;
            for Killed { database, points, kills: Kills { kills, in_a_call, orders }, checked } in &self.kills {
                writeln!(text, "| kills at crash points, each in {ORDERS} orders | {database:?} | {} |", points.len())?;
                writeln!(text, "| kills at random moments | {database:?} | {kills} |")?;
                writeln!(text, "| orders that were registered meanwhile | {database:?} | {orders} |")?;
                writeln!(text, "| orders in doubt when it was looked | {database:?} | {in_a_call} |")?;
                writeln!(text, "| orders that the independent checker held | {database:?} | {checked} |")?;
                writeln!(text, "| violations | {database:?} | 0 |")?;
            }
            Ok(text.trim_end().to_owned())
        })
    }
}

fn today() -> Result<String> {
    Ok(OffsetDateTime::now_utc().format(format_description!("[year]-[month]-[day]"))?)
}

/// What a page said under a heading.
fn part(page: &str, heading: &str) -> String {
    let (_, rest) = page.split_once(&format!("## {heading}\n\n")).unwrap_or_default();
    let text = rest.split("\n## ").next().unwrap_or_default().trim_end();
    if text.is_empty() { "Not run yet.".to_owned() } else { text.to_owned() }
}

impl Days {
    fn text(&self) -> Result<String> {
        let Self { first, summary, histories, checked } = self;
        let Summary { days, twice, passed, took, counts, failure, .. } = summary;
        let (seconds, virtual_seconds) = (took.as_secs_f64(), *passed as f64 / 1_000.0);
        let (model, platform) = lines()?;
        let share = model as f64 / platform as f64 * 100.0;
        let mut text = String::new();
        writeln!(text, "On {}, on two threads of a machine that did other work as well.\n", today()?)?;
        writeln!(text, "| what | figure |\n|---|---:|")?;
        writeln!(text, "| simulated days, from seed {first} | {days} |")?;
        writeln!(text, "| of them run twice, with the same log | {twice} |")?;
        writeln!(text, "| days an hour | {:.0} |", *days as f64 / seconds * HOUR)?;
        writeln!(text, "| simulated time against real time | {:.0} × |", virtual_seconds / seconds)?;
        writeln!(text, "| histories that the independent checker held | {histories} |")?;
        writeln!(text, "| orders in them | {checked} |")?;
        writeln!(text, "| lines of the reference model, of the platform's {platform} ({share:.1} %) | {model} |")?;
        writeln!(text, "| violations | {} |\n", usize::from(failure.is_some()))?;
        self.doubts(&mut text)?;
        writeln!(text, "### What happened in them\n")?;
        writeln!(text, "A run in which one of these never happened fails.\n\n| event | times |\n|---|---:|")?;
        for (what, count) in counts {
            writeln!(text, "| {what} | {count} |")?;
        }
        Ok(text.trim_end().to_owned())
    }

    /// How often an outcome was in doubt, and how that ended.
    fn doubts(&self, text: &mut String) -> Result<()> {
        let count = |what: &str| self.summary.counts.get(what).copied().unwrap_or_default();
        let (claimed, in_doubt) = (count("order claimed"), count("outcome in doubt"));
        let rate = in_doubt as f64 / claimed.max(1) as f64 * 100.0;
        writeln!(text, "### Outcomes in doubt\n")?;
        writeln!(
            text,
            "Days are full of faults, so many outcomes are in doubt in them; what counts is that each ends decided, or \
             with a person named as the next step, within bounded time after the faults. In half of the days nobody \
             looks at the provider's page at the end, and what cannot be found out by asking is left.\n"
        )?;
        writeln!(text, "| what | figure |\n|---|---:|")?;
        writeln!(text, "| requests for an order (credit, cancel, tracking number) | {claimed} |")?;
        writeln!(text, "| outcomes in doubt, for each 100 of them | {rate:.1} |")?;
        writeln!(text, "| decided by asking, by recovery or by an operator | {} |", count("doubt decided"))?;
        writeln!(
            text,
            "| left with a person named as the next step | {} |",
            count("doubt left to a person who is named")
        )?;
        writeln!(
            text,
            "| longest after the end of a day's faults, in seconds | {} |",
            self.summary.settled_in / 1_000
        )?;
        writeln!(text, "| left otherwise | 0 |\n")?;
        Ok(())
    }
}

/// What was found before, and what failed in this run.
fn defects(text: &mut String, failure: Option<&Failure>) -> Result<()> {
    let Defects { defect: defects } = toml::from_str(DEFECTS)?;
    writeln!(text, "## Defects found\n\n| date | found by | what it was | mended |\n|---|---|---|---|")?;
    for Defect { date, by, what, mended, .. } in &defects {
        writeln!(text, "| {date} | {by} | {what} | {mended} |")?;
    }
    let last = defects.iter().rev().find_map(|defect| Some((defect.seed?, defect)));
    writeln!(text, "\n## The last seed that failed\n")?;
    match (failure, last) {
        (Some(Failure { seed, what, .. }), _) => writeln!(text, "{seed}, in this run: {what}.")?,
        (None, Some((seed, defect))) => writeln!(text, "{seed}, {}: {}", defect.date, defect.what)?,
        (None, None) => writeln!(text, "None.")?,
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Most lines of the reference model, in hundredths of those of the platform: small enough to be read at once.
    const MOST: usize = 2;

    #[test]
    fn the_reference_model_is_at_most_two_hundredths_of_the_platform() {
        let (model, platform) = lines().unwrap();
        assert!(model * 100 <= platform * MOST, "{model} lines of {platform}");
    }

    #[test]
    fn a_part_that_was_not_run_stays_as_it_was() {
        let page = Page { days: None, kills: Vec::new() };
        let before = page.text("").unwrap();
        assert!(before.contains("## Kills\n\nNot run yet.\n"), "{before}");
        let before = before.replacen("Not run yet.", "Days of yesterday.\n\n### More\n\n| 1 |", 1);
        assert_eq!(page.text(&before).unwrap(), before);
    }

    #[test]
    fn the_defects_are_in_their_order_and_can_be_shown() {
        let mut text = String::new();
        defects(&mut text, None).unwrap();
        let Defects { defect: defects } = toml::from_str(DEFECTS).unwrap();
        assert!(defects.is_sorted_by_key(|defect| defect.date.to_string()) && text.contains("| found by |"), "{text}");
    }
}
