//! Doing what batches ask for: rows that wait are taken by whichever process comes first and can do them, a call's
//! worth at a time, and put through the service.

use crate::domain::credit_state::Action;
use crate::domain::issue::Wait;
use crate::service::credit::{CreditError, CreditRow, CreditService, WorkItem};
use crate::service::preflight::rows_of_a_call;
use crate::service::providers::provider::Provider;
use crate::service::work_source::{PlannedCall, WorkSource};
use crate::store::{Admission, BreakerState, Store, StoreError, Waiting};

/// The rows of one batch for one mall and one provider.
pub(crate) struct BatchRows<P> {
    service: CreditService<P>,
    of: Waiting,
}

impl<P> BatchRows<P> {
    /// Takes no rows yet.
    pub fn new(service: CreditService<P>, of: Waiting) -> Self {
        BatchRows { service, of }
    }
}

impl<P: Provider + Clone + 'static> WorkSource for BatchRows<P> {
    async fn take(&mut self, calls: usize) -> Result<Vec<PlannedCall>, CreditError> {
        let (service, of) = (&self.service, &self.of);
        // The plugin was withdrawn: the rows wait for a process that has it.
        let Some(provider) = service.providers.get(&of.provider) else { return Ok(Vec::new()) };
        let Some(mall) = service.store.mall(&of.mall).await? else { return Ok(Vec::new()) };
        let size = rows_of_a_call(of.action, &provider, mall.rows_per_request);
        let admission = service.store.admission(&of.provider, service.store.now()).await?;
        let limit = match admission {
            Admission::Free => size.saturating_mul(calls),
            Admission::Probe => 1,
            Admission::NotBefore(_) => return Ok(Vec::new()),
        };
        let taken = service.store.take_rows(of, &service.worker.name(), limit).await?;
        if taken.is_empty() && admission == Admission::Probe {
            service.store.give_back_probe(&of.provider, service.store.now()).await?;
        }
        let items: Vec<WorkItem> = taken.into_iter().map(|(id, row)| WorkItem { id, row: Some(row) }).collect();
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
