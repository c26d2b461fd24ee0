//! When the automation looks at which order. A process that takes an order puts its time off by a lease,
//! so no other takes it meanwhile, and if the process dies the order comes up again.

use super::{Result, Store};
use crate::order::Order;
use sqlx::AssertSqlSafe;
use std::time::Duration;

/// How long a process has for what it took: longer than any round of the automation, and short enough that
/// orders of a process that died do not wait for long.
const LEASE: Duration = Duration::from_secs(10 * 60);

/// Orders that were taken.
#[derive(Debug)]
pub struct Due {
    /// As they are.
    pub orders: Vec<Order>,
    /// Until when no other process takes them, in milliseconds since 1970; tells whether anything has
    /// happened to an order since.
    pub lease: i64,
}

impl Store {
    /// Takes at most `limit` orders whose time has come.
    pub async fn take_due(&self, now: i64, limit: usize) -> Result<Due> {
        let lease = now + LEASE.as_millis() as i64;
        let mut writing = self.write().await?;
        let sql = format!(
            "SELECT id FROM orders WHERE due_at <= $1 ORDER BY due_at LIMIT {limit}{}",
            self.dialect.skip_locked()
        );
        let ids: Vec<i64> = sqlx::query_scalar(AssertSqlSafe(sql)).bind(now).fetch_all(&mut *writing).await?;
        if ids.is_empty() {
            return Ok(Due { orders: Vec::new(), lease });
        }
        let sql = format!("UPDATE orders SET due_at = $1 WHERE id IN ({})", numbers(&ids));
        sqlx::query(AssertSqlSafe(sql)).bind(lease).execute(&mut *writing).await?;
        writing.commit().await?;
        let mut orders = Vec::with_capacity(ids.len());
        for id in ids {
            orders.extend(self.order(id).await?);
        }
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
