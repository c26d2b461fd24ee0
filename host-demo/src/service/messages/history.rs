//! What people read in an order's history.

use crate::domain::issue::Lang;
use crate::domain::order::Invoice;
use crate::store::{HistoryLine, OrderEdit};

/// The note of a line. Where the store keeps a code there, its label.
pub fn note(line: &HistoryLine, lang: Lang) -> Option<String> {
    let note = line.note.as_ref()?;
    let invoice = match line.event.parse() {
        // A process of an earlier version may still have written the Japanese label.
        Ok(OrderEdit::InvoiceSet) => Invoice::parse(note),
        _ => None,
    };
    Some(invoice.map_or_else(|| note.clone(), |invoice| invoice.label(lang).to_owned()))
}
