//! The long form: days, kills and the checker, and the page `docs/proof.md` that says what came of them.

#![forbid(unsafe_code)]

use anyhow::{Result, anyhow, bail};
use clap::Parser;
use std::path::PathBuf;
use std::process::ExitCode;
use torture::checker;
use torture::kills::{Database, KILLS_OF_A_SITE, Kills, Site};
use torture::report::{Days, Killed, Page, swept};
use torture::sim::never;
use torture::sim::run::{Plan, Summary, run};

/// Tortures the platform, and writes what came of it.
#[derive(Parser)]
struct Options {
    /// Simulated days; with 0 the page keeps what it says of them.
    #[arg(long, default_value_t = 10_000)]
    days: u64,
    /// Processes that are killed at random moments, on each database, after one at each crash point; with 0 the page
    /// keeps what it says of kills.
    #[arg(long, default_value_t = 1_000)]
    kills: usize,
    /// The first seed; the time of day by default.
    #[arg(long)]
    seed: Option<u64>,
    /// Threads of the days.
    #[arg(long, default_value_t = 2)]
    threads: usize,
    /// Every how many days one is run a second time.
    #[arg(long, default_value_t = 10)]
    twice_every: u64,
    /// The folder in which `proof.md` is written; nothing is written without.
    #[arg(long)]
    docs: Option<PathBuf>,
}

fn main() -> ExitCode {
    match torture(&Options::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("torture: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Days whose histories are in memory at once.
const DAYS_AT_ONCE: u64 = 1_000;

fn torture(options: &Options) -> Result<()> {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH)?.as_secs();
    let first = options.seed.unwrap_or(now);
    eprintln!("[torture] {} days, and {} kills on each database, from seed {first}", options.days, options.kills);
    // Kills are mostly waiting, so all goes on at once.
    let (days, killed) = std::thread::scope(|scope| {
        let kills = [Database::Sqlite, Database::Postgres]
            .map(|database| scope.spawn(move || (options.kills > 0).then(|| kill(database, options.kills, first))));
        let days = live(options, first);
        let panicked = |_| Some(Err(anyhow!("a thread of the kills panicked")));
        (days, kills.map(|kills| kills.join().unwrap_or_else(panicked)))
    });
    let days = (options.days > 0).then_some(days?);
    let summary = days.as_ref().map(|days| &days.summary);
    let missing = summary.map_or(Vec::new(), |summary| never(&summary.counts));
    let failure = summary.and_then(|summary| summary.failure.clone());
    let kills = killed.into_iter().flatten().collect::<Result<Vec<_>>>()?;
    let page = options.docs.as_ref().map(|docs| docs.join("proof.md"));
    let before = page.as_ref().and_then(|page| std::fs::read_to_string(page).ok()).unwrap_or_default();
    let text = Page { days, kills }.text(&before)?;
    match &page {
        Some(page) => std::fs::write(page, text)?,
        None => print!("{text}"),
    }
    // The page is written all the same: it says what failed.
    if let Some(failure) = failure {
        bail!("day {}: {}\n{}", failure.seed, failure.what, failure.smallest);
    }
    if !missing.is_empty() {
        bail!("these never happened, so nothing is shown about them: {}", missing.join(", "));
    }
    Ok(())
}

/// Runs the days until one fails, and has the checker judge them; with how many histories and orders.
fn live(options: &Options, first: u64) -> Result<Days> {
    let (mut all, mut histories, mut checked) = (Summary::default(), 0, 0);
    while (all.days as u64) < options.days {
        let done = all.days as u64;
        let plan = Plan {
            first: first + done,
            days: DAYS_AT_ONCE.min(options.days - done),
            twice_every: options.twice_every,
            threads: options.threads,
            keep_histories: true,
            made_smaller: true,
        };
        let mut summary = run(&plan);
        if summary.failure.is_some() {
            all.add(summary);
            break;
        }
        let days = std::mem::take(&mut summary.histories).into_iter();
        let mut of_days: Vec<_> = days.map(|(seed, history)| (format!("day-{seed}"), history)).collect();
        // A day without an order is one of which nothing is left to check.
        of_days.retain(|(_, history)| history.iter().any(|line| line["kind"] == "order"));
        checked += checker::check(&of_days)?;
        histories += of_days.len();
        all.add(summary);
        eprintln!("[torture] {} days in {:.0?}", all.days, all.took);
    }
    Ok(Days { first, summary: all, histories, checked })
}

fn kill(database: Database, kills: usize, seed: u64) -> Result<Killed> {
    let mut site = Site::start(database)?;
    let points = swept(&mut site)?;
    let mut checked = checker::check(&[(format!("points-{database:?}"), site.history()?)])?;
    eprintln!("[torture] killed at every point on {database:?}");
    let mut random = Kills::default();
    while random.kills < kills {
        let mut site = Site::start(database)?;
        random += site.kill_at_random(KILLS_OF_A_SITE.min(kills - random.kills), seed + random.kills as u64)?;
        checked += checker::check(&[(format!("kills-{database:?}-{}", random.kills), site.history()?)])?;
        eprintln!("[torture] killed {} times at random on {database:?}", random.kills);
    }
    Ok(Killed { database, points, kills: random, checked })
}
