//! What operators change about one order without calling a provider: 受注ステータス, the invoice, the tracking number.
//! Called by the page, the API and the command line.

use domain::credit_state::State;
use domain::invoice::Invoice;
use domain::order::Order;
use store::{Store, StoreError};

/// Longest 受注ステータス, in characters. It is a label of a few words.
pub const MAX_STATUS: usize = 64;

/// An order was not changed.
#[derive(Debug, thiserror::Error)]
pub enum EditError {
    /// The 受注ステータス has more than [`MAX_STATUS`] characters, or control characters.
    #[error("an order status has at most {MAX_STATUS} characters")]
    InvalidStatus,
    /// The invoice goes out with the registration, and none can begin in this state.
    #[error("the invoice cannot be chosen in the state {0}")]
    InvoiceClosed(State),
    /// Another operator or process changed the order meanwhile.
    #[error("the order was changed meanwhile")]
    Changed,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A 受注ステータス as it is stored: trimmed, `Some(None)` if it is empty; `None` if it is too long or contains control
/// characters.
fn order_status(text: &str) -> Option<Option<&str>> {
    let status = text.trim();
    let fits = status.chars().count() <= MAX_STATUS && !status.chars().any(char::is_control);
    fits.then_some(Some(status).filter(|status| !status.is_empty()))
}

/// Sets the 受注ステータス of `order`, as it was read at `version`; an empty text removes it. It may be the one that
/// starts an action automatically.
pub async fn set_status(store: &Store, order: &Order, version: i64, text: &str, who: &str) -> Result<(), EditError> {
    let status = order_status(text).ok_or(EditError::InvalidStatus)?;
    let is_current = order.version == version;
    let written = is_current && store.set_order_status(order, status, who, store.now()).await?;
    written.then_some(()).ok_or(EditError::Changed)
}

/// Chooses how the invoice of `order`, as it was read at `version`, is delivered; `None`: as the mall's settings say.
pub async fn set_invoice(
    store: &Store,
    order: &Order,
    version: i64,
    choice: Option<Invoice>,
    who: &str,
) -> Result<(), EditError> {
    if !order.state.invoice_open() {
        return Err(EditError::InvoiceClosed(order.state));
    }
    let is_current = order.version == version;
    let written = is_current && store.set_invoice(order, choice, who, store.now()).await?;
    written.then_some(()).ok_or(EditError::Changed)
}
