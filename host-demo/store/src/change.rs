//! What is written about an order: a claim before a call, a change after it.

use crate::batch_key::RowKey;
use crate::error::{Result, StoreError};
use crate::work::WorkInProgress;
use domain::credit_state::{Event, State, next};
use domain::issue::Issue;
use domain::mall::ShopAccount;
use domain::order::Order;
use std::borrow::Cow;
use std::sync::Arc;

/// How orders are claimed for a call.
#[derive(Debug, Clone, Copy)]
pub struct Claim<'a> {
    /// What begins.
    pub event: Event,
    /// The account that the call is made with, as it was read.
    pub account: &'a ShopAccount,
    /// The claiming process.
    pub owner: &'a str,
    /// At each order's index the row of a batch for which it is claimed; empty if none is for a batch.
    pub rows: &'a [Option<RowKey>],
    /// The operator.
    pub who: &'a str,
    /// Milliseconds since 1970.
    pub now: i64,
    /// The work that it is part of, which is held until it is decided whether the claim is made.
    pub work: Option<&'a Arc<WorkInProgress>>,
}

/// What a call says of its provider.
#[derive(Debug, Clone, PartialEq)]
pub enum CallHealth {
    /// It answered.
    Answered,
    /// Every row failed for this reason, which lies with the provider, its plugin or the network.
    Failed(Issue),
    /// Nothing.
    Unknown,
}

/// What a call returned about its orders.
#[derive(Debug, Clone)]
pub struct CallResults<'a> {
    /// What happened.
    pub changes: &'a [Change<'a>],
    /// The operator.
    pub who: &'a str,
    /// Milliseconds since 1970.
    pub now: i64,
    /// What the call says of its provider, by the provider's id: written with the changes, as far as these can be.
    pub health: Option<(String, CallHealth)>,
    /// The work that it is part of, which is held until the changes are written.
    pub work: Option<&'a Arc<WorkInProgress>>,
}

/// Something that happened to an order, to be written if the order is still as it was read.
#[derive(Debug, Clone)]
pub struct Change<'a> {
    /// As it was read, or as the claim returned it.
    pub order: Cow<'a, Order>,
    /// What happened.
    pub event: Event,
    /// What the order's problem is from now on.
    pub problem: Option<Issue>,
    /// The provider's id, if one became known.
    pub transaction_id: Option<String>,
    /// An operator's note.
    pub note: Option<String>,
    /// What the host saw of the call, as JSON. It is written once for all changes of the call.
    pub report: Option<Arc<str>>,
    /// The order status (受注ステータス) to which the order moves, if it moves.
    pub order_status: Option<String>,
    /// The row of a batch that this is the end of.
    pub row: Option<RowKey>,
}

impl<'a> Change<'a> {
    /// `event` alone.
    pub fn new(order: &'a Order, event: Event) -> Self {
        Self {
            order: Cow::Borrowed(order),
            event,
            problem: None,
            transaction_id: None,
            note: None,
            report: None,
            order_status: None,
            row: None,
        }
    }

    /// The same change, on its own.
    pub(super) fn into_owned(self) -> Change<'static> {
        Change { order: Cow::Owned(self.order.into_owned()), ..self }
    }

    /// The same change, of the same order.
    pub(super) fn borrowed(&self) -> Change<'_> {
        Change { order: Cow::Borrowed(&*self.order), ..self.clone() }
    }
}

/// A change as it was written.
#[derive(Debug, Clone)]
pub struct Applied {
    /// The order after it.
    pub order: Order,
    /// What was written: not what was requested where the transaction id turned out to be another order's.
    pub event: Event,
}

/// The state that `event` leads `order` to.
///
/// # Errors
/// The table of states has no such transition: a program error.
pub(super) fn state_after(order: &Order, event: Event) -> Result<State> {
    let impossible = || StoreError::Impossible { number: order.number.clone(), state: order.state, event };
    next(order.state, event).ok_or_else(impossible)
}
