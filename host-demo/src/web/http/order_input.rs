//! What forms and API accept for an order, and in which states.

use crate::domain::credit_state::{Event, State, next};

/// Longest 受注ステータス, in characters. It is a label of a few words.
pub const MAX_STATUS: usize = 64;

/// A 受注ステータス as it is stored: trimmed, `Some(None)` if it is empty; `None` if it is too long or contains control
/// characters.
pub fn order_status(text: &str) -> Option<Option<&str>> {
    let status = text.trim();
    let fits = status.chars().count() <= MAX_STATUS && !status.chars().any(char::is_control);
    fits.then_some(Some(status).filter(|status| !status.is_empty()))
}

/// Whether the delivery of the invoice can still be chosen: it goes to the provider with the registration.
pub fn invoice_open(state: State) -> bool {
    next(state, Event::CreditStarted).is_some()
}
