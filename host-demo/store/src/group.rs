//! The transaction of a group of writes: claims before calls, results after them, each by its own compare-and-set.
//!
//! Its statements are few and about many rows. What it locks, it locks in one order: accounts, orders by their numbers,
//! what belongs to them, circuit breakers, counts; so two groups cannot wait for each other.

use crate::change::Applied;
use crate::circuit_breakers;
use crate::claims;
use crate::counters::StateCounts;
use crate::database::{Store, WriteTransaction};
use crate::dialect::Dialect;
use crate::error::Result;
use crate::group_writes::Group;
use crate::history::{Lines, record_all};
use crate::sql::{VALUES_PER_QUERY, list};
use crate::transitions;
use domain::crash_point::{CrashPoint, reached};
use domain::order::Order;
use sqlx::AssertSqlSafe;

impl Store {
    /// Commits a group; for each of its claims the orders as claimed, for each of its results the orders as changed.
    pub(super) async fn commit_group(
        &self,
        group: &Group<'_>,
    ) -> Result<(Vec<Vec<Option<Order>>>, Vec<Vec<Option<Applied>>>)> {
        let mut tx = self.write().await?;
        let open = claims::open_claims(&mut tx, self.dialect, &group.claims).await?;
        let orders = group.orders();
        self.lock_orders(&mut tx, &orders).await?;
        let (mut counts, mut lines) = (StateCounts::starting_with(orders.first().copied()), Lines::new());
        let applied = transitions::apply_all(&mut tx, &group.results, &mut counts, &mut lines).await?;
        let claimed = self.claim_all(&mut tx, &group.claims, &open, &mut counts, &mut lines).await?;
        record_all(&mut tx, &lines).await?;
        for results in &group.results {
            if let Some((provider, health)) = &results.health {
                circuit_breakers::note(&mut tx, provider, health, results.now).await?;
                reached(CrashPoint::HealthNoted).await;
            }
        }
        counts.write(&mut tx).await?;
        if !group.claims.is_empty() {
            reached(CrashPoint::ClaimWritten).await;
        }
        if !group.results.is_empty() {
            reached(CrashPoint::ResultWritten).await;
        }
        tx.commit().await?;
        Ok((claimed, applied))
    }

    /// Locks the orders `ids`, which are sorted, until the transaction ends. A statement about many rows locks them in
    /// an order of its own, and two of them could wait for each other.
    async fn lock_orders(&self, tx: &mut WriteTransaction, ids: &[i64]) -> Result<()> {
        // One writer needs no order, and neither does one row.
        if self.dialect == Dialect::Sqlite || ids.len() < 2 {
            return Ok(());
        }
        for ids in ids.chunks(VALUES_PER_QUERY) {
            let sql =
                format!("SELECT id FROM orders WHERE id IN ({}) ORDER BY id{}", list(ids), self.dialect.for_update());
            sqlx::query(AssertSqlSafe(sql)).persistent(false).execute(&mut **tx).await?;
        }
        Ok(())
    }
}
