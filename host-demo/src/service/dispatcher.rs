//! Work in the background, side by side: one lane for each kind of work, mall and provider, and no lane waits for
//! another. A provider that does not answer, or a plugin that only waits, holds up its own lane.

use crate::domain::actor::AUTOMATION;
use crate::domain::credit_state::Action;
use crate::domain::issue::Issue;
use crate::service::credit::{CreditError, CreditService, Row, Work};
use crate::service::providers::directory::Provider;
use crate::service::{automation, batches};
use crate::store::{BatchLane, StoreError};
use std::collections::HashMap;
use std::future::{Future, pending};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::{Id, JoinSet};

/// Calls that all lanes of one provider have under way together, however many malls and batches there are: a quarter
/// of what the host carries at once, so that providers that do not answer leave room for others.
const CALLS_OF_A_PROVIDER: usize = 64;
/// How long a lane rests in which the store or the program failed: asking faster does not help.
pub(crate) const AFTER_AN_ERROR: Duration = Duration::from_secs(5);

/// The orders of one call.
pub(crate) struct Call {
    /// What is done.
    pub action: Action,
    /// With which orders.
    pub works: Vec<Work>,
}

/// Where a lane's work comes from.
pub(crate) trait Source: Send + 'static {
    /// Takes the orders of at most `calls` calls; none: there is nothing left that could be done now.
    fn take(&mut self, calls: usize) -> impl Future<Output = Result<Vec<Call>, CreditError>> + Send;

    /// Hears what became of the orders of a call.
    fn ended(&mut self, rows: &[Row]) -> impl Future<Output = Result<(), CreditError>> + Send;

    /// Lets go of what was taken and not begun.
    fn leave(self) -> impl Future<Output = Result<(), CreditError>> + Send;
}

/// What a lane is for.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Key {
    Batch(BatchLane),
    Automation(automation::Lane),
}

/// The lanes of one process. Letting go of it breaks off what they have begun.
pub struct Dispatcher<P> {
    desk: CreditService<P>,
    running: JoinSet<usize>,
    keys: HashMap<Id, Key>,
    gates: HashMap<String, Arc<Semaphore>>,
}

impl<P: Provider + Clone + 'static> Dispatcher<P> {
    /// None yet.
    pub fn new(desk: CreditService<P>) -> Self {
        Dispatcher { desk, running: JoinSet::new(), keys: HashMap::new(), gates: HashMap::new() }
    }

    /// Begins with the rows of batches that wait, that this process can do, and that no lane works on.
    pub async fn begin_batches(&mut self) -> Result<(), StoreError> {
        self.desk.store.finish_batches(self.desk.store.now()).await?;
        for waiting in self.desk.store.waiting().await? {
            if self.desk.providers.get(&waiting.provider).is_some() {
                let desk = self.desk.of(&waiting.who);
                let rows = batches::Rows::new(desk.clone(), waiting.clone());
                self.begin(desk, &waiting.provider.clone(), Key::Batch(waiting), rows);
            }
        }
        Ok(())
    }

    /// Looks at orders whose time has come, of malls and providers for which no lane works, and begins what is to be
    /// done with them. How many were looked at.
    pub async fn begin_automation(&mut self) -> Result<usize, StoreError> {
        let busy = self.keys.values().filter_map(|key| match key {
            Key::Automation(lane) => Some(lane.clone()),
            Key::Batch(_) => None,
        });
        let (looked_at, lanes) = automation::take_due(&self.desk, busy.collect()).await?;
        for (lane, orders) in lanes {
            self.begin(self.desk.of(AUTOMATION), &lane.provider.clone(), Key::Automation(lane), orders);
        }
        Ok(looked_at)
    }

    fn begin(&mut self, desk: CreditService<P>, provider: &str, key: Key, source: impl Source) {
        if self.keys.values().any(|busy| *busy == key) {
            return;
        }
        let gate =
            self.gates.entry(provider.to_owned()).or_insert_with(|| Arc::new(Semaphore::new(CALLS_OF_A_PROVIDER)));
        let lane = drain(desk, Arc::clone(gate), source);
        self.keys.insert(self.running.spawn(lane).id(), key);
    }

    /// Waits until a lane comes to its end: how many rows it did. Where there is none, it waits for ever.
    pub async fn one_ends(&mut self) -> usize {
        let (id, done) = match self.running.join_next_with_id().await {
            None => return pending().await,
            Some(Ok(ended)) => ended,
            Some(Err(error)) => {
                tracing::error!(%error, "work in the background broke off");
                (error.id(), 0)
            }
        };
        self.keys.remove(&id);
        done
    }

    /// Waits until all come to their end: how many rows they did.
    pub async fn all_end(&mut self) -> usize {
        let mut done = 0;
        while !self.running.is_empty() {
            done += self.one_ends().await;
        }
        done
    }
}

/// Does what `source` has, with the desk's calls side by side, until there is nothing left or the process is to
/// stop. Every call that ends makes room for the next: none waits for a slower one. How many rows were done.
async fn drain<P: Provider + Clone + 'static>(
    desk: CreditService<P>,
    gate: Arc<Semaphore>,
    mut source: impl Source,
) -> usize {
    let (mut calls, mut done, mut failed) = (JoinSet::new(), 0, false);
    loop {
        if !failed && !desk.worker.is_stopping() {
            let begun = fill(&desk, &gate, &mut source, &mut calls).await;
            failed |= is_failure(begun);
        }
        let Some(ended) = calls.join_next().await else { break };
        let rows = match ended {
            Ok(rows) => rows,
            Err(error) => {
                tracing::error!(%error, "a call broke off");
                failed = true;
                continue;
            }
        };
        match rows {
            Ok(rows) => {
                done += rows.len();
                // What this process cannot do now, it must not take again at once.
                failed |= rows.iter().any(|row| row.problem.as_ref().is_some_and(Issue::is_for_later));
                failed |= is_failure(source.ended(&rows).await);
            }
            error => failed |= is_failure(error),
        }
    }
    failed |= is_failure(source.leave().await);
    if failed {
        tokio::select! {
            () = tokio::time::sleep(AFTER_AN_ERROR) => {}
            () = desk.worker.stopping() => {}
        }
    }
    done
}

fn is_failure<T>(result: Result<T, CreditError>) -> bool {
    if let Err(error) = &result {
        tracing::error!(%error, "work in the background failed; it goes on in a moment");
    }
    result.is_err()
}

/// Begins as many calls as there is room for.
async fn fill<P: Provider + Clone + 'static>(
    desk: &CreditService<P>,
    gate: &Arc<Semaphore>,
    source: &mut impl Source,
    calls: &mut JoinSet<Result<Vec<Row>, CreditError>>,
) -> Result<(), CreditError> {
    let room = desk.concurrency.saturating_sub(calls.len());
    let mut permits = permits(gate, room, calls.is_empty()).await;
    if permits.is_empty() {
        return Ok(());
    }
    for call in source.take(permits.len()).await? {
        let (desk, permit) = (desk.clone(), permits.pop());
        calls.spawn(async move {
            let _permit = permit;
            carry_out(&desk, &call).await
        });
    }
    Ok(())
}

/// Leave for at most `most` calls; where none is under way, the first is waited for.
async fn permits(gate: &Arc<Semaphore>, most: usize, wait: bool) -> Vec<OwnedSemaphorePermit> {
    let mut permits = Vec::new();
    if wait {
        permits.extend(Arc::clone(gate).acquire_owned().await);
    }
    while permits.len() < most
        && let Ok(permit) = Arc::clone(gate).try_acquire_owned()
    {
        permits.push(permit);
    }
    permits
}

/// Does a call. If one of its orders is at fault before anything is begun, each has a call of its own, and the one
/// that is at fault fails alone.
async fn carry_out<P: Provider + Clone>(desk: &CreditService<P>, call: &Call) -> Result<Vec<Row>, CreditError> {
    match desk.carry_out(call.action, &call.works, &|_| {}).await {
        Err(error) if error.is_of_one_order() => {}
        done => return done,
    }
    let mut rows = Vec::with_capacity(call.works.len());
    for work in &call.works {
        match desk.carry_out(call.action, std::slice::from_ref(work), &|_| {}).await {
            Err(error) if error.is_of_one_order() => give_up(desk, work, &error).await?,
            done => rows.extend(done?),
        }
    }
    Ok(rows)
}

/// An order that cannot be acted on at all.
async fn give_up<P>(desk: &CreditService<P>, work: &Work, error: &CreditError) -> Result<(), StoreError> {
    tracing::error!(order = work.id, %error, "an order cannot be acted on");
    match work.row {
        Some(row) => desk.store.fail_row(row, &Issue::Unusable { why: error.to_string() }).await,
        None => Ok(()),
    }
}
