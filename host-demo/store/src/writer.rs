//! Group commit: claims and results of calls that are side by side go to the disk together.
//!
//! A commit waits for the disk, or for the database's server, far longer than it takes to write some rows. So a write is
//! handed to a task that takes all that wait, writes them in one transaction and answers each of them when that is
//! committed. While one commit is on its way, others gather. What is promised of a write is promised of it here: it is
//! durable when it is answered, and it is carried out by its own compare-and-set. Where a group fails because of one of
//! its writes, it is halved until that one is alone, so that it fails alone.
//!
//! A write that was handed over may be carried out although nobody waits for it any more: it keeps hold of the work that
//! it is part of, whose end is noticed only when the write is over. A claim that nobody waits for when its turn comes is
//! not made.

use crate::change::Applied;
use crate::database::Store;
use crate::dialect::Dialect;
use crate::error::{Result, StoreError};
use crate::group::{ClaimWrite, Group, ResultsWrite};
use crate::lease::WorkInProgress;
use crate::sql::retried;
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
/// How long a write waits before another task is begun to write what waits: the one at work may be waiting for a row
/// that another process has locked.
const STALLED: Duration = Duration::from_millis(250);
/// Tasks that write at once on PostgreSQL, at most: half of the connections. SQLite has one writer.
const WRITERS_ON_POSTGRES: usize = 4;

/// What a write is answered with, once it is durable.
type Reply<T> = oneshot::Sender<Result<T>>;

enum Write {
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

    fn fail(self, error: StoreError) {
        // Where nobody waits any more, nobody is told.
        match self {
            Self::Claim(_, reply) => drop(reply.send(Err(error))),
            Self::Results(_, reply) => drop(reply.send(Err(error))),
        }
    }
}

struct Waiting {
    write: Write,
    /// It failed in a transaction with others and is tried by itself.
    alone: bool,
    /// Dropped when the write is over: what becomes of work that was dropped is decided after it.
    _work: Option<Arc<WorkInProgress>>,
}

#[derive(Default)]
struct Queue {
    waiting: VecDeque<Waiting>,
    writers: usize,
}

/// The writes that wait, and what was written. Clones share them.
#[derive(Clone)]
pub(super) struct Writer(Arc<Shared>);

struct Shared {
    queue: Mutex<Queue>,
    /// A write was added.
    added: Notify,
    most_writers: usize,
    /// Calls whose claims or results are to come.
    calls: AtomicUsize,
    /// Writes that were taken and are not answered yet.
    writing: AtomicUsize,
    writes: AtomicU64,
    groups: AtomicU64,
}

impl Shared {
    fn queue(&self) -> MutexGuard<'_, Queue> {
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
    async fn gather(&self) {
        let until = Instant::now() + GATHERING;
        while self.waiting() * 2 < self.0.calls.load(Ordering::Relaxed) {
            let next = until.min(Instant::now() + NEXT_WRITE);
            if timeout_at(next, self.0.added.notified()).await.is_err() {
                return;
            }
        }
    }

    fn waiting(&self) -> usize {
        self.0.queue().waiting.len()
    }

    /// The next group: what waits, in its order. Writes about one order are never in the same group.
    fn take(&self) -> Vec<Waiting> {
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
pub struct CallInProgress(Writer);

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

/// A task that writes. Its end is noticed however it ends.
struct WriterTask<'a> {
    writer: &'a Writer,
    taken: usize,
    ended: bool,
}

impl WriterTask<'_> {
    fn answered(&mut self) {
        self.writer.0.writing.fetch_sub(std::mem::take(&mut self.taken), Ordering::Relaxed);
    }
}

impl Drop for WriterTask<'_> {
    fn drop(&mut self) {
        if self.ended {
            return;
        }
        self.answered();
        // Broken off: nobody else may be there to write what waits.
        let mut queue = self.writer.0.queue();
        queue.writers -= 1;
        let waiting = std::mem::take(&mut queue.waiting);
        drop(queue);
        drop(waiting);
    }
}

impl Store {
    /// Says that a call begins, until what it returns is dropped.
    pub fn call_begins(&self) -> CallInProgress {
        self.writer.0.calls.fetch_add(1, Ordering::Relaxed);
        CallInProgress(self.writer.clone())
    }

    /// What was written in groups since the store was opened.
    pub fn group_commits(&self) -> GroupCommits {
        let shared = &self.writer.0;
        GroupCommits {
            writes: shared.writes.load(Ordering::Relaxed),
            groups: shared.groups.load(Ordering::Relaxed),
            waiting: self.writer.waiting(),
            writing: shared.writing.load(Ordering::Relaxed),
        }
    }

    pub(super) async fn write_claim(
        &self,
        claim: ClaimWrite,
        work: Option<Arc<WorkInProgress>>,
    ) -> Result<Vec<Option<Order>>> {
        self.submit(|reply| Waiting { write: Write::Claim(claim, reply), alone: false, _work: work }).await
    }

    pub(super) async fn write_results(
        &self,
        results: ResultsWrite,
        alone: bool,
        work: Option<Arc<WorkInProgress>>,
    ) -> Result<Vec<Option<Applied>>> {
        self.submit(|reply| Waiting { write: Write::Results(results, reply), alone, _work: work }).await
    }

    async fn submit<T>(&self, write: impl FnOnce(Reply<T>) -> Waiting) -> Result<T> {
        let (reply, mut answer) = oneshot::channel();
        let needs_writer = {
            let mut queue = self.writer.0.queue();
            queue.waiting.push_back(write(reply));
            let is_first = queue.writers == 0;
            queue.writers += usize::from(is_first);
            is_first
        };
        self.writer.0.added.notify_one();
        if needs_writer {
            self.begin_writer();
        }
        loop {
            match tokio::time::timeout(STALLED, &mut answer).await {
                Ok(answered) => return answered.unwrap_or(Err(StoreError::BrokenOff)),
                Err(_) => self.help_writers(),
            }
        }
    }

    /// Begins another task to write what waits, if there may be one.
    fn help_writers(&self) {
        let helps = {
            let mut queue = self.writer.0.queue();
            let helps = !queue.waiting.is_empty() && queue.writers < self.writer.0.most_writers;
            queue.writers += usize::from(helps);
            helps
        };
        if helps {
            self.begin_writer();
        }
    }

    /// A task of its own, so that who hands a write over may leave.
    fn begin_writer(&self) {
        let store = self.clone();
        tokio::spawn(async move {
            let mut task = WriterTask { writer: &store.writer, taken: 0, ended: false };
            while !task.ended {
                store.writer.gather().await;
                let group = store.writer.take();
                task.taken = group.len();
                store.write_group(group).await;
                task.answered();
                let mut queue = store.writer.0.queue();
                if queue.waiting.is_empty() {
                    queue.writers -= 1;
                    task.ended = true;
                }
            }
        });
    }

    /// Writes a group and answers it; halved, as long as one of its writes is at fault.
    async fn write_group(&self, group: Vec<Waiting>) {
        let mut groups = vec![group];
        while let Some(mut group) = groups.pop() {
            if group.is_empty() {
                continue;
            }
            match retried!(self.try_group(&group)) {
                Ok((claimed, applied)) => {
                    self.writer.0.groups.fetch_add(1, Ordering::Relaxed);
                    self.writer.0.writes.fetch_add(group.len() as u64, Ordering::Relaxed);
                    answer(group, claimed, applied);
                }
                Err(error) if group.len() > 1 && (error.is_of_one_order() || error.is_transient()) => {
                    let second = group.split_off(group.len() / 2);
                    groups.extend([second, group]);
                }
                Err(error) => fail(group, error),
            }
        }
    }

    async fn try_group(&self, group: &[Waiting]) -> Result<(Vec<Vec<Option<Order>>>, Vec<Vec<Option<Applied>>>)> {
        let mut writes = Group::default();
        for waiting in group {
            match &waiting.write {
                Write::Claim(claim, _) => writes.claims.push(claim),
                Write::Results(results, _) => writes.results.push(results),
            }
        }
        self.commit_group(&writes).await
    }
}

fn answer(group: Vec<Waiting>, claimed: Vec<Vec<Option<Order>>>, applied: Vec<Vec<Option<Applied>>>) {
    let (mut claimed, mut applied) = (claimed.into_iter(), applied.into_iter());
    for waiting in group {
        // What nobody waits for is not sent. The work that it was part of then ends here, after the write.
        match waiting.write {
            Write::Claim(_, reply) => drop(claimed.next().map(|claimed| reply.send(Ok(claimed)))),
            Write::Results(_, reply) => drop(applied.next().map(|applied| reply.send(Ok(applied)))),
        }
    }
}

fn fail(group: Vec<Waiting>, error: StoreError) {
    let error = Arc::new(error);
    for waiting in group {
        waiting.write.fail(StoreError::Group(Arc::clone(&error)));
    }
}
