//! What is written in a group: claims before calls, results after them.

use crate::batch_key::RowKey;
use crate::change::{CallHealth, Change};
use domain::credit_state::Event;
use domain::order::Order;
use std::collections::HashSet;

/// A claim of the orders of one call.
pub(super) struct ClaimWrite {
    pub(super) orders: Vec<Order>,
    /// At each order's index the row of a batch for which it is claimed; empty if none is for a batch.
    pub(super) rows: Vec<Option<RowKey>>,
    pub(super) event: Event,
    /// The account that the call is made with, and its version and provider as they were read.
    pub(super) account: i64,
    pub(super) account_version: i64,
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

impl Group<'_> {
    /// The numbers of its orders, sorted.
    pub(super) fn orders(&self) -> Vec<i64> {
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
