//! Recording what an operator found at the provider about an unknown outcome.

use super::row::{CreditError, CreditRow};
use super::service::CreditService;
use crate::preflight::not_offered;
use crate::providers::plugin_contract::SettingKind;
use crate::providers::provider::Provider;
use crate::providers::response;
use domain::automation;
use domain::credit_state::{Action, Event, Outcome, next};
use domain::finding::OperatorFinding;
use domain::issue::Issue;
use domain::mall::ShopAccount;
use domain::order::Order;
use std::collections::BTreeMap;
use store::{Change, StoreError};

impl<P: Provider + Clone> CreditService<P> {
    /// Records what an operator found at the provider about an order, as it was `seen`, and the note that says how.
    pub async fn decide(&self, seen: &Order, found: OperatorFinding, note: &str) -> Result<CreditRow, CreditError> {
        self.recover().await;
        let Some(order) = self.store.order(seen.id).await? else { return Err(CreditError::NoOrder(seen.id)) };
        if order.version != seen.version {
            return Ok(CreditRow::new(&order, Outcome::Failure, Some(Issue::Changed)));
        }
        if let Some(problem) = self.no_decision(&order, &found).await? {
            return Ok(CreditRow::new(&order, Outcome::Failure, Some(problem)));
        }
        let event = found.event();
        let transaction_id = found.transaction_id().map(str::to_owned);
        // Where no live credit remains, the note is the order's issue.
        let over = matches!(event, Event::OperatorRejected | Event::OperatorNothing);
        let mall =
            self.store.mall_summary(&order.mall).await?.ok_or_else(|| CreditError::NoMall(order.mall.clone()))?;
        let to = next(order.state, event).unwrap_or(order.state);
        let change = Change {
            problem: over.then(|| Issue::Recorded { note: note.to_owned() }),
            transaction_id,
            note: Some(note.to_owned()),
            order_status: automation::order_status(&mall, order.state, to),
            ..Change::new(&order, event)
        };
        let applied = self.store.apply(&[change], &self.who, self.store.now()).await?.pop().flatten();
        Ok(match applied {
            Some(applied) if applied.event == event => CreditRow::new(&applied.order, Outcome::Success, None),
            Some(applied) => CreditRow::new(&applied.order, Outcome::Failure, applied.order.problem.clone()),
            None => CreditRow::new(&order, Outcome::Failure, Some(Issue::Changed)),
        })
    }

    /// Why `found` cannot be recorded for `order`; `None` if it can.
    pub async fn no_decision(&self, order: &Order, found: &OperatorFinding) -> Result<Option<Issue>, StoreError> {
        if next(order.state, found.event()).is_none() {
            return Ok(Some(not_offered(Action::Decide, order)));
        }
        if matches!(found, OperatorFinding::Registered { transaction_id: None }) && order.transaction_id().is_none() {
            return Ok(Some(Issue::IdMissing));
        }
        if let Some(id) = found.transaction_id() {
            for (reference, account) in self.store.holders_of_id(order, id).await? {
                if self.are_one_merchant(order, account).await? {
                    return Ok(Some(Issue::IdTaken { transaction_id: id.to_owned(), reference }));
                }
            }
        }
        if !found.is_absence(order) {
            return Ok(None);
        }
        let now = self.store.moment().await?;
        self.measure(&[order], &now).await?;
        // The operator has to look again after the window: not every provider can be asked by the platform.
        Ok(response::in_flight(order, &now, self.in_flight_window).map(Issue::to_record_again))
    }

    /// Whether the account of `order` and another one at the same provider are one merchant there: all that its plugin
    /// does not call secret is the same. Ids of two merchants can be the same by chance.
    async fn are_one_merchant(&self, order: &Order, other: i64) -> Result<bool, StoreError> {
        let Some(own) = order.registration.as_ref().map(|registration| registration.account) else { return Ok(false) };
        if own == other {
            return Ok(true);
        }
        let accounts = self.store.accounts([own, other]).await?;
        let (Some(own), Some(other)) = (accounts.get(&own), accounts.get(&other)) else { return Ok(false) };
        let provider = self.providers.get(&own.provider);
        let is_secret = |key: &str| {
            let fields = provider.as_ref().map(|provider| &provider.info().settings);
            let field = fields.and_then(|fields| fields.iter().find(|field| field.key == key));
            field.is_some_and(|field| matches!(field.kind, SettingKind::Secret))
        };
        let open = |account: &ShopAccount| -> BTreeMap<String, String> {
            let values = account.settings.iter().filter(|(key, _)| !is_secret(key));
            values.map(|(key, value)| (key.clone(), value.expose().to_owned())).collect()
        };
        Ok(open(own) == open(other))
    }
}
