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
pub mod odd;
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
use provider_host::{BuildError, Compiler, Host, Limits, LoadError, Permissions};
use report::{Outcome, Report, Row};
use session::Session;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use tracing::instrument::WithSubscriber;
pub use words::Lang;
use words::Words;

/// What the kit is told besides the component.
#[derive(Debug, Clone)]
pub struct Options {
    /// Settings that cannot be guessed from the description, by key.
    pub settings: BTreeMap<String, String>,
    /// Where the generator of odd inputs starts.
    pub seed: u64,
    /// The folder of the golden requests.
    pub golden: PathBuf,
    /// Write the golden requests instead of comparing them.
    pub bless: bool,
    /// Compiles the component in a process that can be stopped; without one it is compiled in this one.
    pub compiler: Option<Compiler>,
}

impl Default for Options {
    fn default() -> Self {
        let golden = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/golden"));
        Self { settings: BTreeMap::new(), seed: odd::SEED, golden, bless: false, compiler: None }
    }
}

/// Why there is no judgement: the machine's or the caller's fault, not the plugin's.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CannotJudge {
    /// The file is not there, or may not be read.
    #[error(transparent)]
    Unreadable(LoadError),
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
    let host = Host::builder().limits(limits()).now(samples::NOW);
    let host = match options.compiler.clone() {
        Some(compiler) => host.compile_in(compiler),
        None => host,
    };
    let host = host.build()?;
    let lines = try_join_all(FAULTS.iter().map(|fault| Line::open(fault.does))).await?;
    let mut granted = Permissions::loopback(lines[0].origin().clone());
    granted.origins = lines.iter().map(|line| line.origin().clone()).collect();
    let report = |subject, rows| Report { subject, rows, seed: options.seed, elapsed: began.elapsed() };

    let mut plugin = match host.load(file, granted.clone()).await {
        Ok(plugin) => plugin,
        Err(error @ LoadError::Unreadable { .. }) => return Err(CannotJudge::Unreadable(error)),
        Err(error) => return Ok(report(file.display().to_string(), not_loaded(&error))),
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
    let rows = run(&session).await;
    Ok(report(subject, rows))
}

/// Every check, in the order of the table: those that call the plugin side by side, then those about
/// all calls together.
async fn run(session: &Session) -> Vec<Row> {
    let (calling, looking_back): (Vec<_>, Vec<_>) =
        checks::all().into_iter().partition(|check| !matches!(check.judge, Judge::Afterwards(_)));
    let loaded = LOADING.iter().map(|check| row(check, Outcome::Passed));
    let called = join_all(calling.iter().map(async |check| row(check, outcome(check, session).await))).await;
    let mut rows: Vec<_> = loaded.chain(called).collect();
    for check in &looking_back {
        rows.push(row(check, outcome(check, session).await));
    }
    rows
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

/// The rows of a component that was not loaded: how far it came, and nothing behind.
fn not_loaded(error: &LoadError) -> Vec<Row> {
    let failed = checks::at_fault(error);
    let words = error.to_string();
    let loading = LOADING.iter().enumerate().map(|(at, check)| {
        let outcome = match at.cmp(&failed) {
            std::cmp::Ordering::Less => Outcome::Passed,
            std::cmp::Ordering::Equal => Outcome::Failed(vec![Words::new(words.clone(), words.clone())]),
            std::cmp::Ordering::Greater => not_reached(),
        };
        row(check, outcome)
    });
    loading.chain(checks::all().iter().map(|check| row(check, not_reached()))).collect()
}

fn not_reached() -> Outcome {
    Outcome::NotApplicable(Words::new("読み込めず試せない", "cannot be tried on a file that is not loaded"))
}
