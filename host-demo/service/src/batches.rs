//! Batches: one action on many orders. Rows that wait are taken by the first process that can do them, as many as fit
//! into one call at a time.

use crate::credit::{CreditError, CreditRow, CreditService, PlannedCall, WorkItem};
use crate::preflight::rows_of_a_call;
use crate::providers::provider::Provider;
use crate::work_source::WorkSource;
use domain::crash_point::{CrashPoint, reached};
use domain::credit_state::{Action, Outcome};
use domain::issue::Wait;
use std::collections::BTreeSet;
use store::{
    Admission, BatchLane, BatchOrder, BatchRow, BreakerState, CreditPause, MAX_BATCH, NewBatch, Store, StoreError,
};

/// The rows of one batch for one mall and one provider.
pub(crate) struct BatchRows<P> {
    service: CreditService<P>,
    of: BatchLane,
}

impl<P> BatchRows<P> {
    /// Takes no rows yet.
    pub(crate) fn new(service: CreditService<P>, of: BatchLane) -> Self {
        Self { service, of }
    }
}

impl<P: Provider + Clone + 'static> WorkSource for BatchRows<P> {
    async fn take(&mut self, calls: usize) -> Result<Vec<PlannedCall>, CreditError> {
        let (service, of) = (&self.service, &self.of);
        // The plugin was withdrawn: the rows wait for a process that has it.
        let Some(provider) = service.providers.get(&of.provider) else { return Ok(Vec::new()) };
        let Some(mall) = service.store.mall_summary(&of.mall).await? else { return Ok(Vec::new()) };
        if of.action == Action::Credit && service.store.is_credit_paused(&of.provider).await? {
            return Ok(Vec::new());
        }
        let size = rows_of_a_call(of.action, &provider, mall.rows_per_request);
        let admission = service.store.admission(&of.provider, service.store.now()).await?;
        let limit = match admission {
            Admission::Free => size.saturating_mul(calls),
            Admission::Probe => 1,
            Admission::NotBefore(_) => return Ok(Vec::new()),
        };
        let taken = service.store.take_rows(of, &service.lease, limit).await?;
        reached(CrashPoint::RowsTaken).await;
        if taken.is_empty() && admission == Admission::Probe {
            service.store.give_back_probe(&of.provider, service.store.now()).await?;
        }
        let items: Vec<WorkItem> = taken.into_iter().map(WorkItem::from).collect();
        let call = |items: &[WorkItem]| PlannedCall { action: of.action, items: items.to_vec() };
        Ok(items.chunks(size).map(call).collect())
    }

    async fn ended(&mut self, _: &[CreditRow]) -> Result<(), CreditError> {
        Ok(())
    }

    async fn leave(self) -> Result<(), CreditError> {
        Ok(self.service.store.finish_batches(self.service.store.now()).await?)
    }
}

/// Whether a batch can do this: a decision is about one order.
pub fn is_for_many(action: Action) -> bool {
    action != Action::Decide
}

/// A batch was not begun or stopped.
#[derive(Debug, thiserror::Error)]
pub enum BatchError {
    /// The action is about one order.
    #[error("a decision is about one order")]
    NotForMany,
    /// It would have no orders.
    #[error("a batch has at least one order")]
    Empty,
    /// It would have this many orders, more than [`MAX_BATCH`].
    #[error("a batch has {MAX_BATCH} orders at most, not {0}")]
    TooMany(usize),
    /// Orders that do not exist.
    #[error("these orders do not exist: {0:?}")]
    NoOrders(Vec<i64>),
    /// There is no batch with this number.
    #[error("there is no batch {0}")]
    NoBatch(i64),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Makes the batch `new` of `orders`; returns its number. Workers process it in the background. An order that is given
/// twice has one row, at its first place.
pub async fn begin(store: &Store, new: NewBatch<'_>, orders: Vec<BatchOrder>) -> Result<i64, BatchError> {
    if !is_for_many(new.action) {
        return Err(BatchError::NotForMany);
    }
    match orders.len() {
        0 => return Err(BatchError::Empty),
        1..=MAX_BATCH => {}
        many => return Err(BatchError::TooMany(many)),
    }
    let ids: Vec<i64> = orders.iter().map(|order| order.id).collect();
    let missing = store.missing(&ids).await?;
    if !missing.is_empty() {
        return Err(BatchError::NoOrders(missing));
    }
    Ok(store.add_batch(new, orders, store.now()).await?)
}

/// Stops a batch: rows that have not begun fail, calls that have begun end first.
pub async fn stop(store: &Store, batch: i64, who: &str) -> Result<(), BatchError> {
    if store.batch(batch).await?.is_none() {
        return Err(BatchError::NoBatch(batch));
    }
    Ok(store.stop_batch(batch, who, store.now()).await?)
}

/// The orders of a batch that were done without success.
pub async fn without_success(store: &Store, batch: i64) -> Result<BTreeSet<i64>, StoreError> {
    let rows = store.batch_rows(batch, 0, MAX_BATCH as i64).await?;
    let failed = |row: &&BatchRow| row.outcome.is_some_and(|outcome| outcome != Outcome::Success);
    Ok(rows.iter().filter(failed).map(|row| row.order).collect())
}

/// Why rows of the batch wait that no process does now, and what helps; empty while work goes on.
pub async fn waits(store: &Store, batch: i64) -> Result<Vec<Wait>, StoreError> {
    let providers = store.waited_for(batch).await?;
    if providers.is_empty() {
        return Ok(Vec::new());
    }
    let (mut waits, providers) = paused(store, batch, providers).await?;
    if providers.is_empty() {
        return Ok(waits);
    }
    let Some(served) = store.served().await? else {
        waits.push(Wait::NoProcess);
        return Ok(waits);
    };
    let breakers = store.breakers().await?;
    let wait = |provider: String| {
        if !served.contains(&provider) {
            return Some(Wait::NoPlugin { provider });
        }
        let open = breakers.iter().find(|breaker| breaker.provider == provider && breaker.state == BreakerState::Open);
        let until = open?.probe_at?;
        Some(Wait::Paused { provider, until })
    };
    waits.extend(providers.into_iter().filter_map(wait));
    Ok(waits)
}

/// Of `providers` for which rows of a batch wait: those to which an administrator lets no credit go, and the others.
async fn paused(store: &Store, batch: i64, providers: Vec<String>) -> Result<(Vec<Wait>, Vec<String>), StoreError> {
    if store.batch(batch).await?.is_none_or(|batch| batch.action != Action::Credit) {
        return Ok((Vec::new(), providers));
    }
    let pauses = store.credit_pauses().await?;
    let is_paused = |provider: &String| pauses.iter().any(|pause| pause.provider == *provider);
    let others = providers.iter().filter(|provider| !is_paused(provider)).cloned().collect();
    let of_batch = pauses.into_iter().filter(|pause| providers.contains(&pause.provider));
    let wait = |CreditPause { provider, who, note, .. }| Wait::CreditPaused { provider, who, note };
    Ok((of_batch.map(wait).collect(), others))
}
