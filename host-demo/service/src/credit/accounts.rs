//! The malls and their accounts at providers, as they are when a run begins.

use super::row::CreditError;
use domain::credit_state::Action;
use domain::mall::{MallSummary, ShopAccount};
use domain::order::Order;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;
use store::Store;

/// What runs or calls need, read once before they begin. Only the settings of these accounts are decrypted.
pub(super) struct MallAccounts {
    malls: HashMap<String, Arc<MallSummary>>,
    accounts: BTreeMap<i64, Arc<ShopAccount>>,
    /// Providers whose new credits are paused.
    paused: HashSet<String>,
}

impl MallAccounts {
    /// The orders of `items`, by their numbers in the store, as they are now, and what their actions need for them.
    pub(super) async fn read(
        store: &Store,
        items: impl IntoIterator<Item = (Action, i64)>,
    ) -> Result<(Self, Vec<Order>), CreditError> {
        // Accounts last: none is ever deleted, so those of the malls and orders are there. What changes meanwhile makes
        // the claim fail, by the version of the account, by the mall's results that come by CSV or by a pause.
        let malls = store.mall_summaries().await?.into_iter().map(|mall| (mall.id.clone(), Arc::new(mall))).collect();
        let items: Vec<(Action, i64)> = items.into_iter().collect();
        let pauses = match items.iter().any(|(action, _)| *action == Action::Credit) {
            true => store.credit_pauses().await?,
            false => Vec::new(),
        };
        let paused = pauses.into_iter().map(|pause| pause.provider).collect();
        let mut read = Self { malls, accounts: BTreeMap::new(), paused };
        let ids: Vec<i64> = items.iter().map(|(_, id)| *id).collect();
        let found = store.orders_by_id(&ids).await?;
        let found: HashMap<i64, Order> = found.into_iter().map(|order| (order.id, order)).collect();
        let (mut orders, mut accounts) = (Vec::with_capacity(items.len()), BTreeSet::new());
        for (action, id) in items {
            let order = found.get(&id).ok_or(CreditError::NoOrder(id))?;
            accounts.insert(read.account_id(action, order)?);
            orders.push(order.clone());
        }
        let accounts = store.accounts(accounts).await?;
        read.accounts = accounts.into_iter().map(|(id, account)| (id, Arc::new(account))).collect();
        Ok((read, orders))
    }

    /// Whether `action` is a new credit at a provider where these are paused.
    pub(super) fn is_paused(&self, action: Action, provider: &str) -> bool {
        action == Action::Credit && self.paused.contains(provider)
    }

    /// The account of this number and its mall.
    pub(super) fn with_mall(&self, account: i64) -> Option<(&Arc<ShopAccount>, &Arc<MallSummary>)> {
        let account = self.accounts.get(&account)?;
        Some((account, self.malls.get(&account.mall)?))
    }

    pub(super) fn mall(&self, order: &Order) -> Result<&MallSummary, CreditError> {
        let mall = self.malls.get(&order.mall).ok_or_else(|| CreditError::NoMall(order.mall.clone()))?;
        Ok(mall)
    }

    pub(super) fn account(&self, action: Action, order: &Order) -> Result<&ShopAccount, CreditError> {
        let id = self.account_id(action, order)?;
        let account = self.accounts.get(&id).ok_or_else(|| CreditError::NoMall(order.mall.clone()))?;
        Ok(account)
    }

    /// The account under which `action` is done: a new credit uses the mall's current account, everything else the
    /// account under which the order is registered.
    fn account_id(&self, action: Action, order: &Order) -> Result<i64, CreditError> {
        let mall = self.mall(order)?;
        let registered = order.registration.as_ref().filter(|_| action != Action::Credit);
        Ok(registered.map_or(mall.account, |registration| registration.account))
    }
}
