//! The long form: days, kills and the checker, and the page `docs/proof.md` that says what came of them.

use anyhow::{Result, bail};
use clap::Parser;
use std::path::PathBuf;
use std::process::ExitCode;
use torture::checker;
use torture::kills::{Database, Kills, Site};
use torture::report::{Page, swept};
use torture::sim::never;
use torture::sim::run::{Plan, run};

/// Tortures the platform, and writes what came of it.
#[derive(Parser)]
struct Options {
    /// Simulated days.
    #[arg(long, default_value_t = 10_000)]
    days: u64,
    /// Processes that are killed at random moments, half of them on each database.
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

fn torture(options: &Options) -> Result<()> {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH)?.as_secs();
    let first = options.seed.unwrap_or(now);
    eprintln!("[torture] {} days from seed {first}", options.days);
    let plan = Plan {
        first,
        days: options.days,
        twice_every: options.twice_every,
        threads: options.threads,
        keep_histories: true,
    };
    let mut summary = run(&plan);
    if let Some(failure) = &summary.failure {
        bail!("day {}: {}\n{}", failure.seed, failure.what, failure.smallest);
    }
    let missing = never(&summary.counts);
    if !missing.is_empty() {
        bail!("these never happened, so nothing is shown about them: {}", missing.join(", "));
    }
    eprintln!("[torture] {} days in {:?}; the checker", summary.days, summary.took);
    let mut histories: Vec<_> = std::mem::take(&mut summary.histories)
        .into_iter()
        .map(|(seed, history)| (format!("day-{seed}"), history))
        .collect();
    // A day without an order is one of which nothing is left to check.
    histories.retain(|(_, history)| history.iter().any(|line| line["kind"] == "order"));
    let mut checked = checker::check(&histories)?;
    let mut swept_at = Vec::new();
    let mut killed = Vec::new();
    for database in [Database::Sqlite, Database::Postgres] {
        eprintln!("[torture] kills at every point on {database:?}");
        let mut site = Site::start(database)?;
        swept_at.push((database, swept(&mut site)?));
        checked += checker::check(&[(format!("points-{database:?}"), site.history()?)])?;
        eprintln!("[torture] {} kills at random moments on {database:?}", options.kills / 2);
        let mut site = Site::start(database)?;
        let kills: Kills = site.kill_at_random(options.kills / 2, first)?;
        killed.push((database, kills));
        checked += checker::check(&[(format!("kills-{database:?}"), site.history()?)])?;
    }
    let page = Page { first, summary, histories: histories.len() + 4, checked, swept: swept_at, killed };
    let text = page.text()?;
    match &options.docs {
        Some(docs) => std::fs::write(docs.join("proof.md"), text)?,
        None => print!("{text}"),
    }
    Ok(())
}
