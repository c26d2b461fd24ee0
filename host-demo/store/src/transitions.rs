//! Transitions: what happened to orders, each written if its order is still as it was read.

use crate::batch_rows::{FinishedRow, finish_rows};
use crate::change::{Applied, CallResults, Change, state_after};
use crate::counters::StateCounts;
use crate::database::{Store, WriteTransaction};
use crate::error::Result;
use crate::group_writes::{Place, ResultsWrite, by_order, nothing_for_each, set};
use crate::history::{HistoryLine, Lines, NewLine};
use crate::registrations::other_holders;
use crate::rows::problem_json;
use crate::wide::{fetch_rows, write_rows};
use crate::work::WorkInProgress;
use domain::automation;
use domain::issue::Issue;
use domain::order::Order;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

impl Store {
    /// Writes what happened, each change if its order is still as it was read, and ends its claim. Returns nothing at
    /// the index of an order that was changed by somebody else.
    ///
    /// A change that the database cannot store concerns its order alone, whose outcome is then in doubt.
    pub async fn apply(&self, changes: &[Change<'_>], who: &str, now: i64) -> Result<Vec<Option<Applied>>> {
        self.apply_results(CallResults { changes, who, now, health: None, work: None }).await
    }

    /// [`Store::apply`] for the results of a call, with what it says of its provider. If the returned future is dropped,
    /// the results may be written nevertheless.
    pub async fn apply_results(&self, results: CallResults<'_>) -> Result<Vec<Option<Applied>>> {
        let CallResults { changes, who, now, health, work } = results;
        let owned = changes.iter().cloned().map(Change::into_owned).collect();
        let write = ResultsWrite { changes: owned, who: who.to_owned(), now, health: health.clone() };
        match self.write_results(write, false, work.cloned()).await {
            Err(error) if error.is_of_one_order() => {}
            done => return done,
        }
        let mut applied = Vec::with_capacity(changes.len());
        for change in changes {
            applied.push(self.apply_alone(change, who, now, work).await?);
        }
        if let Some((provider, health)) = health
            && let Err(error) = self.note_health(&provider, &health, now).await
        {
            tracing::error!(provider, %error, "the outcome of a call was not counted for the circuit breaker");
        }
        Ok(applied)
    }

    async fn apply_alone(
        &self,
        change: &Change<'_>,
        who: &str,
        now: i64,
        work: Option<&Arc<WorkInProgress>>,
    ) -> Result<Option<Applied>> {
        let write = |change: Change<'_>| {
            let write = ResultsWrite { changes: vec![change.into_owned()], who: who.to_owned(), now, health: None };
            self.write_results(write, true, work.cloned())
        };
        let why = match write(change.clone()).await {
            Err(error) if error.is_of_one_order() => error.to_string(),
            done => return Ok(done?.pop().flatten()),
        };
        tracing::error!(order = change.order.id, why, "the outcome of an order cannot be written; it is in doubt");
        let problem = Some(Issue::NotRecorded { why });
        let bare = Change { problem, row: change.row, ..Change::new(&change.order, change.event.doubted()) };
        match write(bare).await {
            Err(error) if error.is_of_one_order() => {
                tracing::error!(order = change.order.id, %error, "an order cannot be written");
                Ok(None)
            }
            done => Ok(done?.pop().flatten()),
        }
    }
}

/// Writes the changes of a group.
pub(super) async fn apply_all(
    tx: &mut WriteTransaction,
    writes: &[&ResultsWrite],
    counts: &mut StateCounts,
    lines: &mut Lines,
) -> Result<Vec<Vec<Option<Applied>>>> {
    let mut results = nothing_for_each(writes, |results| &results.changes[..]);
    let changes = by_order(writes, |results| &results.changes[..], |change| change.order.id);
    if changes.is_empty() {
        return Ok(results);
    }
    let mut transitions = Vec::with_capacity(changes.len());
    for ((place, results, _), change) in changes.iter().zip(doubt_taken_ids(tx, &changes).await?) {
        let after = after_change(&change)?;
        transitions.push(Transition { place: *place, who: &results.who, now: results.now, change, after });
    }
    let written = update_orders(tx, &transitions).await?;
    transitions.retain(|transition| written.contains(&transition.after.id));
    write_transaction_ids(tx, &transitions).await?;
    let rows = transitions.iter().filter_map(Transition::finished_row).collect::<Vec<_>>();
    finish_rows(tx, None, &rows).await?;
    let mut reports = HashMap::new();
    for Transition { place, who, now, change, after } in transitions {
        counts.moved(&change.order, &after);
        let (mut line, mut report_at) = (HistoryLine::of_change(&change, &after, who, now)?, None);
        // A call's report is written with the first of its orders, and those of its others say where.
        let at = (after.id, after.version);
        if let Some(report) = &change.report {
            let (first, first_at) = reports.entry(place.0).or_insert_with(|| (Arc::clone(report), at));
            report_at = (*first_at != at && first == report).then_some(*first_at);
            line.report = report_at.is_none().then(|| report.to_string());
        }
        lines.push(NewLine { order: after.id, line, report_at });
        set(&mut results, place, Applied { order: after, event: change.event });
    }
    Ok(results)
}

/// A change that is written if its order is still as it was read.
struct Transition<'a> {
    place: Place,
    who: &'a str,
    now: i64,
    change: Change<'a>,
    after: Order,
}

impl Transition<'_> {
    fn finished_row(&self) -> Option<FinishedRow<'_>> {
        Some(FinishedRow {
            row: self.change.row?,
            outcome: self.change.event.outcome(self.after.state),
            state: self.after.state,
            transaction_id: self.after.transaction_id(),
            problem: self.after.problem.as_ref(),
        })
    }
}

fn after_change(change: &Change<'_>) -> Result<Order> {
    let before = &change.order;
    let mut after = Order::clone(before);
    after.state = state_after(before, change.event)?;
    after.owner = None;
    after.problem.clone_from(&change.problem);
    after.tried = change.problem.as_ref().and_then(|_| change.event.action(before.state));
    after.tries = if change.event.is_no_progress() { before.tries + 1 } else { 0 };
    after.order_status = change.order_status.clone().or(after.order_status);
    after.version += 1;
    if let (Some(id), Some(registration)) = (&change.transaction_id, &mut after.registration) {
        registration.transaction_id = Some(id.clone());
    }
    Ok(after)
}

/// Moves the orders that are still as they were read; returns which.
async fn update_orders(tx: &mut WriteTransaction, transitions: &[Transition<'_>]) -> Result<HashSet<i64>> {
    let sql = "WITH v (id, was, state, problem, order_status, tries, due_at) AS (VALUES {rows}) \
               UPDATE orders SET state = v.state, owner = NULL, problem = v.problem, order_status = v.order_status, \
               tries = v.tries, due_at = v.due_at, version = v.was + 1 FROM v \
               WHERE orders.id = v.id AND orders.version = v.was RETURNING orders.id";
    let written: Vec<(i64,)> = fetch_rows(tx, sql, transitions, |row, Transition { change, after, now, .. }| {
        row.add(after.id)?.add(change.order.version)?.add(after.state.to_string())?;
        row.add(problem_json(after.problem.as_ref(), after.tried)?)?.add(&after.order_status)?;
        row.add(after.tries)?.add(automation::due(after, *now))?;
        Ok(())
    })
    .await?;
    Ok(written.into_iter().map(|(id,)| id).collect())
}

async fn write_transaction_ids(tx: &mut WriteTransaction, transitions: &[Transition<'_>]) -> Result<()> {
    let ids: Vec<(&str, &str)> = transitions
        .iter()
        .filter_map(|Transition { change, after, .. }| {
            Some((after.registration.as_ref()?.reference.as_str(), change.transaction_id.as_deref()?))
        })
        .collect();
    let sql = "WITH v (reference, id) AS (VALUES {rows}) UPDATE registrations SET transaction_id = v.id FROM v \
               WHERE registrations.reference = v.reference";
    write_rows(tx, sql, &ids, |row, (reference, id)| {
        row.add(*reference)?.add(*id)?;
        Ok(())
    })
    .await
}

/// The changes of a group, in its order. A response that carries the transaction id of another registration is not
/// about its order: it proves nothing. Of two with the same id, the first has it.
async fn doubt_taken_ids<'a>(
    tx: &mut WriteTransaction,
    changes: &[(Place, &'a ResultsWrite, &'a Change<'static>)],
) -> Result<Vec<Change<'a>>> {
    let named = changes.iter().filter_map(|(_, _, change)| {
        let account = change.order.registration.as_ref()?.account;
        Some((account, change.transaction_id.as_deref()?, change.order.reference()))
    });
    let mut holders = other_holders(tx, &named.collect::<Vec<_>>()).await?;
    let doubted = |change: &'a Change<'static>| {
        let Some(id) = change.transaction_id.clone() else { return change.borrowed() };
        let account = change.order.registration.as_ref().map(|registration| registration.account);
        let reference = change.order.reference();
        let holder = account.map(|account| {
            let holders = holders.entry((account, id.clone())).or_insert_with(|| vec![reference.to_owned()]);
            holders.iter().find(|holder| *holder != reference).cloned()
        });
        match holder.flatten() {
            None => change.borrowed(),
            Some(reference) => Change {
                event: change.event.doubted(),
                problem: Some(Issue::IdTaken { transaction_id: id, reference }),
                transaction_id: None,
                ..change.borrowed()
            },
        }
    };
    Ok(changes.iter().map(|(_, _, change)| *change).map(doubted).collect())
}
