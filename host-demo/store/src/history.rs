//! The history of an order: one line for each version of it, written in the transaction that makes the change.

use crate::change::Change;
use crate::database::{Store, WriteTransaction};
use crate::error::Result;
use crate::rows::to_json;
use crate::sql::{VALUES_PER_QUERY, list, states};
use crate::wide::write_rows;
use domain::credit_state::State;
use domain::order::{Order, OrderEdit};
use serde::Serialize;
use sqlx::{AssertSqlSafe, FromRow};
use std::collections::HashMap;

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
    /// The line of a change that was written, without the report of its call.
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
            report: None,
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
        let lines = sqlx::query_as(
            "SELECT e.version, e.at, e.who, e.event, e.from_state, e.to_state, e.reference, e.problem, e.note, \
             COALESCE(e.report, c.report) AS report FROM events e LEFT JOIN events c ON c.order_id = e.report_order \
             AND c.version = e.report_version WHERE e.order_id = $1 ORDER BY e.version",
        );
        Ok(lines.bind(order).fetch_all(self.pool()?).await?)
    }

    /// How often the outcome of a request about each of these orders became unknown, this time included.
    pub async fn doubts(&self, orders: &[i64]) -> Result<HashMap<i64, i64>> {
        let mut doubts = HashMap::new();
        let unknown = states(State::is_unknown);
        for orders in orders.chunks(VALUES_PER_QUERY) {
            let sql = format!(
                "SELECT order_id, COUNT(*) FROM events WHERE to_state IN ({unknown}) AND from_state NOT IN ({unknown}) \
                 AND order_id IN ({}) GROUP BY order_id",
                list(orders)
            );
            let found: Vec<(i64, i64)> = sqlx::query_as(AssertSqlSafe(sql)).fetch_all(self.pool()?).await?;
            doubts.extend(found);
        }
        Ok(doubts)
    }

    /// Every reference ever used, for all orders of all malls.
    pub async fn references(&self) -> Result<Vec<UsedReference>> {
        let used = sqlx::query_as("SELECT * FROM registrations ORDER BY order_id, attempt");
        Ok(used.fetch_all(self.pool()?).await?)
    }
}

/// A line to be written, of the order with this number of the store.
pub(super) struct NewLine {
    pub(super) order: i64,
    pub(super) line: HistoryLine,
    /// The order and version of the line that has the report of the same call.
    pub(super) report_at: Option<(i64, i64)>,
}

/// Lines of orders' histories.
pub(super) type Lines = Vec<NewLine>;

/// Writes a line of an order's history.
pub(super) async fn record(tx: &mut WriteTransaction, order: i64, line: HistoryLine) -> Result<()> {
    record_all(tx, &[NewLine { order, line, report_at: None }]).await
}

/// Writes lines of orders' histories.
pub(super) async fn record_all(tx: &mut WriteTransaction, lines: &[NewLine]) -> Result<()> {
    let sql = "INSERT INTO events (order_id, version, at, who, event, from_state, to_state, reference, problem, note, \
               report, report_order, report_version) VALUES {rows}";
    write_rows(tx, sql, lines, |row, NewLine { order, line, report_at }| {
        row.add(*order)?.add(line.version)?.add(line.at)?.add(&line.who)?.add(&line.event)?.add(&line.from_state)?;
        row.add(&line.to_state)?.add(&line.reference)?.add(&line.problem)?.add(&line.note)?.add(&line.report)?;
        row.add(report_at.map(|(order, _)| order))?.add(report_at.map(|(_, version)| version))?;
        Ok(())
    })
    .await
}
