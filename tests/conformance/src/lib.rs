//! Judges any provider plugin by its component file alone: does it keep the contract?
//!
//! The kit loads the component into the host's sandbox, makes settings from what it describes, plays
//! its gateway on loopback with every fault, feeds it inputs that nobody planned for, and reads from
//! the host's reports what it did. Where the gateway's wire is known ([`gateways`]) it also works a
//! strict simulator of it and compares the requests byte by byte.
//!
//! | module | holds |
//! |---|---|
//! | [`checks`] | every check: what it looks at, what to do where it fails |
//! | [`described`], [`settings`], [`fees`], [`inputs`], [`faults`], [`wire`], [`afterwards`] | the checks themselves |
//! | [`session`] | a plugin under examination |
//! | [`line`] | the kit's own gateways, one for each fault |
//! | [`odd`], [`samples`] | inputs, odd ones and ordinary ones |
//! | [`pages`] | what is to be read about each check |
//! | [`masks`] | hides what a report may not show |
//! | [`log`] | what the plugin says and asks for in passing |
//! | [`report`] | what was found, for people and for machines |
//!
//! A check needs a plugin that fails it: the crate's tests hold one for each.

#![forbid(unsafe_code)]

pub mod afterwards;
pub mod checks;
pub mod described;
pub mod faults;
pub mod fees;
pub mod inputs;
pub mod line;
pub mod log;
pub mod masks;
pub mod odd;
pub mod pages;
pub mod report;
pub mod samples;
pub mod session;
pub mod settings;
pub mod wire;
pub mod words;

use checks::{Check, Judge, LOADING};
use faults::FAULTS;
use futures::future::{join_all, try_join_all};
use line::Line;
use log::Tap;
use provider_host::contract::Setting;
use provider_host::{BuildError, Compiler, Host, Limits, LoadError, Permissions};
use report::{Outcome, Report, Row};
use session::Session;
use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};
use tracing::instrument::WithSubscriber;
use wire::golden::Golden;
pub use words::Lang;
use words::Words;

/// What the kit is told besides the component.
#[derive(Debug, Clone)]
pub struct Options {
    /// Settings that cannot be guessed from the description, by key.
    pub settings: BTreeMap<String, String>,
    /// Where the generator of odd inputs starts.
    pub seed: u64,
    /// Where the golden requests are.
    pub golden: Golden,
    /// Ids of the checks that are to be judged; all where there is none.
    pub only: Vec<String>,
    /// The command that would judge again, for the report; what it needs beside the file's name.
    pub command: Option<String>,
    /// Compiles the component in a process that can be stopped; without one it is compiled in this one.
    pub compiler: Option<Compiler>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            settings: BTreeMap::new(),
            seed: odd::SEED,
            golden: Golden::default(),
            only: Vec::new(),
            command: None,
            compiler: None,
        }
    }
}

/// Why there is no judgement: the machine's or the caller's fault, not the plugin's.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CannotJudge {
    /// The file is not there, or may not be read.
    #[error(transparent)]
    Unreadable(LoadError),
    /// There is no check of this name.
    #[error("there is no check {0}; `provider explain` lists them")]
    UnknownCheck(String),
    /// The sandbox cannot be set up on this machine.
    #[error(transparent)]
    Sandbox(#[from] BuildError),
    /// No port on loopback could be opened.
    #[error("a gateway for the plugin cannot be opened on loopback: {0}")]
    Line(#[from] std::io::Error),
}

/// Bounds on a plugin while it is judged: those of a platform, but for what the kit itself waits for.
/// Every fault that ends in silence is waited out at once, so these are also the kit's own length.
pub fn limits() -> Limits {
    Limits {
        deadline: Duration::from_secs(15),
        connect: Duration::from_secs(1),
        // Long enough for a busy machine to answer what is answered at once.
        head: Duration::from_secs(3),
        body: Duration::from_secs(2),
        // So that a flood is a few MiB.
        response_bytes: 1 << 20,
        // All checks run side by side; a call must not wait for its turn.
        concurrent_calls: 2_048,
        ..Limits::default()
    }
}

/// Judges the component in `file`.
pub async fn judge(file: &Path, options: &Options) -> Result<Report, CannotJudge> {
    let tap = Tap::default();
    let subscriber = tap.subscriber();
    examine(file, options, tap).with_subscriber(subscriber).await
}

async fn examine(file: &Path, options: &Options, tap: Tap) -> Result<Report, CannotJudge> {
    let began = Instant::now();
    let known: Vec<_> = checks::table().into_iter().map(|check| check.id).collect();
    if let Some(unknown) = options.only.iter().find(|only| !known.iter().any(|id| id == *only)) {
        return Err(CannotJudge::UnknownCheck(unknown.clone()));
    }
    let host = Host::builder().limits(limits()).now(samples::NOW);
    let host = match options.compiler.clone() {
        Some(compiler) => host.compile_in(compiler),
        None => host,
    };
    let host = host.build()?;
    let lines = try_join_all(FAULTS.iter().map(|fault| Line::open(fault.name, fault.does))).await?;
    let mut granted = Permissions::loopback(lines[0].origin().clone());
    granted.origins = lines.iter().map(|line| line.origin().clone()).collect();
    let command = || options.command.clone().unwrap_or_else(|| format!("provider check {}", file.display()));
    let report =
        |subject, rows| Report { subject, rows, seed: options.seed, elapsed: began.elapsed(), command: command() };

    let mut plugin = match host.load(file, granted.clone()).await {
        Ok(plugin) => plugin,
        Err(error @ LoadError::Unreadable { .. }) => return Err(CannotJudge::Unreadable(error)),
        Err(error) => return Ok(report(file.display().to_string(), not_loaded(&error, &options.only))),
    };
    // Only now it is known which gateways it has to be let to.
    let stage = wire::Stage::open(&plugin.info().id, options).await?;
    if let Some(stage) = &stage {
        granted.origins.extend(stage.origins());
        plugin = host.load(file, granted).await.map_err(CannotJudge::Unreadable)?;
    }
    let settings = settings::find(&plugin, &lines[0].origin().to_string(), &options.settings).await;
    let subject = format!("{} {}", plugin.info().id, plugin.info().version);
    let session = Session::new(plugin, settings, lines, stage, tap, options.seed);
    let given = options.settings.iter().map(|(key, value)| Setting { key: key.clone(), value: value.clone() });
    let masks = session.masks(&given.collect::<Vec<_>>());
    let mut rows = run(&session, &options.only).await;
    rows.iter_mut().for_each(|row| row.outcome = std::mem::replace(&mut row.outcome, Outcome::Passed).masked(&masks));
    Ok(report(subject, rows))
}

/// Every check, in the order of the table: those that call the plugin side by side, then those about
/// all calls together. Where `only` some are asked for, those behind them that are about all calls together need
/// every call all the same.
async fn run(session: &Session, only: &[String]) -> Vec<Row> {
    let is_asked = |check: &Check| is_asked(&check.id, only);
    let (calling, looking_back): (Vec<_>, Vec<_>) =
        checks::all().into_iter().partition(|check| !matches!(check.judge, Judge::Afterwards(_)));
    let calls = |check: &&Check| is_asked(check) || looking_back.iter().any(is_asked);
    let called = calling.iter().filter(calls).map(async |check| (check, outcome(check, session).await));
    let called = join_all(called).await.into_iter().filter(|(check, _)| is_asked(check));
    let loaded = LOADING.iter().filter(|check| is_asked(check)).map(|check| row(check, Outcome::Passed));
    let mut rows: Vec<_> = loaded.chain(called.map(|(check, outcome)| row(check, outcome))).collect();
    for check in looking_back.iter().filter(|check| is_asked(check)) {
        rows.push(row(check, outcome(check, session).await));
    }
    rows
}

fn is_asked(id: &str, only: &[String]) -> bool {
    only.is_empty() || only.iter().any(|asked| asked == id)
}

async fn outcome(check: &Check, session: &Session) -> Outcome {
    if check.needs_settings && session.settings.is_err() {
        return Outcome::NotApplicable(Words::new(
            "使える設定がなく試せない",
            "cannot be tried without accepted settings",
        ));
    }
    match check.judge {
        Judge::Loading => Outcome::Passed,
        Judge::Calling(judge) => judge(session).await,
        Judge::Fault(fault) => faults::meets(session, fault).await,
        Judge::Afterwards(judge) => judge(session),
    }
}

fn row(check: &Check, outcome: Outcome) -> Row {
    Row { id: check.id.clone().into_owned(), what: check.what.clone(), advice: check.advice.clone(), outcome }
}

/// The rows of a component that was not loaded: how far it came, and nothing behind. Why it was not loaded is said
/// whichever checks are asked for.
fn not_loaded(error: &LoadError, only: &[String]) -> Vec<Row> {
    let failed = checks::at_fault(error);
    let words = error.to_string();
    let loading = LOADING.iter().enumerate().map(|(at, check)| {
        let outcome = match at.cmp(&failed) {
            std::cmp::Ordering::Less => Outcome::Passed,
            std::cmp::Ordering::Equal => Outcome::of([Words::same(words.clone())]),
            std::cmp::Ordering::Greater => not_reached(),
        };
        row(check, outcome)
    });
    let rows = loading.chain(checks::all().iter().map(|check| row(check, not_reached())).collect::<Vec<_>>());
    rows.filter(|row| is_asked(&row.id, only) || matches!(row.outcome, Outcome::Failed(_))).collect()
}

fn not_reached() -> Outcome {
    Outcome::NotApplicable(Words::new("読み込めず試せない", "cannot be tried on a file that is not loaded"))
}
