//! When the automation looks at which order. A process that leases an order puts its time off by the length of the
//! lease, so no other process takes it meanwhile, and if the process dies the order is due again.

use crate::database::Store;
use crate::error::Result;
use crate::sql::{Conditions, list};
use domain::order::Order;
use sqlx::AssertSqlSafe;
use std::time::Duration;

/// How long a process has for the orders that it leased: short enough that orders of a process that died do not wait for long.
pub const LEASE: Duration = Duration::from_secs(10 * 60);

/// Orders that a process has leased.
#[derive(Debug)]
pub struct LeasedOrders {
    /// As they are.
    pub orders: Vec<Order>,
    /// The end of the lease, in milliseconds since 1970: until then no other process takes them. An order whose time is
    /// another one was changed since.
    pub lease: i64,
}

/// Which due orders are leased; all by default.
#[derive(Debug, Clone, Default)]
pub struct DueFilter {
    /// Those at these providers.
    pub providers: Option<Vec<String>>,
    /// Not those of these malls (second) at these providers (first).
    pub except: Vec<(String, String)>,
}

impl DueFilter {
    fn conditions(&self, now: i64) -> Result<Conditions> {
        let mut conditions = Conditions::default();
        conditions.and("due_at <= $?", [now])?;
        if let Some(providers) = &self.providers {
            let list = vec!["$?"; providers.len()].join(", ");
            let none = if providers.is_empty() { "NULL" } else { "" };
            conditions.and(&format!("provider IN ({list}{none})"), providers)?;
        }
        if !self.except.is_empty() {
            let pairs = vec!["($?, $?)"; self.except.len()].join(", ");
            let values = self.except.iter().flat_map(|(provider, mall)| [provider, mall]);
            conditions.and(&format!("(provider, mall) NOT IN (VALUES {pairs})"), values)?;
        }
        Ok(conditions)
    }
}

impl Store {
    /// Leases at most `limit` orders that are due.
    pub async fn take_due(&self, now: i64, limit: usize, filter: &DueFilter) -> Result<LeasedOrders> {
        let lease = now + LEASE.as_millis() as i64;
        let conditions = filter.conditions(now)?;
        let mut tx = self.write().await?;
        let sql = format!(
            "SELECT id FROM orders {} ORDER BY due_at LIMIT {limit}{}",
            conditions.sql,
            self.dialect.skip_locked()
        );
        let ids: Vec<i64> = sqlx::query_scalar_with(AssertSqlSafe(sql), conditions.values).fetch_all(&mut *tx).await?;
        if ids.is_empty() {
            return Ok(LeasedOrders { orders: Vec::new(), lease });
        }
        let sql = format!("UPDATE orders SET due_at = $1 WHERE id IN ({})", list(&ids));
        sqlx::query(AssertSqlSafe(sql)).bind(lease).execute(&mut *tx).await?;
        tx.commit().await?;
        // One that cannot be read is due again when the lease ends.
        let orders = self.readable(&ids).await?;
        Ok(LeasedOrders { orders, lease })
    }

    /// Sets when leased orders to which nothing has happened since are due; never, if absent.
    pub async fn put_off(&self, orders: &[i64], lease: i64, due_at: Option<i64>) -> Result<()> {
        if orders.is_empty() {
            return Ok(());
        }
        let sql = format!("UPDATE orders SET due_at = $1 WHERE due_at = $2 AND id IN ({})", list(orders));
        sqlx::query(AssertSqlSafe(sql)).bind(due_at).bind(lease).execute(self.pool()?).await?;
        Ok(())
    }
}
