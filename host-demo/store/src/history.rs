//! The history of an order: one line for each version of it, written in the transaction that makes the change.

use crate::change::Change;
use crate::database::{Store, WriteTransaction};
use crate::error::Result;
use crate::rows::to_json;
use crate::wide::write_rows;
use domain::order::{Order, OrderEdit};
use serde::Serialize;
use sqlx::FromRow;
use std::borrow::Borrow;

/// A line of an order's history.
#[derive(Debug, Clone, FromRow, Serialize)]
pub struct HistoryLine {
    /// The order's version after it.
    pub version: i64,
    /// Milliseconds since 1970.
    pub at: i64,
    /// A user, a token or an operator of the command line; or a name of [`domain::actor`].
    pub who: String,
    /// The name of an [`Event`](domain::credit_state::Event) or of an [`OrderEdit`].
    pub event: String,
    /// The state before.
    pub from_state: String,
    /// The state after.
    pub to_state: String,
    /// The registration it was about.
    pub reference: Option<String>,
    /// The problem it left, as JSON.
    pub problem: Option<String>,
    /// An operator's note, or what an edit says.
    pub note: Option<String>,
    /// What the host saw of the call, as JSON.
    pub report: Option<String>,
}

impl HistoryLine {
    /// The line of a change that was written.
    pub(super) fn of_change(change: &Change<'_>, after: &Order, who: &str, at: i64) -> Result<Self> {
        Ok(Self {
            version: after.version,
            at,
            who: who.to_owned(),
            event: change.event.to_string(),
            from_state: change.order.state.to_string(),
            to_state: after.state.to_string(),
            reference: after.registration.as_ref().map(|registration| registration.reference.clone()),
            problem: change.problem.as_ref().map(to_json).transpose()?,
            note: change.note.clone(),
            report: change.report.clone(),
        })
    }

    /// The line of an edit, which leaves the state as it is.
    pub(super) fn of_edit(order: &Order, at: i64, who: &str, edit: OrderEdit, note: String) -> Self {
        let state = order.state.to_string();
        Self {
            version: order.version + 1,
            at,
            who: who.to_owned(),
            event: edit.to_string(),
            from_state: state.clone(),
            to_state: state,
            reference: order.registration.as_ref().map(|registration| registration.reference.clone()),
            problem: None,
            note: Some(note),
            report: None,
        }
    }
}

/// A reference that was ever used for an order.
#[derive(Debug, Clone, FromRow, Serialize)]
pub struct UsedReference {
    /// The store's number of the order.
    #[serde(skip)]
    pub order_id: i64,
    /// The reference.
    pub reference: String,
    /// 1 for the order's first.
    pub attempt: i64,
    /// How often it was claimed for sending.
    pub sends: i64,
    /// The provider's id, once known.
    pub transaction_id: Option<String>,
    /// Yen that it was sent with.
    pub billed: i64,
}

impl Store {
    /// What happened to an order, oldest first.
    pub async fn history(&self, order: i64) -> Result<Vec<HistoryLine>> {
        let lines = sqlx::query_as("SELECT * FROM events WHERE order_id = $1 ORDER BY version").bind(order);
        Ok(lines.fetch_all(&self.pool).await?)
    }

    /// Every reference ever used, for all orders of all malls.
    pub async fn references(&self) -> Result<Vec<UsedReference>> {
        let used = sqlx::query_as("SELECT * FROM registrations ORDER BY order_id, attempt");
        Ok(used.fetch_all(&self.pool).await?)
    }
}

/// Writes a line of an order's history.
pub(super) async fn record(tx: &mut WriteTransaction, order: i64, line: &HistoryLine) -> Result<()> {
    record_all(tx, std::slice::from_ref(&(order, line))).await
}

/// Writes lines of orders' histories, each with its order.
pub(super) async fn record_all<L: Borrow<HistoryLine>>(tx: &mut WriteTransaction, lines: &[(i64, L)]) -> Result<()> {
    let sql = "INSERT INTO events (order_id, version, at, who, event, from_state, to_state, reference, problem, note, \
               report) VALUES {rows}";
    write_rows(tx, sql, lines, |row, (order, line)| {
        let line = line.borrow();
        row.add(*order)?.add(line.version)?.add(line.at)?.add(&line.who)?.add(&line.event)?.add(&line.from_state)?;
        row.add(&line.to_state)?.add(&line.reference)?.add(&line.problem)?.add(&line.note)?.add(&line.report)?;
        Ok(())
    })
    .await
}
