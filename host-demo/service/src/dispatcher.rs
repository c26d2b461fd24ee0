//! Runs background work concurrently: one queue for each kind of work, mall and provider. No queue waits for another,
//! so a provider that does not respond, or a plugin that only waits, delays its own queue alone.

use crate::credit::{CreditError, CreditRow, CreditService, PlannedCall, ReadCall, WorkItem};
use crate::providers::provider::Provider;
use crate::work_source::WorkSource;
use crate::{automation, batches};
use domain::actor::AUTOMATION;
use domain::issue::Issue;
use std::collections::HashMap;
use std::future::pending;
use std::sync::Arc;
use std::time::Duration;
use store::{BatchLane, StoreError};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::{Id, JoinSet};
use tokio::time::timeout;

/// Most concurrent calls of all queues of one provider together, however many malls and batches there are: a quarter of
/// what the host runs at once, so that providers that do not respond leave room for others.
const CALLS_OF_A_PROVIDER: usize = 64;
/// Calls whose results were committed together end one right after another, at most so far apart.
const NEXT_END: Duration = Duration::from_millis(1);
/// Pause of a queue after the store or the program failed: a faster retry does not help.
pub(crate) const ERROR_BACKOFF: Duration = Duration::from_secs(5);

/// Identifies a queue.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum QueueKey {
    Batch(BatchLane),
    Automation(automation::ProviderQueue),
}

/// The queues of one process. Dropping it aborts the calls that they have begun.
pub struct Dispatcher<P> {
    service: CreditService<P>,
    running: JoinSet<usize>,
    keys: HashMap<Id, QueueKey>,
    /// By provider: bounds its concurrent calls.
    permits: HashMap<String, Arc<Semaphore>>,
    error_backoff: Duration,
}

impl<P: Provider + Clone + 'static> Dispatcher<P> {
    /// A dispatcher without queues.
    pub fn new(service: CreditService<P>) -> Self {
        let (running, keys, permits) = (JoinSet::new(), HashMap::new(), HashMap::new());
        Self { service, running, keys, permits, error_backoff: ERROR_BACKOFF }
    }

    /// The same with another pause of a queue after the store or the program failed, for simulations, whose time is
    /// their own.
    pub fn with_error_backoff(self, error_backoff: Duration) -> Self {
        Self { error_backoff, ..self }
    }

    /// Starts a queue for the rows of each batch that wait, that this process can do and that no queue works on.
    pub async fn begin_batches(&mut self) -> Result<(), StoreError> {
        self.service.store.finish_batches(self.service.store.now()).await?;
        for waiting in self.service.store.waiting().await? {
            if self.service.providers.get(&waiting.provider).is_some() {
                let service = self.service.of(&waiting.who);
                let rows = batches::BatchRows::new(service.clone(), waiting.clone());
                self.begin(service, &waiting.provider.clone(), QueueKey::Batch(waiting), rows);
            }
        }
        Ok(())
    }

    /// Takes orders that are due, of malls and providers for which no queue runs, and starts queues for what is to be
    /// done with them. Returns how many were taken.
    pub async fn begin_automation(&mut self) -> Result<usize, StoreError> {
        let busy = self.keys.values().filter_map(|key| match key {
            QueueKey::Automation(queue) => Some(queue.clone()),
            QueueKey::Batch(_) => None,
        });
        let (looked_at, queues) = automation::take_due(&self.service, busy.collect()).await?;
        for (queue, orders) in queues {
            self.begin(self.service.of(AUTOMATION), &queue.provider.clone(), QueueKey::Automation(queue), orders);
        }
        Ok(looked_at)
    }

    fn begin(&mut self, service: CreditService<P>, provider: &str, key: QueueKey, source: impl WorkSource) {
        if self.keys.values().any(|busy| *busy == key) {
            return;
        }
        let permits =
            self.permits.entry(provider.to_owned()).or_insert_with(|| Arc::new(Semaphore::new(CALLS_OF_A_PROVIDER)));
        let queue = drain(service, Arc::clone(permits), source, self.error_backoff);
        self.keys.insert(self.running.spawn(queue).id(), key);
    }

    /// Waits until a queue ends; returns how many rows it did. Never ends while there is no queue.
    pub async fn one_ends(&mut self) -> usize {
        let (id, done) = match self.running.join_next_with_id().await {
            None => return pending().await,
            Some(Ok(ended)) => ended,
            Some(Err(error)) => {
                tracing::error!(%error, "a queue of background work panicked");
                (error.id(), 0)
            }
        };
        self.keys.remove(&id);
        done
    }

    /// Waits until all queues end; returns how many rows they did.
    pub async fn all_end(&mut self) -> usize {
        let mut done = 0;
        while !self.running.is_empty() {
            done += self.one_ends().await;
        }
        done
    }
}

/// Does the work of `source`, several calls at a time, until nothing is left or the process is to stop. A call that
/// ends is replaced at once, without waiting for slower ones. Returns how many rows were done.
async fn drain<P: Provider + Clone + 'static>(
    service: CreditService<P>,
    permits: Arc<Semaphore>,
    mut source: impl WorkSource,
    error_backoff: Duration,
) -> usize {
    let (mut calls, mut done, mut failed) = (JoinSet::new(), 0, false);
    loop {
        if !failed && !service.lease.is_stopping() {
            let begun = fill(&service, &permits, &mut source, &mut calls).await;
            failed |= is_failure(begun);
        }
        let Some(first) = calls.join_next().await else { break };
        // Results are committed in groups, so calls end in groups; what they make room for is taken at once. Not more than
        // half of the calls are waited for, so that there are always some in progress.
        let mut ended = vec![first];
        while ended.len() * 2 < service.concurrency
            && let Ok(Some(next)) = timeout(NEXT_END, calls.join_next()).await
        {
            ended.push(next);
        }
        for ended in ended {
            match ended {
                Ok(Ok(rows)) => {
                    done += rows.len();
                    // This process must not take at once again what it cannot do now.
                    failed |= rows.iter().any(|row| row.problem.as_ref().is_some_and(Issue::is_for_later));
                    failed |= is_failure(source.ended(&rows).await);
                }
                Ok(error) => failed |= is_failure(error),
                Err(error) => {
                    tracing::error!(%error, "a call panicked");
                    failed = true;
                }
            }
        }
    }
    failed |= is_failure(source.leave().await);
    if failed {
        tokio::select! {
            () = tokio::time::sleep(error_backoff) => {}
            () = service.lease.stopping() => {}
        }
    }
    done
}

fn is_failure<T>(result: Result<T, CreditError>) -> bool {
    if let Err(error) = &result {
        tracing::error!(%error, "background work failed; it is retried");
    }
    result.is_err()
}

/// Starts as many calls as there is room for.
async fn fill<P: Provider + Clone + 'static>(
    service: &CreditService<P>,
    semaphore: &Arc<Semaphore>,
    source: &mut impl WorkSource,
    calls: &mut JoinSet<Result<Vec<CreditRow>, CreditError>>,
) -> Result<(), CreditError> {
    let room = service.concurrency.saturating_sub(calls.len());
    let mut permits = acquire(semaphore, room, calls.is_empty()).await;
    if permits.is_empty() {
        return Ok(());
    }
    let planned = source.take(permits.len()).await?;
    if planned.is_empty() {
        return Ok(());
    }
    let mut begin = |call: BegunCall| {
        let (service, permit) = (service.clone(), permits.pop());
        calls.spawn(async move {
            let _permit = permit;
            match call {
                BegunCall::Read(read) => service.carry_out_read(read, &|_| {}).await,
                BegunCall::Alone(call) => carry_out(&service, &call).await,
            }
        });
    };
    // What the calls read is read once for all of them.
    match service.read_calls(planned).await {
        Ok(read) => read.into_iter().map(BegunCall::Read).for_each(begin),
        // One that cannot be read is that order's fault.
        Err((error, planned)) if error.is_of_one_order() => {
            planned.into_iter().map(BegunCall::Alone).for_each(&mut begin)
        }
        Err((error, _)) => return Err(error),
    }
    Ok(())
}

/// A call that begins.
enum BegunCall {
    /// What it needs was read with that of others.
    Read(ReadCall),
    /// It reads what it needs.
    Alone(PlannedCall),
}

/// Permits for at most `most` calls; with `wait`, the first is waited for.
async fn acquire(semaphore: &Arc<Semaphore>, most: usize, wait: bool) -> Vec<OwnedSemaphorePermit> {
    let mut permits = Vec::new();
    if wait {
        permits.extend(Arc::clone(semaphore).acquire_owned().await);
    }
    while permits.len() < most
        && let Ok(permit) = Arc::clone(semaphore).try_acquire_owned()
    {
        permits.push(permit);
    }
    permits
}

/// Makes a call. If one of its orders causes an error before anything is begun, each order gets a call of its own, so
/// that the one at fault fails alone.
async fn carry_out<P: Provider + Clone + 'static>(
    service: &CreditService<P>,
    call: &PlannedCall,
) -> Result<Vec<CreditRow>, CreditError> {
    match service.carry_out(call.action, &call.items, &|_| {}).await {
        Err(error) if error.is_of_one_order() => {}
        done => return done,
    }
    let mut rows = Vec::with_capacity(call.items.len());
    for item in &call.items {
        match service.carry_out(call.action, std::slice::from_ref(item), &|_| {}).await {
            Err(error) if error.is_of_one_order() => give_up(service, item, &error).await?,
            done => rows.extend(done?),
        }
    }
    Ok(rows)
}

/// Fails the batch row of an order that cannot be acted on at all.
async fn give_up<P>(service: &CreditService<P>, item: &WorkItem, error: &CreditError) -> Result<(), StoreError> {
    tracing::error!(order = item.id, %error, "an order cannot be acted on");
    match item.row {
        Some(row) => {
            let problem = Issue::Unusable { why: error.to_string() };
            service.store.fail_row(&service.lease.name(), row, &problem).await
        }
        None => Ok(()),
    }
}
