//! Orders that wait when a mall's automation is switched on or widened. They would all be sent at once, so the update of
//! the mall says whether they are, or whether the automation begins with later orders.

use crate::database::{Store, WriteTransaction};
use crate::error::Result;
use crate::rows::{from_json, parse};
use crate::sql::{Conditions, states};
use domain::automation;
use domain::credit_state::{Action, State};
use domain::issue::Issue;
use domain::mall::{Mall, Start};
use serde::Serialize;
use sqlx::AssertSqlSafe;

/// How many orders, and the sum of what they are billed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct OrderTotal {
    /// Orders.
    pub orders: i64,
    /// Yen.
    pub billed: i64,
}

impl OrderTotal {
    /// Adds an order.
    pub fn add(&mut self, billed: i64) {
        self.orders += 1;
        self.billed += billed;
    }
}

/// Orders that wait for what the automation would begin with them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Backlog {
    /// 与信を実行
    pub credit: OrderTotal,
    /// 伝票番号同期
    pub sync: OrderTotal,
}

impl Backlog {
    /// Whether nothing waits.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    fn of_action(&mut self, action: Action) -> &mut OrderTotal {
        if action == Action::Credit { &mut self.credit } else { &mut self.sync }
    }
}

/// What becomes of orders that wait, when a mall is saved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OnBacklog {
    /// They are left to an operator; the automation begins with orders to come.
    #[default]
    Hold,
    /// Nothing is saved: the decision is still to be made.
    Ask,
    /// They are sent: all of them, or none if they are not those that were shown.
    Send(Option<Backlog>),
}

impl OnBacklog {
    /// Whether a decision about `found` is still to be made.
    pub(super) fn is_open(self, found: Backlog) -> bool {
        match self {
            Self::Hold | Self::Send(None) => false,
            Self::Ask => !found.is_empty(),
            Self::Send(Some(shown)) => shown != found && !found.is_empty(),
        }
    }
}

/// Which orders of a mall a change of its settings concerns, for one action.
struct WaitingOrders<'a> {
    action: Action,
    mall: &'a Mall,
    /// When the action began before the change; orders to which it applied are not waiting, unless they are held.
    before: Start,
}

impl<'a> WaitingOrders<'a> {
    /// For each action that the change lets begin with orders with which it did not begin before.
    fn of(before: &'a Mall, mall: &'a Mall) -> impl Iterator<Item = Self> {
        let waiting = |action| {
            let is_redirected = action == Action::Credit && before.provider != mall.provider;
            let starts = |mall| automation::start(mall, action);
            let differs = is_redirected || starts(before) != starts(mall);
            let before = if is_redirected { Start::Never } else { starts(before) };
            (differs && starts(mall) != Start::Never).then_some(WaitingOrders { action, mall, before })
        };
        automation::STARTED.into_iter().filter_map(waiting)
    }

    fn conditions(&self) -> Result<Conditions> {
        let mut conditions = Conditions::default();
        conditions.and("mall = $?", [&self.mall.id])?;
        conditions.plain(&format!("state IN ({})", states_of(self.action)));
        if self.action == Action::Sync {
            conditions.plain("tracking_number IS NOT NULL");
        }
        if let Start::Status(status) = automation::start(self.mall, self.action) {
            conditions.and("order_status = $?", [status])?;
        }
        let action = self.action.to_string();
        match &self.before {
            Start::Never => {}
            Start::AtOnce => conditions.and("held = $?", [action])?,
            Start::Status(status) => {
                conditions.and("(held = $? OR order_status IS NULL OR order_status <> $?)", [action, status.clone()])?
            }
        }
        Ok(conditions)
    }

    async fn count(&self, tx: &mut WriteTransaction) -> Result<OrderTotal> {
        let Conditions { sql, values } = self.conditions()?;
        let sql =
            format!("SELECT COUNT(*), CAST(COALESCE(SUM(billed), 0) AS BIGINT) FROM orders {sql} AND problem IS NULL");
        let (orders, billed): (i64, i64) = sqlx::query_as_with(AssertSqlSafe(sql), values).fetch_one(&mut **tx).await?;
        let mut total = OrderTotal { orders, billed };
        let Conditions { sql, values } = self.conditions()?;
        let sql = format!("SELECT billed, problem FROM orders {sql} AND problem IS NOT NULL");
        let troubled: Vec<(i64, String)> = sqlx::query_as_with(AssertSqlSafe(sql), values).fetch_all(&mut **tx).await?;
        for (billed, problem) in troubled {
            let problem: Issue = from_json(&problem)?;
            // An order whose problem only an operator can solve is not sent in either case.
            if problem.may_pass() {
                total.add(billed);
            }
        }
        Ok(total)
    }

    async fn hold(&self, tx: &mut WriteTransaction) -> Result<()> {
        let Conditions { sql, values } = self.conditions()?;
        let sql = format!("UPDATE orders SET held = '{}' {sql}", self.action);
        sqlx::query_with(AssertSqlSafe(sql), values).execute(&mut **tx).await?;
        Ok(())
    }
}

/// The orders that would be sent at once if `before` became `mall`.
pub(super) async fn of(tx: &mut WriteTransaction, before: &Mall, mall: &Mall) -> Result<Backlog> {
    let mut backlog = Backlog::default();
    for waiting in WaitingOrders::of(before, mall) {
        *backlog.of_action(waiting.action) = waiting.count(tx).await?;
    }
    Ok(backlog)
}

/// Leaves them to an operator.
pub(super) async fn hold(tx: &mut WriteTransaction, before: &Mall, mall: &Mall) -> Result<()> {
    for waiting in WaitingOrders::of(before, mall) {
        waiting.hold(tx).await?;
    }
    Ok(())
}

/// The orders whose credit was counted in [`of`].
pub(super) async fn of_credit(tx: &mut WriteTransaction, before: &Mall, mall: &Mall) -> Result<Vec<i64>> {
    let mut ids = Vec::new();
    for waiting in WaitingOrders::of(before, mall).filter(|waiting| waiting.action == Action::Credit) {
        let Conditions { sql, values } = waiting.conditions()?;
        let sql = format!("SELECT id, problem FROM orders {sql}");
        let found: Vec<(i64, Option<String>)> =
            sqlx::query_as_with(AssertSqlSafe(sql), values).fetch_all(&mut **tx).await?;
        for (id, problem) in found {
            let problem: Option<Issue> = problem.as_deref().map(from_json).transpose()?;
            ids.extend(problem.is_none_or(|problem| problem.may_pass()).then_some(id));
        }
    }
    Ok(ids)
}

/// Makes them due, with those that were left to an operator earlier; whether there were such.
pub(super) async fn release(tx: &mut WriteTransaction, mall: &Mall, now: i64) -> Result<bool> {
    let held: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM orders WHERE mall = $1 AND held IS NOT NULL")
        .bind(&mall.id)
        .fetch_one(&mut **tx)
        .await?;
    for action in automation::STARTED {
        let sql =
            format!("UPDATE orders SET held = NULL, due_at = $1 WHERE mall = $2 AND state IN ({})", states_of(action));
        sqlx::query(AssertSqlSafe(sql)).bind(now).bind(&mall.id).execute(&mut **tx).await?;
    }
    Ok(held > 0)
}

/// Releases an order that is set to the order status with which an action begins: it no longer counts as one that waited.
pub(super) async fn release_moved(tx: &mut WriteTransaction, order: i64, mall: &str, status: &str) -> Result<()> {
    let automation: String =
        sqlx::query_scalar("SELECT automation FROM malls WHERE id = $1").bind(mall).fetch_one(&mut **tx).await?;
    let mall = Mall { automation: from_json(&automation)?, ..Mall::default() };
    let begins = |action: &Action| automation::start(&mall, *action) == Start::Status(status.to_owned());
    for action in automation::STARTED.into_iter().filter(begins) {
        sqlx::query("UPDATE orders SET held = NULL WHERE id = $1 AND held = $2")
            .bind(order)
            .bind(action.to_string())
            .execute(&mut **tx)
            .await?;
    }
    Ok(())
}

/// The states in which the automation begins `action`, as a list in SQL.
fn states_of(action: Action) -> String {
    match action {
        Action::Credit => states(|state| state.automatic() == Some(Action::Credit)),
        _ => states(|state| state.automatic() == Some(Action::Sync)),
    }
}

impl Store {
    /// The orders of `mall` that the automation leaves to an operator and that still wait.
    pub async fn held(&self, mall: &str) -> Result<Backlog> {
        let rows: Vec<(String, String, i64, i64)> = sqlx::query_as(
            "SELECT held, state, COUNT(*), CAST(SUM(billed) AS BIGINT) FROM orders \
             WHERE mall = $1 AND held IS NOT NULL GROUP BY held, state",
        )
        .bind(mall)
        .fetch_all(self.pool()?)
        .await?;
        let mut held = Backlog::default();
        for (action, state, orders, billed) in rows {
            let (action, state): (Action, State) = (parse(&action)?, parse(&state)?);
            if state.automatic() == Some(action) {
                let total = held.of_action(action);
                *total = OrderTotal { orders: total.orders + orders, billed: total.billed + billed };
            }
        }
        Ok(held)
    }
}
