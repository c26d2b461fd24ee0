//! Days by their seeds: made, run, counted, and made smaller where one fails.

use super::step::{Day, day};
use super::world::{Report, Template, happen};
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Most steps of a day.
pub const STEPS: usize = 120;
/// How long a failing day is made smaller.
const SHRINKING: Duration = Duration::from_secs(120);

/// What many days came to.
#[derive(Debug, Default)]
pub struct Summary {
    /// Days that were run.
    pub days: usize,
    /// Days that were run a second time, to compare their logs.
    pub twice: usize,
    /// Milliseconds that passed in them.
    pub passed: i64,
    /// Most milliseconds from the end of the faults of a day until nothing was in doubt, or a person was named.
    pub settled_in: i64,
    /// How long it took.
    pub took: Duration,
    /// How often each kind of event happened.
    pub counts: BTreeMap<String, usize>,
    /// The first day that failed.
    pub failure: Option<Failure>,
    /// Histories for the independent checker, one for each day.
    pub histories: Vec<(u64, Vec<serde_json::Value>)>,
}

impl Summary {
    /// Both together. Of two failures the first counts; histories are not kept.
    pub fn add(&mut self, other: Self) {
        self.days += other.days;
        self.twice += other.twice;
        self.passed += other.passed;
        self.settled_in = self.settled_in.max(other.settled_in);
        self.took += other.took;
        for (what, count) in other.counts {
            *self.counts.entry(what).or_default() += count;
        }
        self.failure = self.failure.take().or(other.failure);
    }
}

/// A day that failed.
#[derive(Debug, Clone)]
pub struct Failure {
    /// Its seed.
    pub seed: u64,
    /// What was wrong.
    pub what: String,
    /// The smallest day that still fails, and its log.
    pub smallest: String,
}

/// The day that `seed` stands for, as a tree of smaller ones.
fn tree(seed: u64) -> impl ValueTree<Value = Day> {
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &seed.to_le_bytes().repeat(4));
    let mut runner = TestRunner::new_with_rng(Config::default(), rng);
    day(STEPS).new_tree(&mut runner).expect("every part of a day can be generated")
}

/// Days run one after the other on this thread.
pub struct Days {
    runtime: tokio::runtime::Runtime,
    template: Template,
}

impl Days {
    /// With a store to copy.
    ///
    /// # Panics
    /// If there is no room for a store: nothing can be shown then.
    pub fn new() -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let template = runtime.block_on(Template::new());
        Self { runtime, template }
    }

    /// Runs the day of `seed`.
    pub fn run(&self, seed: u64) -> Report {
        self.happen(&tree(seed).current())
    }

    /// Lets a day happen.
    pub fn happen(&self, day: &Day) -> Report {
        self.runtime.block_on(happen(&self.template, day))
    }

    /// The smallest day that still is as `is_such` says, of those to which that of `seed` can be made smaller, with
    /// what came of it; as far as the time allows.
    pub fn smallest(&self, seed: u64, is_such: impl Fn(&Report) -> bool) -> (Day, Report) {
        let (mut tree, began) = (tree(seed), Instant::now());
        let mut smallest = tree.current();
        let mut is_smaller = tree.simplify();
        while is_smaller && began.elapsed() < SHRINKING {
            let day = tree.current();
            is_smaller = if is_such(&self.happen(&day)) {
                smallest = day;
                tree.simplify()
            } else {
                tree.complicate()
            };
        }
        let report = self.happen(&smallest);
        (smallest, report)
    }

    /// The smallest day that fails as that of `seed` does, with its log; of one that is to be left as it is, its log.
    fn shown(&self, seed: u64, failed: &Report, made_smaller: bool) -> String {
        if !made_smaller || failed.failure.is_none() {
            return failed.log.join("\n");
        }
        let (smallest, report) = self.smallest(seed, |report| report.failure.is_some());
        format!("{smallest:#?}\n{}", report.log.join("\n"))
    }
}

impl Default for Days {
    fn default() -> Self {
        Self::new()
    }
}

/// What a run of days is given.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The first seed.
    pub first: u64,
    /// How many days.
    pub days: u64,
    /// Every how many days one is run twice.
    pub twice_every: u64,
    /// On how many threads.
    pub threads: usize,
    /// Whether histories are kept for the checker.
    pub keep_histories: bool,
    /// Whether a day that fails is made smaller, which takes minutes.
    pub made_smaller: bool,
}

/// Runs days until all are done or one fails.
///
/// # Panics
/// If a thread does: the day that it was about panicked.
pub fn run(plan: &Plan) -> Summary {
    let (began, next) = (Instant::now(), AtomicU64::new(0));
    let summary = Mutex::new(Summary::default());
    std::thread::scope(|scope| {
        for _ in 0..plan.threads {
            scope.spawn(|| {
                let days = Days::new();
                loop {
                    let at = next.fetch_add(1, Ordering::SeqCst);
                    let failed = summary.lock().unwrap_or_else(PoisonError::into_inner).failure.is_some();
                    if at >= plan.days || failed {
                        return;
                    }
                    let seed = plan.first + at;
                    let report = days.run(seed);
                    let second = at.is_multiple_of(plan.twice_every).then(|| days.run(seed));
                    add(&summary, &days, plan, seed, report, second);
                }
            });
        }
    });
    let mut summary = summary.into_inner().unwrap_or_else(PoisonError::into_inner);
    summary.took = began.elapsed();
    summary
}

fn add(summary: &Mutex<Summary>, days: &Days, plan: &Plan, seed: u64, report: Report, second: Option<Report>) {
    let differs = second.as_ref().and_then(|second| difference(&report.log, &second.log));
    let what = report.failure.clone().or(differs.map(|at| format!("two runs differ: {at}")));
    let failure = what.map(|what| Failure { seed, what, smallest: days.shown(seed, &report, plan.made_smaller) });
    let mut summary = summary.lock().unwrap_or_else(PoisonError::into_inner);
    summary.days += 1;
    summary.twice += usize::from(second.is_some());
    summary.passed += report.passed;
    summary.settled_in = summary.settled_in.max(report.settled_in);
    for (what, count) in report.counts {
        *summary.counts.entry(what).or_default() += count;
    }
    if plan.keep_histories {
        summary.histories.push((seed, report.history));
    }
    if summary.failure.is_none() {
        summary.failure = failure;
    }
}

fn difference(first: &[String], second: &[String]) -> Option<String> {
    let at = first.iter().zip(second).position(|(one, other)| one != other);
    match at {
        Some(at) => Some(format!("line {at}: {:?} and {:?}", first[at], second[at])),
        None => (first.len() != second.len()).then(|| format!("{} and {} lines", first.len(), second.len())),
    }
}
