//! The calls of a run, in the order in which they are made. Their orders are read a piece at a time, shortly before their
//! calls, so that a run of any length needs little memory.

use super::accounts::MallAccounts;
use super::call_batch::{CallBatch, IndexedOrder};
use super::row::{CreditError, CreditRow, OnRow, WorkItem};
use super::service::CreditService;
use crate::preflight::{is_by_csv, obstacle, rows_of_a_call};
use crate::providers::provider::Provider;
use domain::credit_state::{Action, Outcome};
use domain::issue::Issue;
use domain::mall::MAX_ROWS_PER_REQUEST;
use domain::order::Order;
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

/// Orders of a run that are read at once: as many as one request may carry, which the end of a piece would cut, and no
/// more than some MiB.
const READ_AT_ONCE: usize = MAX_ROWS_PER_REQUEST;

/// The part of `items` that a run reads first.
pub(super) fn first_piece(items: &[WorkItem]) -> &[WorkItem] {
    items.chunks(READ_AT_ONCE).next().unwrap_or_default()
}

/// The calls of a run that are not begun yet.
pub(super) struct Plan<'a, P> {
    service: &'a CreditService<P>,
    action: Action,
    items: &'a [WorkItem],
    /// Items that were read.
    read: usize,
    calls: VecDeque<CallBatch>,
    /// Rows of orders for which no call is made.
    rows: Vec<(usize, CreditRow)>,
    on_row: OnRow<'a>,
}

impl<'a, P: Provider + Clone + 'static> Plan<'a, P> {
    pub(super) fn new(service: &'a CreditService<P>, action: Action, items: &'a [WorkItem], on_row: OnRow<'a>) -> Self {
        Self { service, action, items, read: 0, calls: VecDeque::new(), rows: Vec::new(), on_row }
    }

    /// The next call, if there is one. After an error there is none.
    pub(super) async fn next(&mut self) -> Result<Option<CallBatch>, CreditError> {
        while self.calls.is_empty() && self.read < self.items.len() {
            let piece = first_piece(self.items.get(self.read..).unwrap_or_default());
            let read = MallAccounts::read(&self.service.store, piece.iter().map(|item| (self.action, item.id))).await;
            let added = read.and_then(|(accounts, orders)| self.add(&accounts, orders));
            if added.is_err() {
                self.read = self.items.len();
            }
            added?;
        }
        Ok(self.calls.pop_front())
    }

    /// Sorts the `orders` of the next items by the calls that are to be made. Nothing is claimed yet.
    pub(super) fn add(&mut self, accounts: &MallAccounts, orders: Vec<Order>) -> Result<(), CreditError> {
        let mut by_account: BTreeMap<i64, Vec<IndexedOrder>> = BTreeMap::new();
        for order in orders {
            let (index, action) = (self.read, self.action);
            let item = self.items.get(index);
            let account = accounts.account(action, &order)?;
            let mall = accounts.mall(&order)?;
            let is_confirmed = item.is_none_or(|item| item.confirmed);
            let unconfirmed = order
                .problem
                .clone()
                .filter(|problem| action == Action::Credit && !is_confirmed && problem.is_possible_duplicate());
            let obstacle = match self.service.providers.get(&account.provider) {
                _ if is_by_csv(action, &order, mall) => Some(Issue::ResultsByCsv),
                _ if accounts.is_paused(action, &account.provider) => {
                    Some(Issue::CreditPaused { provider: account.provider.clone() })
                }
                Some(provider) => {
                    let is_meant = item.is_none_or(|item| item.asked.holds(action, &order, mall));
                    obstacle(action, &order, mall, &provider).or((!is_meant).then_some(Issue::Changed)).or(unconfirmed)
                }
                None => Some(Issue::ProviderMissing { provider: account.provider.clone() }),
            };
            match obstacle {
                None => {
                    let row = item.and_then(|item| item.row);
                    by_account.entry(account.id).or_default().push(IndexedOrder { index, order, row });
                }
                Some(problem) => {
                    let row = CreditRow::new(&order, Outcome::Failure, Some(problem));
                    (self.on_row)(&row);
                    self.rows.push((index, row));
                }
            }
            self.read += 1;
        }
        for (account, orders) in by_account {
            self.calls.extend(self.batches(accounts, account, orders));
        }
        Ok(())
    }

    /// The rows of orders for which no call was made.
    pub(super) fn into_rows(self) -> Vec<(usize, CreditRow)> {
        self.rows
    }

    /// `orders`, all of one account, in batches of the size that the provider takes and the mall wants: a lost response
    /// leaves all orders of its call with an unknown outcome.
    fn batches(&self, accounts: &MallAccounts, account: i64, orders: Vec<IndexedOrder>) -> Vec<CallBatch> {
        let Some((account, mall)) = accounts.with_mall(account) else { return Vec::new() };
        // A plugin that was withdrawn since is noticed when the call is to be made.
        let provider = self.service.providers.get(&account.provider);
        let size = provider.map_or(1, |provider| rows_of_a_call(self.action, &provider, mall.rows_per_request));
        let batch = |orders: &[IndexedOrder]| CallBatch {
            mall: Arc::clone(mall),
            account: Arc::clone(account),
            orders: orders.to_vec(),
        };
        // An order on which the plugin failed is called alone, so that it cannot fail others again.
        let (alone, together): (Vec<_>, Vec<_>) = orders.into_iter().partition(IndexedOrder::made_plugin_fail);
        together.chunks(size).chain(alone.chunks(1)).map(batch).collect()
    }
}
