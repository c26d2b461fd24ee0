//! The orders of one call to a provider, and what the call's responses say about the provider's health.

use super::row::CreditRow;
use crate::providers::response::ResponseOutcome;
use domain::credit_state::Outcome;
use domain::issue::Issue;
use domain::mall::{MallSummary, ShopAccount};
use domain::order::Order;
use std::sync::Arc;
use store::{CallHealth, RowKey};

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
pub(super) struct CallBatch {
    pub(super) mall: Arc<MallSummary>,
    pub(super) account: Arc<ShopAccount>,
    pub(super) orders: Vec<IndexedOrder>,
}

impl CallBatch {
    /// The same orders in batches of at most `size`.
    pub(super) fn of_at_most(self, size: usize) -> Vec<Self> {
        if self.orders.len() <= size {
            return vec![self];
        }
        let Self { mall, account, orders } = self;
        let part =
            |orders: &[IndexedOrder]| Self { mall: mall.clone(), account: account.clone(), orders: orders.to_vec() };
        orders.chunks(size.max(1)).map(part).collect()
    }

    /// The rows of a call that was not made.
    pub(super) fn not_called(&self, problem: &Issue) -> Vec<(usize, CreditRow)> {
        let row = |indexed: &IndexedOrder| {
            (indexed.index, CreditRow::new(&indexed.order, Outcome::Failure, Some(problem.clone())))
        };
        self.orders.iter().map(row).collect()
    }

    /// Whether it is a single order that is called alone because a plugin failed on it before.
    fn isolates_failing_order(&self) -> bool {
        matches!(&self.orders[..], [indexed] if indexed.made_plugin_fail())
    }

    /// What the call says about the health of its provider. It says nothing if no order was left to ask about, if this
    /// process did not ask, or if the plugin failed again on the one order that is known to make it fail: that order must not open the provider's
    /// circuit breaker for all others.
    pub(super) fn health(&self, outcomes: &[ResponseOutcome]) -> CallHealth {
        let is_of_this_process =
            |outcome: &ResponseOutcome| outcome.problem.as_ref().is_some_and(Issue::is_of_this_process);
        if outcomes.iter().any(is_of_this_process) {
            return CallHealth::Unknown;
        }
        let failed = |outcome: &ResponseOutcome| {
            outcome.problem.clone().filter(|problem| problem.is_the_providers() || problem.is_the_plugins())
        };
        let problems: Option<Vec<Issue>> = outcomes.iter().map(failed).collect();
        match problems.map(|problems| problems.into_iter().next()) {
            None => CallHealth::Answered,
            Some(None) => CallHealth::Unknown,
            Some(Some(problem)) if problem.is_the_plugins() && self.isolates_failing_order() => CallHealth::Unknown,
            Some(Some(problem)) => CallHealth::Failed(problem),
        }
    }
}
