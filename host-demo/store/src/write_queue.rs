//! The writes that wait for their group: which of them are next, and for how long a group gathers.

use crate::change::Applied;
use crate::dialect::Dialect;
use crate::error::{Result, StoreError};
use crate::group_writes::{ClaimWrite, ResultsWrite};
use crate::work::WorkInProgress;
use domain::order::Order;
use std::collections::{HashSet, VecDeque};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::{Notify, oneshot};
use tokio::time::{Instant, timeout_at};

/// Most orders in one group, unless a single write has more: others wait for its transaction, and with several writes
/// of so many orders a commit costs next to nothing for each.
const ORDERS_PER_GROUP: usize = 1_000;
/// How long a group gathers at most while other calls are in progress whose claims or results are to come: some commits
/// of a disk, and far less than a gateway takes to answer.
const GATHERING: Duration = Duration::from_millis(10);
/// A group gathers as long as another write comes within this time of the one before. A quick gateway answers several of
/// 64 calls in it; a slow one answers so seldom that waiting for more would gain nothing.
const NEXT_WRITE: Duration = Duration::from_millis(1);
/// Tasks that write at once on PostgreSQL, at most: half of the connections. SQLite has one writer.
const WRITERS_ON_POSTGRES: usize = 4;

/// What a write is answered with, once it is durable.
pub(super) type Reply<T> = oneshot::Sender<Result<T>>;

pub(super) enum Write {
    Claim(ClaimWrite, Reply<Vec<Option<Order>>>),
    Results(ResultsWrite, Reply<Vec<Option<Applied>>>),
}

impl Write {
    fn orders(&self) -> Vec<i64> {
        match self {
            Self::Claim(claim, _) => claim.orders.iter().map(|order| order.id).collect(),
            Self::Results(results, _) => results.changes.iter().map(|change| change.order.id).collect(),
        }
    }

    /// Whether it is a claim whose call will not be made. Results are written in any case.
    fn is_in_vain(&self) -> bool {
        matches!(self, Self::Claim(_, reply) if reply.is_closed())
    }

    pub(super) fn fail(self, error: StoreError) {
        // Where nobody waits any more, nobody is told.
        match self {
            Self::Claim(_, reply) => drop(reply.send(Err(error))),
            Self::Results(_, reply) => drop(reply.send(Err(error))),
        }
    }
}

pub(super) struct Waiting {
    pub(super) write: Write,
    /// It failed in a transaction with others and is tried by itself.
    pub(super) alone: bool,
    /// Dropped when the write is over: what becomes of work that was dropped is decided after it.
    pub(super) _work: Option<Arc<WorkInProgress>>,
}

#[derive(Default)]
pub(super) struct Queue {
    pub(super) waiting: VecDeque<Waiting>,
    pub(super) writers: usize,
}

/// The writes that wait, and what was written. Clones share them.
#[derive(Clone)]
pub(super) struct Writer(pub(super) Arc<Shared>);

pub(super) struct Shared {
    queue: Mutex<Queue>,
    /// A write was added.
    pub(super) added: Notify,
    pub(super) most_writers: usize,
    /// Calls whose claims or results are to come.
    pub(super) calls: AtomicUsize,
    /// Writes that were taken and are not answered yet.
    pub(super) writing: AtomicUsize,
    pub(super) writes: AtomicU64,
    pub(super) groups: AtomicU64,
}

impl Shared {
    pub(super) fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Writer {
    pub(super) fn new(dialect: Dialect) -> Self {
        let most_writers = if dialect == Dialect::Postgres { WRITERS_ON_POSTGRES } else { 1 };
        Self(Arc::new(Shared {
            queue: Mutex::default(),
            added: Notify::new(),
            most_writers,
            calls: AtomicUsize::default(),
            writing: AtomicUsize::default(),
            writes: AtomicU64::default(),
            groups: AtomicU64::default(),
        }))
    }

    /// Waits until half of the calls in progress have something to write, as long as writes keep coming, but no longer
    /// than [`GATHERING`]. A call that is alone never waits.
    pub(super) async fn gather(&self) {
        let until = Instant::now() + GATHERING;
        while self.waiting() * 2 < self.0.calls.load(Ordering::Relaxed) {
            let next = until.min(Instant::now() + NEXT_WRITE);
            if timeout_at(next, self.0.added.notified()).await.is_err() {
                return;
            }
        }
    }

    pub(super) fn waiting(&self) -> usize {
        self.0.queue().waiting.len()
    }

    /// The next group: what waits, in its order. Writes about one order are never in the same group.
    pub(super) fn take(&self) -> Vec<Waiting> {
        let mut queue = self.0.queue();
        let (mut group, mut later, mut orders): (Vec<Waiting>, _, HashSet<i64>) =
            (Vec::new(), VecDeque::new(), HashSet::new());
        for waiting in std::mem::take(&mut queue.waiting) {
            if waiting.write.is_in_vain() {
                continue;
            }
            let concerned = waiting.write.orders();
            let is_full = orders.len() + concerned.len() > ORDERS_PER_GROUP
                || waiting.alone
                || group.iter().any(|taken: &Waiting| taken.alone);
            let is_free = concerned.iter().all(|order| !orders.contains(order));
            // Orders of what is left for later are taken as well, so that writes about one order stay in their order.
            orders.extend(concerned);
            if group.is_empty() && later.is_empty() || is_free && !is_full {
                group.push(waiting);
            } else {
                later.push_back(waiting);
            }
        }
        queue.waiting = later;
        self.0.writing.fetch_add(group.len(), Ordering::Relaxed);
        group
    }
}

/// A call is in progress: a group of writes waits a little for its claim or its results.
#[must_use]
pub struct CallInProgress(pub(super) Writer);

impl Drop for CallInProgress {
    fn drop(&mut self) {
        self.0.0.calls.fetch_sub(1, Ordering::Relaxed);
        self.0.0.added.notify_one();
    }
}

/// What was written in groups.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct GroupCommits {
    /// Claims and results of calls.
    pub writes: u64,
    /// Transactions in which they were committed.
    pub groups: u64,
    /// Claims and results that wait for their transaction now.
    pub waiting: usize,
    /// Those whose transaction is on its way now.
    pub writing: usize,
}
