//! Transitions: what happened to orders, each written if its order is still as it was read.

use crate::batch_rows::{FinishedRow, end_row};
use crate::change::{Applied, Change, state_after};
use crate::counters::StateCounts;
use crate::database::{Store, WriteTransaction};
use crate::error::Result;
use crate::history::{HistoryLine, record};
use crate::registrations::other_holder;
use crate::rows::to_json;
use crate::sql::{by_number, retried};
use domain::automation;
use domain::crash_point::{CrashPoint, reached};
use domain::issue::{Issue, StoredIssue};

impl Store {
    /// Writes what happened, each change if its order is still as it was read, and ends its claim. Returns nothing at
    /// the index of an order that was changed by somebody else.
    ///
    /// A change that the database cannot store concerns its order alone, whose outcome is then in doubt.
    pub async fn apply(&self, changes: &[Change<'_>], who: &str, now: i64) -> Result<Vec<Option<Applied>>> {
        match retried!(self.try_apply(changes, who, now)) {
            Err(error) if error.is_of_one_order() => {}
            done => return done,
        }
        let mut applied = Vec::with_capacity(changes.len());
        for change in changes {
            applied.push(self.apply_alone(change, who, now).await?);
        }
        Ok(applied)
    }

    async fn apply_alone(&self, change: &Change<'_>, who: &str, now: i64) -> Result<Option<Applied>> {
        let why = match retried!(self.try_apply(std::slice::from_ref(change), who, now)) {
            Err(error) if error.is_of_one_order() => error.to_string(),
            done => return Ok(done?.pop().flatten()),
        };
        tracing::error!(order = change.order.id, why, "the outcome of an order cannot be written; it is in doubt");
        let problem = Some(Issue::NotRecorded { why });
        let bare = Change { problem, row: change.row, ..Change::new(change.order, change.event.doubted()) };
        match retried!(self.try_apply(std::slice::from_ref(&bare), who, now)) {
            Err(error) if error.is_of_one_order() => {
                tracing::error!(order = change.order.id, %error, "an order cannot be written");
                Ok(None)
            }
            done => Ok(done?.pop().flatten()),
        }
    }

    async fn try_apply(&self, changes: &[Change<'_>], who: &str, now: i64) -> Result<Vec<Option<Applied>>> {
        let mut tx = self.write().await?;
        let mut counts = StateCounts::starting_with(changes.first().map(|change| change.order.id));
        let mut applied: Vec<Option<Applied>> = vec![None; changes.len()];
        for index in by_number(changes, |change| change.order.id) {
            let (Some(change), Some(result)) = (changes.get(index), applied.get_mut(index)) else { continue };
            let change = doubt_a_taken_id(&mut tx, change).await?;
            *result = apply_one(&mut tx, &change, who, now).await?;
            if let Some(applied) = result {
                counts.moved(change.order, &applied.order);
            }
        }
        counts.write(&mut tx).await?;
        reached(CrashPoint::ResultWritten).await;
        tx.commit().await?;
        Ok(applied)
    }
}

async fn apply_one(tx: &mut WriteTransaction, change: &Change<'_>, who: &str, now: i64) -> Result<Option<Applied>> {
    let before = change.order;
    let mut after = before.clone();
    after.state = state_after(before, change.event)?;
    after.owner = None;
    after.problem = change.problem.clone();
    after.tried = change.problem.as_ref().and_then(|_| change.event.action(before.state));
    let problem = change.problem.clone().map(|issue| StoredIssue { issue, tried: after.tried });
    after.tries = if change.event.is_no_progress() { before.tries + 1 } else { 0 };
    after.order_status = change.order_status.clone().or(after.order_status);
    after.version += 1;
    let written = sqlx::query(
        "UPDATE orders SET state = $1, owner = NULL, problem = $2, order_status = $3, tries = $4, due_at = $5, \
         version = $6 WHERE id = $7 AND version = $8",
    )
    .bind(after.state.to_string())
    .bind(problem.as_ref().map(to_json).transpose()?)
    .bind(&after.order_status)
    .bind(after.tries)
    .bind(automation::due(&after, now))
    .bind(after.version)
    .bind(before.id)
    .bind(before.version)
    .execute(&mut **tx)
    .await?;
    if written.rows_affected() == 0 {
        return Ok(None);
    }
    if let (Some(id), Some(registration)) = (&change.transaction_id, &mut after.registration) {
        sqlx::query("UPDATE registrations SET transaction_id = $1 WHERE reference = $2")
            .bind(id)
            .bind(&registration.reference)
            .execute(&mut **tx)
            .await?;
        registration.transaction_id = Some(id.clone());
    }
    record(tx, after.id, &HistoryLine::of_change(change, &after, who, now)?).await?;
    if let Some(row) = change.row {
        let finished = FinishedRow {
            row,
            outcome: change.event.outcome(after.state),
            state: after.state,
            transaction_id: after.transaction_id(),
            problem: after.problem.as_ref(),
        };
        end_row(tx, &finished).await?;
    }
    Ok(Some(Applied { order: after, event: change.event }))
}

/// A response that carries the transaction id of another registration is not about this order: it proves nothing.
async fn doubt_a_taken_id<'a>(tx: &mut WriteTransaction, change: &Change<'a>) -> Result<Change<'a>> {
    let Some(id) = change.transaction_id.clone() else { return Ok(change.clone()) };
    Ok(match other_holder(&mut **tx, change.order, &id).await? {
        None => change.clone(),
        Some(reference) => Change {
            event: change.event.doubted(),
            problem: Some(Issue::IdTaken { transaction_id: id, reference }),
            transaction_id: None,
            ..change.clone()
        },
    })
}
