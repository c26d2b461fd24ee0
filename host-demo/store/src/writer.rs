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
use crate::error::{Result, StoreError};
use crate::group_writes::{ClaimWrite, Group, ResultsWrite};
use crate::sql::retried;
use crate::work::WorkInProgress;
use crate::write_queue::{CallInProgress, GroupCommits, Reply, Waiting, Write, Writer};
use domain::order::Order;
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::sync::oneshot;

/// How long a write waits before another task is begun to write what waits: the one at work may be waiting for a row
/// that another process has locked.
const STALLED: Duration = Duration::from_millis(250);

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
        // Broken off. If nobody else is there to write what waits, it fails instead of waiting for ever.
        let mut queue = self.writer.0.queue();
        queue.writers -= 1;
        let waiting = if queue.writers == 0 { std::mem::take(&mut queue.waiting) } else { VecDeque::new() };
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
                // What was sent has its room on the disk; nothing more is sent.
                Err(error) if error.is_disk_full() && has_results(&group) && self.disk_reserve.release() => {
                    let (results, claims) = group.into_iter().partition(is_results);
                    fail(claims, StoreError::DiskFull);
                    groups.push(results);
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
        if !writes.claims.is_empty() {
            self.disk_reserve.hold()?;
        }
        self.commit_group(&writes).await
    }
}

fn is_results(waiting: &Waiting) -> bool {
    matches!(waiting.write, Write::Results(..))
}

fn has_results(group: &[Waiting]) -> bool {
    group.iter().any(is_results)
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
