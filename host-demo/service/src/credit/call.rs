//! One call to a provider: its orders are claimed, the request is sent, the responses are written.

use super::call_batch::CallBatch;
use super::cut_names;
use super::row::{CreditError, CreditRow};
use super::service::CreditService;
use super::slots::CallSlots;
use crate::preflight::rows_of_a_call;
use crate::providers::plugin_contract::Cancellation;
use crate::providers::provider::Provider;
use crate::providers::response::{self, Inquiry, ResponseOutcome, SEND_WITHIN};
use crate::providers::{CallReport, contract};
use domain::automation;
use domain::crash_point::{CrashPoint, reached};
use domain::credit_state::{Action, Event, Outcome, next};
use domain::issue::Issue;
use domain::order::Order;
use std::sync::Arc;
use store::lease::WorkInProgress;
use store::{CallResults, Change, Claim, StoreError};

impl<P: Provider + Clone> CreditService<P> {
    /// Claims a batch of orders, makes its call and writes the responses.
    pub(super) async fn call(
        &self,
        action: Action,
        batch: CallBatch,
        work: &Arc<WorkInProgress>,
        slots: &CallSlots,
    ) -> Result<Vec<(usize, CreditRow)>, CreditError> {
        // The plugin that is loaded now: since the batches were made it may have been replaced or withdrawn.
        let Some(provider) = self.providers.get(&batch.account.provider) else {
            return Ok(batch.not_called(&Issue::ProviderMissing { provider: batch.account.provider.clone() }));
        };
        let _in_progress = self.store.call_begins();
        reached(CrashPoint::CallBegins).await;
        // Since the batches were made the provider may have come to take fewer orders: then its host would make several
        // calls of one claim, one after the other, and the last would begin when the in-flight window is over.
        let size = rows_of_a_call(action, &provider, batch.mall.rows_per_request);
        let (mut rows, mut batches) = (Vec::with_capacity(batch.orders.len()), batch.of_at_most(size));
        // They are taken from the end.
        batches.reverse();
        // A claim is written for all orders of a batch or for none. If it fails, each order is claimed alone, so that
        // only the order at fault fails.
        while let Some(batch) = batches.pop() {
            if self.lease.is_stopping() {
                rows.extend(batch.not_called(&Issue::ShuttingDown));
                continue;
            }
            match self.claim(action, &batch, work).await {
                Ok(claims) => rows.extend(self.send_and_write((action, &batch), &provider, claims, work, slots).await?),
                Err(error) if !error.is_of_one_order() => return Err(error.into()),
                Err(error) if batch.orders.len() == 1 => {
                    rows.extend(batch.not_called(&Issue::Unusable { why: error.to_string() }));
                }
                Err(_) => batches.extend(batch.of_at_most(1)),
            }
        }
        Ok(rows)
    }

    /// Makes the call about those orders of a batch that were claimed (`claims`), and writes the responses.
    async fn send_and_write(
        &self,
        (action, batch): (Action, &CallBatch),
        provider: &P,
        claims: Vec<Option<Order>>,
        work: &Arc<WorkInProgress>,
        slots: &CallSlots,
    ) -> Result<Vec<(usize, CreditRow)>, CreditError> {
        let claimed: Vec<&Order> = claims.iter().flatten().collect();
        reached(CrashPoint::ClaimCommitted).await;
        let slot = slots.enter().await;
        let (outcomes, report) = match self.may_still_send(action, &claimed).await? {
            true => self.send(action, batch, provider, &claimed).await?,
            false => (claimed.iter().map(|_| response::claim_too_old(action)).collect(), Arc::from("[]")),
        };
        drop(slot);
        reached(CrashPoint::ResponseReceived).await;
        let health = Some((batch.account.provider.clone(), batch.health(&outcomes)));
        let keys =
            claims.iter().zip(&batch.orders).filter(|(claim, _)| claim.is_some()).map(|(_, indexed)| indexed.row);
        let changes = claimed.iter().zip(outcomes).zip(keys).map(|((order, outcome), row)| {
            let to = next(order.state, outcome.event).unwrap_or(order.state);
            let cut = cut_names::of(&batch.account.provider, outcome.event, &order.data.items);
            Change {
                note: cut.and_then(|cut| serde_json::to_string(&cut).ok()),
                problem: outcome.problem,
                transaction_id: outcome.transaction_id,
                report: Some(report.clone()),
                order_status: automation::order_status(&batch.mall, order.state, to),
                row,
                ..Change::new(order, outcome.event)
            }
        });
        let changes: Vec<_> = changes.collect();
        let results =
            CallResults { changes: &changes, who: &self.who, now: self.store.now(), health, work: Some(work) };
        let mut applied = self.store.apply_results(results).await?.into_iter();
        reached(CrashPoint::ResultCommitted).await;
        let rows = claims.iter().zip(&batch.orders).map(|(claim, indexed)| {
            let applied = claim.as_ref().and_then(|_| applied.next().flatten());
            let row = match applied {
                Some(now) => CreditRow::new(&now.order, now.event.outcome(now.order.state), now.order.problem.clone()),
                None => CreditRow::new(&indexed.order, Outcome::Failure, Some(Issue::Changed)),
            };
            (indexed.index, row)
        });
        Ok(rows.collect())
    }

    /// The orders of a batch as claimed; `None` for an order that another process changed or claimed first.
    async fn claim(
        &self,
        action: Action,
        batch: &CallBatch,
        work: &Arc<WorkInProgress>,
    ) -> Result<Vec<Option<Order>>, StoreError> {
        let orders: Vec<Order> = batch.orders.iter().map(|indexed| indexed.order.clone()).collect();
        let Some(event) = claim_event(action) else { return Ok(orders.into_iter().map(Some).collect()) };
        let (owner, now) = (self.lease.name(), self.store.now());
        let rows: Vec<_> = batch.orders.iter().map(|indexed| indexed.row).collect();
        let (account, who) = (&batch.account, &self.who);
        let claim = Claim { event, account, owner: &owner, rows: &rows, who, now, work: Some(work) };
        self.store.claim(&orders, claim).await
    }

    /// Whether the claims of `orders` are young enough for their requests to be sent; see [`SEND_WITHIN`]. The last
    /// thing that is asked before the call.
    async fn may_still_send(&self, action: Action, orders: &[&Order]) -> Result<bool, StoreError> {
        if claim_event(action).is_none() || orders.is_empty() {
            return Ok(true);
        }
        let now = self.store.moment().await?;
        let limit = SEND_WITHIN.as_millis() as i64;
        Ok(orders.iter().all(|order| order.sent.as_ref().is_some_and(|claimed| now.is_within(limit, claimed))))
    }

    /// One call about `orders`: the outcome for each, and the host's report of the call as JSON.
    async fn send(
        &self,
        action: Action,
        batch: &CallBatch,
        provider: &P,
        orders: &[&Order],
    ) -> Result<(Vec<ResponseOutcome>, Arc<str>), StoreError> {
        if orders.is_empty() {
            return Ok((Vec::new(), Arc::default()));
        }
        let account = contract::shop_account(&batch.account);
        Ok(match action {
            Action::Credit => {
                let asked = orders.iter().map(|order| contract::credit_order(order, &batch.mall)).collect();
                let answer = provider.credit(&account, asked).await;
                let rows = orders.iter().zip(answer.rows).map(|(order, row)| response::to_credit(order, row));
                seen(rows, &answer.calls)
            }
            Action::Check | Action::Decide => {
                let asked = orders.iter().map(|order| contract::registration(order)).collect();
                // Taken before the request: a response counts if the in-flight window was over when it was sent.
                let at = self.store.moment().await?;
                self.measure(orders, &at).await?;
                let inquiry =
                    Inquiry { at, in_flight_window: self.in_flight_window, provider: provider.info().capabilities };
                let answer = provider.check_credit(&account, asked).await;
                let meaning = |(order, row): (&&Order, _)| response::to_check(order, row, &inquiry);
                seen(orders.iter().zip(answer.rows).map(meaning), &answer.calls)
            }
            Action::Cancel => {
                let cancellation =
                    |order: &&Order| Cancellation { registration: contract::registration(order), reason: None };
                let answer = provider.cancel(&account, orders.iter().map(cancellation).collect()).await;
                seen(answer.rows.into_iter().map(response::to_cancel), &answer.calls)
            }
            Action::Sync => {
                let asked = orders.iter().filter_map(|order| contract::shipment(order)).collect();
                let answer = provider.sync_tracking(&account, asked).await;
                let rows = orders.iter().zip(answer.rows).map(|(order, row)| response::to_sync(order, row));
                seen(rows, &answer.calls)
            }
        })
    }
}

/// The outcomes with what the host saw in the `calls`, and the report of these as JSON.
fn seen(outcomes: impl Iterator<Item = ResponseOutcome>, calls: &[CallReport]) -> (Vec<ResponseOutcome>, Arc<str>) {
    let with_connection = |outcome: ResponseOutcome| ResponseOutcome {
        problem: outcome.problem.map(|issue| contract::with_connection(issue, calls)),
        ..outcome
    };
    (outcomes.map(with_connection).collect(), serde_json::to_string(calls).unwrap_or_default().into())
}

/// The event with which orders are claimed. A check changes nothing at the provider and needs no claim.
fn claim_event(action: Action) -> Option<Event> {
    match action {
        Action::Credit => Some(Event::CreditStarted),
        Action::Cancel => Some(Event::CancelStarted),
        Action::Sync => Some(Event::SyncStarted),
        Action::Check | Action::Decide => None,
    }
}
