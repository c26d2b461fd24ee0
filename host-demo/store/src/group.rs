//! The transaction of a group of writes: claims before calls, results after them, each by its own compare-and-set.
//!
//! Its statements are few and about many rows. What it locks, it locks in one order: accounts, orders by their numbers,
//! what belongs to them, circuit breakers, counts; so two groups cannot wait for each other.

use crate::change::{Applied, Change};
use crate::circuit_breakers::{self, CallHealth};
use crate::claims;
use crate::counters::StateCounts;
use crate::database::{Store, WriteTransaction};
use crate::dialect::Dialect;
use crate::error::Result;
use crate::history::{NewLine, record_all};
use crate::sql::{VALUES_PER_QUERY, list};
use crate::transitions;
use domain::credit_state::Event;
use domain::order::Order;
use sqlx::AssertSqlSafe;
use std::collections::HashSet;

/// A claim of the orders of one call.
pub(super) struct ClaimWrite {
    pub(super) orders: Vec<Order>,
    pub(super) event: Event,
    /// The account that the call is made with, and its version, mall and provider as they were read.
    pub(super) account: i64,
    pub(super) account_version: i64,
    pub(super) mall: String,
    pub(super) provider: String,
    pub(super) owner: String,
    pub(super) who: String,
    pub(super) now: i64,
}

/// What happened to orders, of one call or of something else.
pub(super) struct ResultsWrite {
    pub(super) changes: Vec<Change<'static>>,
    pub(super) who: String,
    pub(super) now: i64,
    /// What the call says of its provider, by the provider's id.
    pub(super) health: Option<(String, CallHealth)>,
}

/// Writes of one transaction. No order is in two of them.
#[derive(Default)]
pub(super) struct Group<'a> {
    pub(super) claims: Vec<&'a ClaimWrite>,
    pub(super) results: Vec<&'a ResultsWrite>,
}

/// Lines of orders' histories.
pub(super) type Lines = Vec<NewLine>;

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
            }
        }
        counts.write(&mut tx).await?;
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

impl Group<'_> {
    /// The numbers of its orders, sorted.
    fn orders(&self) -> Vec<i64> {
        let claims = self.claims.iter().flat_map(|claim| claim.orders.iter().map(|order| order.id));
        let results = self.results.iter().flat_map(|results| results.changes.iter().map(|change| change.order.id));
        let mut orders: Vec<i64> = claims.chain(results).collect();
        orders.sort_unstable();
        orders.dedup();
        orders
    }
}

/// Something in a group of writes that concerns one order: the index of its write, and its index within that.
pub(super) type Place = (usize, usize);

/// What is in `writes` that concerns an order, in the order of the orders' numbers, in which every transaction writes.
/// Where a write has an order twice, the second is left out: it would find the order changed.
pub(super) fn by_order<'a, W, T>(
    writes: &[&'a W],
    items: impl Fn(&'a W) -> &'a [T],
    order: impl Fn(&T) -> i64,
) -> Vec<(Place, &'a W, &'a T)> {
    let mut seen = HashSet::new();
    let mut found = Vec::new();
    for (at, &write) in writes.iter().enumerate() {
        for (index, item) in items(write).iter().enumerate() {
            if seen.insert(order(item)) {
                found.push(((at, index), write, item));
            }
        }
    }
    found.sort_by_key(|(_, _, item)| order(item));
    found
}

/// Nothing yet for each item of each write.
pub(super) fn nothing_for_each<W, T, R>(writes: &[&W], items: impl Fn(&W) -> &[T]) -> Vec<Vec<Option<R>>> {
    writes.iter().map(|write| items(write).iter().map(|_| None).collect()).collect()
}

/// Sets the result of what is at `place`.
pub(super) fn set<R>(results: &mut [Vec<Option<R>>], (write, index): Place, result: R) {
    if let Some(slot) = results.get_mut(write).and_then(|results| results.get_mut(index)) {
        *slot = Some(result);
    }
}
