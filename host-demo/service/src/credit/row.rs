//! What a run works on and reports: work items, rows, and the error that ends a run.

use crate::messages::next_step::Situation;
use crate::providers::abilities::Abilities;
use domain::asked::Asked;
use domain::credit_state::{Action, Outcome, State};
use domain::issue::Issue;
use domain::order::Order;
use serde::Serialize;
use store::{RowKey, StoreError, TakenRow};

/// The result for one order.
#[derive(Debug, Clone, Serialize)]
pub struct CreditRow {
    /// The store's number of the order.
    #[serde(skip)]
    pub id: i64,
    /// The mall's id.
    pub mall: String,
    /// The mall's number of the order.
    pub number: String,
    /// The provider where it is registered, or would be.
    #[serde(skip)]
    pub provider: String,
    /// Success, failure or unknown.
    pub outcome: Outcome,
    /// The order's state now.
    pub state: State,
    /// The provider's id, if known.
    pub transaction_id: Option<String>,
    /// The issue, if there is one.
    pub problem: Option<Issue>,
}

impl CreditRow {
    /// What decides about the next step after `action`, at a provider with these `abilities`.
    pub fn situation(&self, action: Action, abilities: Abilities) -> Situation {
        Situation::after(Some(action), self.state, self.transaction_id.is_some(), abilities)
    }

    pub(super) fn new(order: &Order, outcome: Outcome, problem: Option<Issue>) -> Self {
        Self {
            id: order.id,
            mall: order.mall.clone(),
            number: order.number.clone(),
            provider: order.provider.clone(),
            outcome,
            state: order.state,
            transaction_id: order.transaction_id().map(str::to_owned),
            problem,
        }
    }
}

/// A run could not go on. Orders that were claimed and have no result get an unknown outcome, by this process or, if it
/// ends, by another.
#[derive(Debug, thiserror::Error)]
pub enum CreditError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The store has no order under this number of its own.
    #[error("the store has no order {0}")]
    NoOrder(i64),
    /// The store has no mall under this id, though an order says so.
    #[error("the store has no mall {0}")]
    NoMall(String),
    /// A call ended by a fault of the program. What became of its orders is asked about.
    #[error(
        "a call to a provider ended by a fault of the program; orders that were sent are in doubt until they are checked"
    )]
    Panicked,
}

impl CreditError {
    /// Whether the error concerns one order alone and nothing was begun for it, so that work on others goes on.
    pub fn is_of_one_order(&self) -> bool {
        match self {
            Self::Store(error) => error.is_of_one_order(),
            Self::NoOrder(_) | Self::NoMall(_) => true,
            Self::Panicked => false,
        }
    }
}

/// Called with each row as soon as it is known.
pub type OnRow<'a> = &'a (dyn Fn(&CreditRow) + Sync);

/// An order to act on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkItem {
    /// The store's number of the order.
    pub id: i64,
    /// What was asked for: nothing is done with an order that is something else by now.
    pub asked: Asked,
    /// The row of a batch that asks for it.
    pub row: Option<RowKey>,
    /// It is sent though it may be registered already: whoever asks for it was told.
    pub confirmed: bool,
}

impl WorkItem {
    /// Asked for outside of a batch. What was seen in its version was seen with what is to be confirmed.
    pub fn new(id: i64, asked: Asked) -> Self {
        let confirmed = !matches!(asked, Asked::Standing(_));
        Self { id, asked, row: None, confirmed }
    }
}

impl From<TakenRow> for WorkItem {
    fn from(TakenRow { key, order, asked, confirmed }: TakenRow) -> Self {
        Self { id: order, asked, row: Some(key), confirmed }
    }
}

/// One call to make.
#[derive(Clone)]
pub(crate) struct PlannedCall {
    /// The action.
    pub action: Action,
    /// The orders.
    pub items: Vec<WorkItem>,
}
