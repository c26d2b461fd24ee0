//! A run: one action on many orders.

use super::accounts::MallAccounts;
use super::call_batch::{CallBatch, IndexedOrder};
use super::row::{CreditError, CreditRow, OnRow, WorkItem};
use super::service::CreditService;
use crate::preflight::{is_by_csv, obstacle, rows_of_a_call};
use crate::providers::provider::Provider;
use domain::crash_point::{CrashPoint, reached};
use domain::credit_state::{Action, Outcome, State};
use domain::issue::Issue;
use futures::stream::{self, StreamExt};
use std::collections::BTreeMap;
use std::time::Duration;
use store::lease::ProcessLease;
use store::{FinishedRow, StoreError};

/// How long a verdict is polled for.
#[derive(Debug, Clone, Copy)]
pub struct PollPolicy {
    /// Pause before the second check.
    pub first_pause: Duration,
    /// No pause is longer.
    pub longest_pause: Duration,
    /// No check begins later than this after the first.
    pub give_up_after: Duration,
}

/// Work in progress. If it is dropped before it is finished, its orders are handed to the process lease, whose
/// recovery gives those that were claimed an unknown outcome.
struct Unfinished<'a> {
    lease: &'a ProcessLease,
    items: &'a [WorkItem],
}

impl Unfinished<'_> {
    fn finish(self) {
        std::mem::forget(self);
    }
}

impl Drop for Unfinished<'_> {
    fn drop(&mut self) {
        self.lease.drop_orders(self.items.iter().map(|item| item.id));
    }
}

/// What was read for a run: rows of orders for which no call is made, and the orders to call about, by account.
struct Prepared {
    accounts: MallAccounts,
    rows: Vec<(usize, CreditRow)>,
    by_account: BTreeMap<i64, Vec<IndexedOrder>>,
}

impl<P: Provider + Clone> CreditService<P> {
    /// Does `action` with the orders `ids`; returns one row for each, in the same order.
    pub async fn run(&self, action: Action, ids: &[i64], on_row: OnRow<'_>) -> Result<Vec<CreditRow>, CreditError> {
        let items: Vec<WorkItem> = ids.iter().copied().map(WorkItem::from).collect();
        self.work(action, &items, on_row).await
    }

    /// The same for rows of a batch: each row of the batch is marked as done in the transaction that writes its
    /// order's outcome.
    pub async fn work(
        &self,
        action: Action,
        items: &[WorkItem],
        on_row: OnRow<'_>,
    ) -> Result<Vec<CreditRow>, CreditError> {
        self.recover().await;
        self.carry_out(action, items, on_row).await
    }

    /// [`CreditService::work`] without recovery, for callers that do it themselves.
    pub(crate) async fn carry_out(
        &self,
        action: Action,
        items: &[WorkItem],
        on_row: OnRow<'_>,
    ) -> Result<Vec<CreditRow>, CreditError> {
        let unfinished = Unfinished { lease: &self.lease, items };
        let prepared = match self.prepare(action, items, on_row).await {
            Err(error) if error.is_of_one_order() => {
                unfinished.finish();
                return Err(error);
            }
            prepared => prepared?,
        };
        let rows = self.make_calls(action, prepared, on_row).await?;
        self.end_rows(items, &rows).await?;
        reached(CrashPoint::RowsEnded).await;
        unfinished.finish();
        Ok(rows)
    }

    /// Ends the rows of batches for which no call was made: they failed, or are given back for another process.
    async fn end_rows(&self, items: &[WorkItem], rows: &[CreditRow]) -> Result<(), StoreError> {
        let failed = items.iter().zip(rows).filter(|(_, row)| row.outcome == Outcome::Failure);
        let of_batches = failed.filter_map(|(item, row)| Some((item.row?, row)));
        let is_for_later = |row: &CreditRow| row.problem.as_ref().is_some_and(Issue::is_for_later);
        let (later, failed): (Vec<_>, Vec<_>) = of_batches.partition(|(_, row)| is_for_later(row));
        let ended = failed.into_iter().map(|(key, row)| FinishedRow {
            row: key,
            outcome: row.outcome,
            state: row.state,
            transaction_id: row.transaction_id.as_deref(),
            problem: row.problem.as_ref(),
        });
        let ended: Vec<_> = ended.collect();
        if !ended.is_empty() {
            self.store.end_rows(&ended).await?;
        }
        let later: Vec<i64> = later.into_iter().map(|(_, row)| row.id).collect();
        if later.is_empty() { Ok(()) } else { self.store.give_back_rows(&self.lease.name(), Some(&later)).await }
    }

    /// Reads what a run needs. Nothing is claimed yet.
    async fn prepare(&self, action: Action, items: &[WorkItem], on_row: OnRow<'_>) -> Result<Prepared, CreditError> {
        let (accounts, orders) = MallAccounts::read(&self.store, action, items).await?;
        reached(CrashPoint::OrdersRead).await;
        let mut rows: Vec<(usize, CreditRow)> = Vec::with_capacity(items.len());
        let mut by_account: BTreeMap<i64, Vec<IndexedOrder>> = BTreeMap::new();
        for ((index, item), order) in items.iter().enumerate().zip(orders) {
            let account = accounts.account(action, &order)?;
            let mall = accounts.mall(&order)?;
            let obstacle = match self.providers.get(&account.provider) {
                _ if is_by_csv(action, &order, mall) => Some(Issue::ResultsByCsv),
                Some(provider) => obstacle(action, &order, mall, &provider),
                None => Some(Issue::ProviderMissing { provider: account.provider.clone() }),
            };
            match obstacle {
                None => by_account.entry(account.id).or_default().push(IndexedOrder { index, order, row: item.row }),
                Some(problem) => {
                    let row = CreditRow::new(&order, Outcome::Failure, Some(problem));
                    on_row(&row);
                    rows.push((index, row));
                }
            }
        }
        Ok(Prepared { accounts, rows, by_account })
    }

    async fn make_calls(
        &self,
        action: Action,
        prepared: Prepared,
        on_row: OnRow<'_>,
    ) -> Result<Vec<CreditRow>, CreditError> {
        let Prepared { accounts, mut rows, by_account } = prepared;
        let batches =
            by_account.into_iter().flat_map(|(account, orders)| self.call_batches(action, &accounts, account, orders));
        let calls: Vec<_> = batches.map(|batch| self.call(action, batch, on_row)).collect();
        // All calls are awaited even if one fails: a call that is dropped leaves its orders with an unknown outcome.
        let called: Vec<_> = stream::iter(calls).buffer_unordered(self.concurrency).collect().await;
        for call in called {
            rows.extend(call?);
        }
        rows.sort_by_key(|(index, _)| *index);
        Ok(rows.into_iter().map(|(_, row)| row).collect())
    }

    /// Asks about the orders `ids` again, with growing pauses, until none of them is under review.
    pub async fn check_until_decided(
        &self,
        ids: &[i64],
        policy: PollPolicy,
        on_row: OnRow<'_>,
    ) -> Result<Vec<CreditRow>, CreditError> {
        let begun = tokio::time::Instant::now();
        let mut rows = self.run(Action::Check, ids, on_row).await?;
        let mut pause = policy.first_pause;
        loop {
            let open: Vec<i64> = rows.iter().filter(|row| is_open(row)).map(|row| row.id).collect();
            if open.is_empty() || begun.elapsed() + pause > policy.give_up_after {
                return Ok(rows);
            }
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                () = self.lease.stopping() => return Ok(rows),
            }
            pause = (pause * 3 / 2).min(policy.longest_pause);
            for row in self.run(Action::Check, &open, on_row).await? {
                if let Some(earlier) = rows.iter_mut().find(|earlier| earlier.id == row.id) {
                    *earlier = row;
                }
            }
        }
    }

    /// `orders`, all of one account, in batches of the size that the provider takes and the mall wants: a lost response
    /// leaves all orders of its call with an unknown outcome.
    fn call_batches<'a>(
        &self,
        action: Action,
        accounts: &'a MallAccounts,
        account: i64,
        orders: Vec<IndexedOrder>,
    ) -> Vec<CallBatch<'a>> {
        let Some((account, mall)) = accounts.with_mall(account) else { return Vec::new() };
        // A plugin that was withdrawn since is noticed when the call is to be made.
        let provider = self.providers.get(&account.provider);
        let size = provider.map_or(1, |provider| rows_of_a_call(action, &provider, mall.rows_per_request));
        let batch = |orders: &[IndexedOrder]| CallBatch { mall, account, orders: orders.to_vec() };
        // An order on which the plugin failed is called alone, so that it cannot fail others again.
        let (alone, together): (Vec<_>, Vec<_>) = orders.into_iter().partition(IndexedOrder::made_plugin_fail);
        together.chunks(size).chain(alone.chunks(1)).map(batch).collect()
    }
}

fn is_open(row: &CreditRow) -> bool {
    row.state == State::UnderReview || matches!(row.problem, Some(Issue::TooEarly { .. }))
}
