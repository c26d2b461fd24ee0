//! What became of rows with tracking numbers, and the form that reports the numbers to the providers.

use crate::web::http::form::idempotency_key;
use crate::web::http::refusal::Refusal;
use crate::web::parts::display_names::DisplayNames;
use crate::web::texts::{Texts, fill};
use service::messages::tracking::entered_text;
use service::tracking::import::EnteredNumber;

/// Orders whose numbers one form reports: their ids stay far below the largest form. There is a batch for as many.
const MOST_SYNCED: usize = 10_000;

/// The form that begins 伝票番号同期 for what was entered.
pub(super) struct SyncForm {
    pub once: String,
    pub ids: Vec<i64>,
    pub label: String,
    /// Said where there are more.
    pub more: Option<String>,
}

impl SyncForm {
    /// For the orders `ids`; none if there are none.
    pub(super) fn of(mut ids: Vec<i64>, t: &Texts) -> Result<Option<Self>, Refusal> {
        if ids.is_empty() {
            return Ok(None);
        }
        let more = (ids.len() > MOST_SYNCED).then(|| fill(t.tracking_sync_more, &[&MOST_SYNCED]));
        ids.truncate(MOST_SYNCED);
        let label = fill(t.tracking_sync, &[&ids.len()]);
        Ok(Some(Self { once: idempotency_key()?, ids, label, more }))
    }
}

/// What an order has now.
pub(super) fn entered_line(entered: &EnteredNumber, names: &DisplayNames) -> String {
    entered_text(entered, |carrier| names.carrier(&entered.provider, carrier), names.lang)
}
