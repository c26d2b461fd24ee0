//! What an operator found at the provider about an order whose outcome is unknown.

use crate::domain::credit_state::{Event, State};
use crate::domain::order::Order;

/// What an operator found at the provider about an order whose outcome is unknown. Which of these can be
/// recorded depends on what is unknown: the table of states decides.
#[derive(Debug, Clone, PartialEq)]
pub enum OperatorFinding {
    /// It is registered there, under this id, and approved.
    Approved {
        /// The provider's id.
        transaction_id: String,
    },
    /// It is registered there and alive; its verdict is then asked for.
    Registered {
        /// The provider's id, where it was not known yet.
        transaction_id: Option<String>,
    },
    /// It was registered there and is rejected.
    Rejected,
    /// It was registered there and is cancelled.
    Cancelled,
    /// Nothing is registered there under the reference.
    Nothing,
    /// The tracking number is there.
    Tracked,
    /// There is no tracking number.
    Untracked,
}

impl OperatorFinding {
    /// What recording it is.
    pub fn event(&self) -> Event {
        match self {
            OperatorFinding::Approved { .. } => Event::OperatorApproved,
            OperatorFinding::Registered { .. } => Event::OperatorRegistered,
            OperatorFinding::Rejected => Event::OperatorRejected,
            OperatorFinding::Cancelled => Event::OperatorCancelled,
            OperatorFinding::Nothing => Event::OperatorNothing,
            OperatorFinding::Tracked => Event::OperatorTracked,
            OperatorFinding::Untracked => Event::OperatorUntracked,
        }
    }

    /// The provider's id that it names.
    pub fn transaction_id(&self) -> Option<&str> {
        match self {
            OperatorFinding::Approved { transaction_id } => Some(transaction_id),
            OperatorFinding::Registered { transaction_id } => transaction_id.as_deref(),
            _ => None,
        }
    }

    /// What came last left no trace. That is certain only when it cannot be on its way any more.
    pub(super) fn is_absence(&self, order: &Order) -> bool {
        match self {
            OperatorFinding::Nothing | OperatorFinding::Untracked => true,
            OperatorFinding::Registered { .. } => order.state == State::CancelUnknown,
            _ => false,
        }
    }
}
