//! What an operator found at the provider about an order whose outcome is unknown. Which findings can be recorded
//! depends on what is unknown: the table of states decides.

use crate::credit_state::{Event, State, next};
use crate::order::Order;
use strum::{Display, EnumString, IntoStaticStr, VariantArray};

/// What can be found, without a transaction id: as the API, forms and the command line name it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Display, EnumString, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "snake_case")]
pub enum FindingKind {
    /// See [`OperatorFinding::Approved`].
    Approved,
    /// See [`OperatorFinding::Registered`].
    Registered,
    /// See [`OperatorFinding::Rejected`].
    Rejected,
    /// See [`OperatorFinding::Cancelled`].
    Cancelled,
    /// See [`OperatorFinding::Nothing`].
    Nothing,
    /// See [`OperatorFinding::Tracked`].
    Tracked,
    /// See [`OperatorFinding::Untracked`].
    Untracked,
}

impl FindingKind {
    /// The event that recording it is.
    pub fn event(self) -> Event {
        match self {
            Self::Approved => Event::OperatorApproved,
            Self::Registered => Event::OperatorRegistered,
            Self::Rejected => Event::OperatorRejected,
            Self::Cancelled => Event::OperatorCancelled,
            Self::Nothing => Event::OperatorNothing,
            Self::Tracked => Event::OperatorTracked,
            Self::Untracked => Event::OperatorUntracked,
        }
    }

    /// What can be recorded of an order in `state`.
    pub fn of_state(state: State) -> impl Iterator<Item = Self> {
        Self::VARIANTS.iter().copied().filter(move |kind| next(state, kind.event()).is_some())
    }
}

/// What an operator found.
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
    /// The finding of this kind; nothing where it needs a transaction id and there is none.
    pub fn of(kind: FindingKind, transaction_id: Option<String>) -> Option<Self> {
        Some(match kind {
            FindingKind::Approved => Self::Approved { transaction_id: transaction_id? },
            FindingKind::Registered => Self::Registered { transaction_id },
            FindingKind::Rejected => Self::Rejected,
            FindingKind::Cancelled => Self::Cancelled,
            FindingKind::Nothing => Self::Nothing,
            FindingKind::Tracked => Self::Tracked,
            FindingKind::Untracked => Self::Untracked,
        })
    }

    /// Its kind.
    pub fn kind(&self) -> FindingKind {
        match self {
            Self::Approved { .. } => FindingKind::Approved,
            Self::Registered { .. } => FindingKind::Registered,
            Self::Rejected => FindingKind::Rejected,
            Self::Cancelled => FindingKind::Cancelled,
            Self::Nothing => FindingKind::Nothing,
            Self::Tracked => FindingKind::Tracked,
            Self::Untracked => FindingKind::Untracked,
        }
    }

    /// The event that recording it is.
    pub fn event(&self) -> Event {
        self.kind().event()
    }

    /// The provider's id that it names.
    pub fn transaction_id(&self) -> Option<&str> {
        match self {
            Self::Approved { transaction_id } => Some(transaction_id),
            Self::Registered { transaction_id } => transaction_id.as_deref(),
            _ => None,
        }
    }

    /// What came last left no trace. That is certain only when it cannot be on its way any more.
    pub fn is_absence(&self, order: &Order) -> bool {
        match self {
            Self::Nothing | Self::Untracked => true,
            Self::Registered { .. } => order.state == State::CancelUnknown,
            _ => false,
        }
    }
}
