//! Recording what an operator found at the provider about an unknown outcome.

use super::row::{CreditError, CreditRow};
use super::service::CreditService;
use crate::preflight::not_offered;
use crate::providers::response;
use domain::automation;
use domain::credit_state::{Action, Event, Outcome, next};
use domain::finding::OperatorFinding;
use domain::issue::Issue;
use domain::order::Order;
use store::{Change, StoreError};

impl<P: Clone> CreditService<P> {
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
        // What is found at the provider is found by the id that it gave.
        if let (Some(asked), Some(answered)) = (order.transaction_id(), found.transaction_id())
            && asked != answered
        {
            return Ok(Some(Issue::AnotherId { asked: asked.to_owned(), answered: answered.to_owned() }));
        }
        if let Some(id) = found.transaction_id()
            && let Some(reference) = self.store.holder_of_id(order, id).await?
        {
            return Ok(Some(Issue::IdTaken { transaction_id: id.to_owned(), reference }));
        }
        if !found.is_absence(order) {
            return Ok(None);
        }
        let now = self.store.moment().await?;
        self.measure(&[order], &now).await?;
        // The operator has to look again after the window: not every provider can be asked by the platform.
        Ok(response::in_flight(order, &now, self.in_flight_window).map(Issue::to_record_again))
    }
}
