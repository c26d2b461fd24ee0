//! Doing what batches ask for: rows that wait are taken by whichever process comes first and can do them, a call's
//! worth at a time, and put through the desk.

use crate::domain::credit_state::Action;
use crate::domain::issue::Wait;
use crate::service::credit::{CreditError, CreditService, Row, Work, rows_of_a_call};
use crate::service::dispatcher::{Call, Source};
use crate::service::providers::directory::Provider;
use crate::store::{Admission, BatchLane, BreakerState, Store, StoreError};

/// The rows of a lane: of one batch, one mall's, for one provider.
pub(crate) struct Rows<P> {
    desk: CreditService<P>,
    of: BatchLane,
}

impl<P> Rows<P> {
    /// Nothing is taken yet.
    pub fn new(desk: CreditService<P>, of: BatchLane) -> Self {
        Rows { desk, of }
    }
}

impl<P: Provider + Clone + 'static> Source for Rows<P> {
    async fn take(&mut self, calls: usize) -> Result<Vec<Call>, CreditError> {
        let (desk, of) = (&self.desk, &self.of);
        // Withdrawn meanwhile: its rows wait for a process that has it.
        let Some(provider) = desk.providers.get(&of.provider) else { return Ok(Vec::new()) };
        let Some(mall) = desk.store.mall_summary(&of.mall).await? else { return Ok(Vec::new()) };
        let size = rows_of_a_call(of.action, &provider, mall.rows_per_request);
        let admission = desk.store.admission(&of.provider, desk.store.now()).await?;
        let limit = match admission {
            Admission::Free => size.saturating_mul(calls),
            Admission::Probe => 1,
            Admission::NotBefore(_) => return Ok(Vec::new()),
        };
        let taken = desk.store.take_rows(of, &desk.worker.name(), limit).await?;
        if taken.is_empty() && admission == Admission::Probe {
            desk.store.give_back_probe(&of.provider, desk.store.now()).await?;
        }
        let works: Vec<Work> = taken.into_iter().map(|(id, row)| Work { id, row: Some(row) }).collect();
        let call = |works: &[Work]| Call { action: of.action, works: works.to_vec() };
        Ok(works.chunks(size).map(call).collect())
    }

    async fn ended(&mut self, _: &[Row]) -> Result<(), CreditError> {
        Ok(())
    }

    async fn leave(self) -> Result<(), CreditError> {
        Ok(self.desk.store.finish_batches(self.desk.store.now()).await?)
    }
}

/// Whether a batch can do this: a decision is about one order.
pub fn is_for_many(action: Action) -> bool {
    action != Action::Decide
}

/// Why rows of the batch wait that no process does now, and what helps; nothing where work goes on.
pub async fn waits(store: &Store, batch: i64) -> Result<Vec<Wait>, StoreError> {
    let providers = store.waited_for(batch).await?;
    if providers.is_empty() {
        return Ok(Vec::new());
    }
    let Some(served) = store.served().await? else { return Ok(vec![Wait::NoProcess]) };
    let breakers = store.breakers().await?;
    let wait = |provider: String| {
        if !served.contains(&provider) {
            return Some(Wait::NoPlugin { provider });
        }
        let open = breakers.iter().find(|breaker| breaker.provider == provider && breaker.state == BreakerState::Open);
        let until = open?.probe_at?;
        Some(Wait::Paused { provider, until })
    };
    Ok(providers.into_iter().filter_map(wait).collect())
}
