//! The malls and their accounts at providers, as they are when a run begins.

use super::row::CreditError;
use crate::domain::credit_state::Action;
use crate::domain::mall::{Mall, ShopAccount};
use crate::domain::order::Order;
use crate::store::{Store, StoreError};
use std::collections::{BTreeMap, HashMap};

/// The malls and accounts that a run needs, read once at its start.
pub(super) struct MallAccounts {
    malls: HashMap<String, Mall>,
    accounts: BTreeMap<i64, ShopAccount>,
}

impl MallAccounts {
    pub(super) async fn read(store: &Store) -> Result<Self, StoreError> {
        // Malls first: accounts are never deleted, so those of these malls are among the accounts that are read after.
        let malls = store.malls().await?.into_iter().map(|mall| (mall.id.clone(), mall)).collect();
        Ok(MallAccounts { malls, accounts: store.accounts().await? })
    }

    /// The account of this number and its mall.
    pub(super) fn with_mall(&self, account: i64) -> Option<(&ShopAccount, &Mall)> {
        let account = self.accounts.get(&account)?;
        Some((account, self.malls.get(&account.mall)?))
    }

    pub(super) fn mall(&self, order: &Order) -> Result<&Mall, CreditError> {
        self.malls.get(&order.mall).ok_or_else(|| CreditError::NoMall(order.mall.clone()))
    }

    /// The account under which `action` is done: a new credit uses the mall's current account, everything else the
    /// account under which the order is registered.
    pub(super) fn account(&self, action: Action, order: &Order) -> Result<&ShopAccount, CreditError> {
        let mall = self.mall(order)?;
        let registered = order.registration.as_ref().filter(|_| action != Action::Credit);
        let id = registered.map_or(mall.account, |registration| registration.account);
        self.accounts.get(&id).ok_or_else(|| CreditError::NoMall(order.mall.clone()))
    }
}
