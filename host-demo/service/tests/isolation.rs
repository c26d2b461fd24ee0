//! What a provider suffers from another one that waits, does not answer, traps or says what cannot be stored: its
//! rate beside that neighbour is compared with its rate alone, in one run.

mod common;

use common::fake::{Ending, Fake, Next};
use common::{Db, TestStore, mall, new_order};
use domain::credit_state::{Action, State};
use domain::issue::Issue;
use domain::mall::{Automation, Mall, Start};
use service::credit::CreditService;
use service::worker::Worker;
use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use store::lease::ProcessLease;
use store::{BatchProgress, Filter, MallUpdate, NewBatch};

/// Orders of the provider that is measured, in calls of one order each: some seconds of work.
const OURS: usize = 96;
/// What each of its calls takes: as a gateway's does, most of the time of a row, so that what else this machine does
/// is not what is measured.
const LATENCY: Duration = Duration::from_millis(200);
/// Orders of the neighbour: more than it gets through while the other is measured.
const THEIRS: usize = 400;
/// When the neighbour's calls end by the host's limit. In practice it is 40 s.
const DEADLINE: Duration = Duration::from_secs(3);
/// Of its rate alone, a provider keeps nine tenths; a test on a busy machine asks for less, and prints what it found.
const KEPT: f64 = 0.7;
/// How long a measurement may take at most: ten times what it takes on a busy machine. Longer, and something waits
/// for nothing, which is said with the orders that are left.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(60);
/// How often it is measured again where the machine was busy.
const TRIES: usize = 3;

fn healthy() -> Fake {
    Fake { latency: LATENCY, ..Fake::new(&[]).with_info(|info| info.batch_limits.credit = 1) }
}

fn hostile(ends: Ending) -> Fake {
    Fake { ends: Some(ends), ..Fake::new(&[]).with_info(|info| info.batch_limits.credit = 1) }
}

/// Who asks for credit.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Actor {
    Batch,
    Automation,
}

/// A platform with a measured provider and perhaps a neighbour.
struct Platform {
    test: TestStore,
    neighbour: Option<Fake>,
    by: Actor,
}

impl Platform {
    async fn new(db: Db, by: Actor, neighbour: Option<Fake>) -> Self {
        let test = TestStore::new(db).await;
        Self { test, neighbour, by }
    }

    /// A mall of `provider` with orders to be credited; their batch, if it is one that does them.
    async fn ask(&self, provider: &str, orders: usize) -> Vec<i64> {
        let credit = if self.by == Actor::Automation { Start::AtOnce } else { Start::Never };
        let automation = Automation { credit, ..Automation::default() };
        let mall = Mall { id: provider.into(), provider: provider.into(), automation, ..mall() };
        self.test.store.put_mall(&mall, MallUpdate::default()).await.unwrap();
        let mall = self.test.store.mall(provider).await.unwrap().unwrap();
        let orders: Vec<_> = (0..orders).map(|at| new_order(&format!("{provider}-{at}"), 1_000)).collect();
        self.test.store.insert_orders(&mall, &orders, 1).await.unwrap();
        let ids: Vec<i64> = self.of(provider).await.iter().map(|order| order.id).collect();
        if self.by == Actor::Batch {
            self.test.store.add_batch(NewBatch::new(Action::Credit, "op"), &ids, 1).await.unwrap();
        }
        ids
    }

    async fn of(&self, provider: &str) -> Vec<domain::order::Order> {
        self.test.store.orders(&Filter { mall: Some(provider.into()), ..Filter::default() }).await.unwrap()
    }

    /// Orders of the measured provider in a second, from the first to the last, with the neighbour at work.
    async fn rate(&self) -> f64 {
        let measured = healthy();
        let mut providers = HashMap::from([("measured".to_owned(), measured.clone())]);
        providers.extend(self.neighbour.clone().map(|neighbour| ("neighbour".to_owned(), neighbour)));
        let credit = CreditService {
            store: self.test.store.clone(),
            lease: Arc::new(ProcessLease::start(&self.test.store).await.unwrap()),
            providers: Arc::new(providers),
            who: "op".into(),
            concurrency: 8,
            in_flight_window: Duration::ZERO,
        };
        if self.neighbour.is_some() {
            self.ask("neighbour", THEIRS).await;
        }
        let background = Worker { service: credit.clone(), wake: Arc::default() };
        let running = tokio::spawn(async move { background.run().await });
        if let Some(neighbour) = &self.neighbour {
            // It is at work before the other begins.
            while neighbour.batches.lock().unwrap().is_empty() {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        }
        self.ask("measured", OURS).await;
        while measured.batches.lock().unwrap().is_empty() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        let began = Instant::now();
        while measured.references().len() < OURS {
            tokio::time::sleep(Duration::from_millis(1)).await;
            if began.elapsed() > REQUEST_TIMEOUT {
                let mut left = self.of("measured").await;
                left.retain(|order| order.state != State::Approved);
                let left: Vec<_> = left.iter().map(|order| (order.state, &order.problem, order.tries)).collect();
                panic!("{} of {OURS} orders were sent; left: {left:?}", measured.references().len());
            }
        }
        let taken = began.elapsed();
        credit.lease.stop();
        running.await.unwrap();
        assert!(self.of("measured").await.iter().all(|order| order.state == State::Approved));
        OURS as f64 / taken.as_secs_f64()
    }
}

/// The rate beside `neighbour` is compared with that alone, measured right before.
async fn compare(db: Db, by: Actor, what: &str, neighbour: Fake) -> Platform {
    for _ in 0..TRIES {
        let alone = Platform::new(db, by, None).await.rate().await;
        // Its script is part of it.
        let neighbour =
            Fake { script: Arc::new(Mutex::new(neighbour.script.lock().unwrap().clone())), ..neighbour.clone() };
        neighbour.batches.lock().unwrap().clear();
        let platform = Platform::new(db, by, Some(neighbour)).await;
        let beside = platform.rate().await;
        let kept = beside / alone;
        println!("{db:?}, {by:?}, beside {what}: {beside:.1} of {alone:.1} rows a second: {:.0} %", kept * 100.0);
        if kept >= KEPT {
            return platform;
        }
    }
    panic!("beside {what} a provider does not keep its rate");
}

/// One after another: what runs beside a measurement changes it.
#[tokio::test(flavor = "multi_thread")]
async fn a_provider_keeps_its_rate_beside_every_hostile_neighbour() {
    for db in [Db::Sqlite, Db::Postgres] {
        let waits = Ending::PluginWaits(DEADLINE);
        compare(db, Actor::Batch, "a plugin that only waits", hostile(waits)).await;
        compare(db, Actor::Automation, "a plugin that only waits", hostile(waits)).await;
        compare(db, Actor::Batch, "a gateway that never answers", hostile(Ending::GatewaySilent(DEADLINE))).await;
        compare(db, Actor::Batch, "a plugin that traps", hostile(Ending::Trap)).await;
    }
    let says_nul =
        Fake { latency: LATENCY, ..Fake::new(&[Next::NulInId]).with_info(|info| info.batch_limits.credit = 1) };
    let platform = compare(Db::Postgres, Actor::Batch, "one NUL in a transaction id", says_nul).await;
    let theirs = platform.of("neighbour").await;
    let (doubted, others): (Vec<_>, Vec<_>) = theirs.iter().partition(|order| order.state == State::Unknown);
    assert!(matches!(&doubted[..], [one] if matches!(one.problem, Some(Issue::NotRecorded { .. }))), "{doubted:?}");
    assert!(others.iter().any(|order| order.state == State::Approved), "the neighbour's other rows go on");
    let progress: BatchProgress = platform.test.store.batch_progress(1).await.unwrap();
    assert_eq!((progress.unknown, progress.failure), (1, 0), "its row is unknown, and no other one suffers");
}
