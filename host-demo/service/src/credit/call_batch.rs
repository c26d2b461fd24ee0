//! The orders of one call to a provider, and what the call's responses say about the provider's health.

use super::row::{CreditRow, OnRow};
use crate::providers::response::ResponseOutcome;
use domain::credit_state::Outcome;
use domain::issue::Issue;
use domain::mall::{MallSummary, ShopAccount};
use domain::order::Order;
use store::RowKey;

/// An order, and its index in the run's result.
#[derive(Clone)]
pub(super) struct IndexedOrder {
    pub(super) index: usize,
    pub(super) order: Order,
    /// The row of a batch that asks for it.
    pub(super) row: Option<RowKey>,
}

impl IndexedOrder {
    /// Whether the plugin failed on it, or on another order of the same call.
    pub(super) fn made_plugin_fail(&self) -> bool {
        self.order.problem.as_ref().is_some_and(Issue::is_the_plugins)
    }
}

/// The orders of one account that go into one call.
#[derive(Clone)]
pub(super) struct CallBatch<'a> {
    pub(super) mall: &'a MallSummary,
    pub(super) account: &'a ShopAccount,
    pub(super) orders: Vec<IndexedOrder>,
}

impl<'a> CallBatch<'a> {
    /// A batch of its own for each order.
    pub(super) fn each(self) -> impl Iterator<Item = CallBatch<'a>> {
        let CallBatch { mall, account, orders } = self;
        orders.into_iter().map(move |indexed| CallBatch { mall, account, orders: vec![indexed] })
    }

    /// The rows of a call that was not made.
    pub(super) fn not_called(&self, problem: &Issue, on_row: OnRow<'_>) -> Vec<(usize, CreditRow)> {
        let row = |indexed: &IndexedOrder| {
            let row = CreditRow::new(&indexed.order, Outcome::Failure, Some(problem.clone()));
            on_row(&row);
            (indexed.index, row)
        };
        self.orders.iter().map(row).collect()
    }

    /// Whether it is a single order that is called alone because a plugin failed on it before.
    fn isolates_failing_order(&self) -> bool {
        matches!(&self.orders[..], [indexed] if indexed.made_plugin_fail())
    }
}

/// What a call says about the health of its provider.
pub(super) enum Health<'a> {
    /// The provider responded.
    Answered,
    /// Every row failed for a reason that lies with the provider, its plugin or the network.
    Failed(&'a Issue),
    /// Nothing: no order was left to ask about, or the plugin failed again on the one order that is known to make it
    /// fail. That order must not open the provider's circuit breaker for all others.
    Unknown,
}

impl<'a> Health<'a> {
    pub(super) fn of(batch: &CallBatch<'_>, outcomes: &'a [ResponseOutcome]) -> Self {
        let failed = |outcome: &'a ResponseOutcome| {
            outcome.problem.as_ref().filter(|problem| problem.is_the_providers() || problem.is_the_plugins())
        };
        let problems: Option<Vec<&Issue>> = outcomes.iter().map(failed).collect();
        match problems.as_deref() {
            None => Health::Answered,
            Some([]) => Health::Unknown,
            Some([problem, ..]) if problem.is_the_plugins() && batch.isolates_failing_order() => Health::Unknown,
            Some([problem, ..]) => Health::Failed(problem),
        }
    }
}
