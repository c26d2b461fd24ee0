//! Orders that wait when a mall's automation is switched on or widened. They would all go out at once, so whoever
//! saves the settings says whether they do, or whether the automation begins with orders to come.

use crate::domain::credit_state::{Action, State};
use crate::domain::issue::Issue;
use crate::domain::mall::{Mall, Start};
use crate::service::automation;
use crate::store::malls::states;
use crate::store::rows::{from_json, parse};
use crate::store::{Conditions, Result, Store, Writing};
use serde::Serialize;
use sqlx::AssertSqlSafe;

/// How many orders, and what they are billed together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Sum {
    /// Orders.
    pub orders: i64,
    /// Yen.
    pub billed: i64,
}

impl Sum {
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
    pub credit: Sum,
    /// 伝票番号同期
    pub sync: Sum,
}

impl Backlog {
    /// Whether nothing waits.
    pub fn is_empty(&self) -> bool {
        *self == Backlog::default()
    }

    fn of_action(&mut self, action: Action) -> &mut Sum {
        if action == Action::Credit { &mut self.credit } else { &mut self.sync }
    }
}

/// What becomes of orders that wait, when a mall is saved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OnBacklog {
    /// They are left to an operator; the automation begins with orders to come.
    #[default]
    Hold,
    /// Nothing is saved as long as nobody has said it.
    Ask,
    /// They go out: all of them, or none if they are not those that were shown.
    Send(Option<Backlog>),
}

impl OnBacklog {
    /// Whether `found` is still to be asked about.
    pub(super) fn is_open(self, found: Backlog) -> bool {
        match self {
            OnBacklog::Hold | OnBacklog::Send(None) => false,
            OnBacklog::Ask => !found.is_empty(),
            OnBacklog::Send(Some(shown)) => shown != found && !found.is_empty(),
        }
    }
}

/// Which orders of a mall a change of its settings concerns, for one action.
struct Waiting<'a> {
    action: Action,
    mall: &'a Mall,
    /// Under which orders go out already, unless they are held.
    before: Start,
}

impl<'a> Waiting<'a> {
    /// For each action that the change lets begin with orders with which it did not begin before.
    fn of(before: &'a Mall, mall: &'a Mall) -> impl Iterator<Item = Self> {
        let waiting = |action| {
            let moved = action == Action::Credit && before.provider != mall.provider;
            let starts = |mall| automation::start(mall, action);
            let differs = moved || starts(before) != starts(mall);
            let before = if moved { Start::Never } else { starts(before) };
            (differs && starts(mall) != Start::Never).then_some(Waiting { action, mall, before })
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

    async fn count(&self, writing: &mut Writing) -> Result<Sum> {
        let Conditions { sql, values } = self.conditions()?;
        let sql =
            format!("SELECT COUNT(*), CAST(COALESCE(SUM(billed), 0) AS BIGINT) FROM orders {sql} AND problem IS NULL");
        let (orders, billed): (i64, i64) =
            sqlx::query_as_with(AssertSqlSafe(sql), values).fetch_one(&mut **writing).await?;
        let mut sum = Sum { orders, billed };
        let Conditions { sql, values } = self.conditions()?;
        let sql = format!("SELECT billed, problem FROM orders {sql} AND problem IS NOT NULL");
        let troubled: Vec<(i64, String)> =
            sqlx::query_as_with(AssertSqlSafe(sql), values).fetch_all(&mut **writing).await?;
        for (billed, problem) in troubled {
            let problem: Issue = from_json(&problem)?;
            // What only a person can put right does not go out either way.
            if problem.may_pass() {
                sum.add(billed);
            }
        }
        Ok(sum)
    }

    async fn hold(&self, writing: &mut Writing) -> Result<()> {
        let Conditions { sql, values } = self.conditions()?;
        let sql = format!("UPDATE orders SET held = '{}' {sql}", self.action);
        sqlx::query_with(AssertSqlSafe(sql), values).execute(&mut **writing).await?;
        Ok(())
    }
}

/// The orders that would go out at once if `before` became `mall`.
pub(super) async fn of(writing: &mut Writing, before: &Mall, mall: &Mall) -> Result<Backlog> {
    let mut backlog = Backlog::default();
    for waiting in Waiting::of(before, mall) {
        *backlog.of_action(waiting.action) = waiting.count(writing).await?;
    }
    Ok(backlog)
}

/// Leaves them to an operator.
pub(super) async fn hold(writing: &mut Writing, before: &Mall, mall: &Mall) -> Result<()> {
    for waiting in Waiting::of(before, mall) {
        waiting.hold(writing).await?;
    }
    Ok(())
}

/// Lets the automation have them, with those that were left to an operator earlier; whether there were such.
pub(super) async fn release(writing: &mut Writing, mall: &Mall, now: i64) -> Result<bool> {
    let held: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM orders WHERE mall = $1 AND held IS NOT NULL")
        .bind(&mall.id)
        .fetch_one(&mut **writing)
        .await?;
    for action in automation::STARTED {
        let sql =
            format!("UPDATE orders SET held = NULL, due_at = $1 WHERE mall = $2 AND state IN ({})", states_of(action));
        sqlx::query(AssertSqlSafe(sql)).bind(now).bind(&mall.id).execute(&mut **writing).await?;
    }
    Ok(held > 0)
}

/// An order that comes to the order status with which an action begins is no longer one that waited.
pub(super) async fn release_moved(writing: &mut Writing, order: i64, mall: &str, status: &str) -> Result<()> {
    let automation: String =
        sqlx::query_scalar("SELECT automation FROM malls WHERE id = $1").bind(mall).fetch_one(&mut **writing).await?;
    let mall = Mall { automation: from_json(&automation)?, ..Mall::default() };
    let begins = |action: &Action| automation::start(&mall, *action) == Start::Status(status.to_owned());
    for action in automation::STARTED.into_iter().filter(begins) {
        sqlx::query("UPDATE orders SET held = NULL WHERE id = $1 AND held = $2")
            .bind(order)
            .bind(action.to_string())
            .execute(&mut **writing)
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
        .fetch_all(&self.pool)
        .await?;
        let mut held = Backlog::default();
        for (action, state, orders, billed) in rows {
            let (action, state): (Action, State) = (parse(&action)?, parse(&state)?);
            if state.automatic() == Some(action) {
                let sum = held.of_action(action);
                *sum = Sum { orders: sum.orders + orders, billed: sum.billed + billed };
            }
        }
        Ok(held)
    }
}
