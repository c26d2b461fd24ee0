//! The lines of an order's history.

use super::localize::Localize;
use crate::domain::invoice::Invoice;
use crate::domain::lang::Lang;
use crate::domain::order::Edit;
use crate::store::HistoryLine;

/// The note of `line`, with the codes of the store in words. Lines of earlier versions have words already.
pub fn note(line: &HistoryLine, lang: Lang) -> Option<String> {
    let note = line.note.as_deref()?;
    let invoice = if line.event == Edit::InvoiceSet.to_string() { note.parse::<Invoice>().ok() } else { None };
    Some(invoice.map_or(note, |invoice| invoice.localized(lang)).to_owned())
}
