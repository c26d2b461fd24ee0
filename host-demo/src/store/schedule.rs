//! When the automation looks at which order. A process that takes an order puts its time off by a lease,
//! so no other takes it meanwhile, and if the process dies the order comes up again.

use crate::domain::order::Order;
use crate::store::{Conditions, Result, Store};
use sqlx::AssertSqlSafe;
use std::time::Duration;

/// How long a process has for what it took: short enough that orders of a process that died do not wait for long.
pub const LEASE: Duration = Duration::from_secs(10 * 60);

/// Orders that were taken.
#[derive(Debug)]
pub struct Due {
    /// As they are.
    pub orders: Vec<Order>,
    /// Until when no other process takes them, in milliseconds since 1970; tells whether anything has
    /// happened to an order since.
    pub lease: i64,
}

/// Among which orders is looked; among all unless told otherwise.
#[derive(Debug, Clone, Default)]
pub struct Among {
    /// Those at these providers.
    pub providers: Option<Vec<String>>,
    /// Not those of these malls (second) at these providers (first).
    pub but: Vec<(String, String)>,
}

impl Among {
    fn conditions(&self, now: i64) -> Result<Conditions> {
        let mut conditions = Conditions::default();
        conditions.and("due_at <= $?", [now])?;
        if let Some(providers) = &self.providers {
            let list = vec!["$?"; providers.len()].join(", ");
            let none = if providers.is_empty() { "NULL" } else { "" };
            conditions.and(&format!("provider IN ({list}{none})"), providers)?;
        }
        if !self.but.is_empty() {
            let pairs = vec!["($?, $?)"; self.but.len()].join(", ");
            let values = self.but.iter().flat_map(|(provider, mall)| [provider, mall]);
            conditions.and(&format!("(provider, mall) NOT IN (VALUES {pairs})"), values)?;
        }
        Ok(conditions)
    }
}

impl Store {
    /// Takes at most `limit` orders whose time has come.
    pub async fn take_due(&self, now: i64, limit: usize, among: &Among) -> Result<Due> {
        let lease = now + LEASE.as_millis() as i64;
        let conditions = among.conditions(now)?;
        let mut writing = self.write().await?;
        let sql = format!(
            "SELECT id FROM orders {} ORDER BY due_at LIMIT {limit}{}",
            conditions.sql,
            self.dialect.skip_locked()
        );
        let ids: Vec<i64> =
            sqlx::query_scalar_with(AssertSqlSafe(sql), conditions.values).fetch_all(&mut *writing).await?;
        if ids.is_empty() {
            return Ok(Due { orders: Vec::new(), lease });
        }
        let sql = format!("UPDATE orders SET due_at = $1 WHERE id IN ({})", numbers(&ids));
        sqlx::query(AssertSqlSafe(sql)).bind(lease).execute(&mut *writing).await?;
        writing.commit().await?;
        // One that cannot be read comes up again when the lease ends.
        let orders = self.readable(&ids).await?;
        Ok(Due { orders, lease })
    }

    /// Sets the time of orders that were taken and to which nothing has happened since; never, if there is
    /// none.
    pub async fn put_off(&self, orders: &[i64], lease: i64, due_at: Option<i64>) -> Result<()> {
        if orders.is_empty() {
            return Ok(());
        }
        let sql = format!("UPDATE orders SET due_at = $1 WHERE due_at = $2 AND id IN ({})", numbers(orders));
        sqlx::query(AssertSqlSafe(sql)).bind(due_at).bind(lease).execute(&self.pool).await?;
        Ok(())
    }
}

fn numbers(ids: &[i64]) -> String {
    ids.iter().map(i64::to_string).collect::<Vec<_>>().join(", ")
}
