//! A run: one action on many orders.

use super::accounts::MallAccounts;
use super::plan::{Plan, first_piece};
use super::row::{CreditError, CreditRow, OnRow, PlannedCall, WorkItem};
use super::service::CreditService;
use super::slots::CallSlots;
use crate::providers::provider::Provider;
use domain::asked::Asked;
use domain::crash_point::{CrashPoint, reached};
use domain::credit_state::{Action, Outcome, State};
use domain::issue::Issue;
use domain::order::Order;
use std::sync::Arc;
use std::time::Duration;
use store::lease::WorkInProgress;
use store::{FinishedRow, StoreError};
use tokio::task::JoinSet;

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

/// A call that is planned, with what was read for it.
pub(crate) struct ReadCall {
    call: PlannedCall,
    work: Arc<WorkInProgress>,
    accounts: Arc<MallAccounts>,
    /// Of the call's first items.
    orders: Vec<Order>,
}

impl<P: Provider + Clone + 'static> CreditService<P> {
    /// Does `action` with the orders `ids` as they are now; returns one row for each, in the same order.
    pub async fn run(&self, action: Action, ids: &[i64], on_row: OnRow<'_>) -> Result<Vec<CreditRow>, CreditError> {
        let items: Vec<WorkItem> = ids.iter().map(|id| WorkItem::new(*id, Asked::AsItIs)).collect();
        self.work(action, &items, on_row).await
    }

    /// The same where it was asked for before; also for rows of a batch, each of which is marked as done in the
    /// transaction that writes its order's outcome.
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
        let call = PlannedCall { action, items: items.to_vec() };
        let work = self.begin_work(&call);
        let read = MallAccounts::read(&self.store, first_piece(items).iter().map(|item| (action, item.id))).await;
        match read {
            Err(error) if error.is_of_one_order() => {
                work.finish();
                Err(error)
            }
            read => {
                let (accounts, orders) = read?;
                self.carry_out_read(ReadCall { call, work, accounts: Arc::new(accounts), orders }, on_row).await
            }
        }
    }

    fn begin_work(&self, call: &PlannedCall) -> Arc<WorkInProgress> {
        self.lease.begin_work(call.items.iter().map(|item| item.id))
    }

    /// Reads what planned calls need, all at once. Where that fails because of one order, nothing was begun.
    pub(crate) async fn read_calls(
        &self,
        calls: Vec<PlannedCall>,
    ) -> Result<Vec<ReadCall>, (CreditError, Vec<PlannedCall>)> {
        // Before anything is waited for: orders that were taken are handed to the lease if this is dropped.
        let works: Vec<_> = calls.iter().map(|call| self.begin_work(call)).collect();
        let items = calls.iter().flat_map(|call| call.items.iter().map(|item| (call.action, item.id)));
        match MallAccounts::read(&self.store, items.collect::<Vec<_>>()).await {
            Ok((accounts, orders)) => {
                let (accounts, mut orders) = (Arc::new(accounts), orders.into_iter());
                let read = calls.into_iter().zip(works).map(|(call, work)| {
                    let orders = orders.by_ref().take(call.items.len()).collect();
                    ReadCall { call, work, accounts: Arc::clone(&accounts), orders }
                });
                Ok(read.collect())
            }
            Err(error) => {
                if error.is_of_one_order() {
                    works.iter().for_each(|work| work.finish());
                }
                Err((error, calls))
            }
        }
    }

    /// Does what was planned and read.
    pub(crate) async fn carry_out_read(
        &self,
        read: ReadCall,
        on_row: OnRow<'_>,
    ) -> Result<Vec<CreditRow>, CreditError> {
        reached(CrashPoint::OrdersRead).await;
        let ReadCall { call: PlannedCall { action, items }, work, accounts, orders } = read;
        let mut plan = Plan::new(self, action, &items, on_row);
        match plan.add(&accounts, orders) {
            Err(error) if error.is_of_one_order() => {
                work.finish();
                return Err(error);
            }
            added => added?,
        }
        let rows = self.make_calls(action, plan, &work, on_row).await?;
        self.end_rows(&items, &rows).await?;
        reached(CrashPoint::RowsEnded).await;
        work.finish();
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
            self.store.end_rows(&self.lease.name(), &ended).await?;
        }
        let later: Vec<i64> = later.into_iter().map(|(_, row)| row.id).collect();
        if later.is_empty() { Ok(()) } else { self.store.give_back_rows(&self.lease.name(), Some(&later)).await }
    }

    /// Makes the calls, each in a task of its own. If this is dropped, so are they.
    async fn make_calls(
        &self,
        action: Action,
        mut plan: Plan<'_, P>,
        work: &Arc<WorkInProgress>,
        on_row: OnRow<'_>,
    ) -> Result<Vec<CreditRow>, CreditError> {
        let slots = Arc::new(CallSlots::new(self.concurrency));
        let (mut calls, mut rows, mut failed) = (JoinSet::new(), Vec::new(), None);
        // All calls are awaited even if one fails: a call that is dropped leaves its orders with an unknown outcome.
        loop {
            while calls.len() < slots.begun() {
                match plan.next().await {
                    Ok(Some(batch)) => {
                        let (service, work, slots) = (self.clone(), Arc::clone(work), Arc::clone(&slots));
                        calls.spawn(async move { service.call(action, batch, &work, &slots).await });
                    }
                    Ok(None) => break,
                    Err(error) => failed = failed.or(Some(error)),
                }
            }
            match calls.join_next().await {
                None => break,
                Some(Ok(Ok(called))) => {
                    called.iter().for_each(|(_, row)| on_row(row));
                    rows.extend(called);
                }
                Some(Ok(Err(error))) => failed = failed.or(Some(error)),
                Some(Err(error)) => {
                    tracing::error!(%error, "a call panicked");
                    failed = failed.or(Some(CreditError::Panicked));
                }
            }
        }
        if let Some(error) = failed {
            return Err(error);
        }
        rows.extend(plan.into_rows());
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
}

fn is_open(row: &CreditRow) -> bool {
    row.state == State::UnderReview || matches!(row.problem, Some(Issue::TooEarly { .. }))
}
