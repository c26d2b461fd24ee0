//! What an action was asked for. Between the wish and the call there can be hours: a batch waits for its provider, a run
//! has many orders before this one. What happened to the order meanwhile may be what was wished, or its opposite.

use crate::automation::task;
use crate::credit_state::{Action, State};
use crate::mall::Mall;
use crate::order::Order;

/// What is known of an order when an action is asked for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Asked {
    /// Nothing: it is asked for as the order is when it is read.
    AsItIs,
    /// It was seen in this version.
    Version(i64),
    /// It stood here.
    Standing(Standing),
    /// By its mall's settings, which decide again.
    Automation,
}

/// Where an order stood. Unlike its version, this stays the same while nothing is done that makes an action another one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// Its state.
    pub state: State,
    /// Its reference, or "" where it had none.
    pub reference: String,
}

impl Standing {
    /// Where `order` stands now.
    pub fn of(order: &Order) -> Self {
        Self { state: order.state, reference: order.reference().to_owned() }
    }
}

impl Asked {
    /// Where an order stands now.
    pub fn of(order: &Order) -> Self {
        Self::Standing(Standing::of(order))
    }

    /// Whether `action` is still what was asked for, with `order` as it is now. A registration that is another one was not
    /// meant; and a credit was not meant for an order that was registered, and rejected or cancelled, since.
    pub fn holds<S>(&self, action: Action, order: &Order, mall: &Mall<S>) -> bool {
        match self {
            Self::AsItIs => true,
            Self::Version(version) => *version == order.version,
            Self::Automation => task(order, mall) == Some(action),
            Self::Standing(Standing { state, reference }) => {
                let nothing_came_of_it = matches!(order.state, State::NotAsked | State::NotSent);
                let is_same = *reference == order.reference();
                match action {
                    Action::Credit => nothing_came_of_it || is_same && *state == order.state,
                    _ => is_same,
                }
            }
        }
    }
}
