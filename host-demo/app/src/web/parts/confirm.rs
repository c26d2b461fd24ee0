//! The page that asks for a confirmation: it shows what would be done; nothing begins before one of its buttons is
//! pressed.

use crate::web::http::page::Page;
use crate::web::texts::{Texts, fill};
use askama::Template;
use service::messages::format::yen;
use store::OrderTotal;

/// A question with the form that answers it.
#[derive(Template)]
#[template(path = "confirm.html")]
pub(crate) struct ConfirmPage {
    /// The frame of the page.
    pub p: Page,
    /// Its heading.
    pub heading: String,
    /// The question, and why it is asked.
    pub lead: String,
    /// What would be done: label and value.
    pub facts: Vec<(&'static str, String)>,
    /// The same, itemized.
    pub tables: Vec<ConfirmTable>,
    /// The address that the form is sent to.
    pub action: String,
    /// Hidden fields of the form: name and value.
    pub hidden: Vec<(String, String)>,
    /// The buttons.
    pub buttons: Vec<ConfirmButton>,
    /// The address of the link that leaves everything as it is.
    pub back: Option<String>,
}

/// A table of the page.
pub(crate) struct ConfirmTable {
    /// Its caption.
    pub caption: &'static str,
    /// The headings of its columns. The columns after the first hold numbers.
    pub headings: Vec<&'static str>,
    /// As many cells in each row as there are headings.
    pub rows: Vec<Vec<String>>,
}

/// A button of the page.
pub(crate) struct ConfirmButton {
    /// The name of the field that it sends.
    pub name: &'static str,
    /// The value of that field.
    pub value: String,
    /// Its label.
    pub label: String,
    /// Its class in the style sheet: `main`, `danger` or empty.
    pub class: &'static str,
}

/// The number of orders of `sum` as text.
pub(crate) fn orders_text(sum: OrderTotal, t: &Texts) -> String {
    fill(t.orders_count, &[&sum.orders])
}

/// The amount billed of `sum` as text.
pub(crate) fn billed_text(sum: OrderTotal, t: &Texts) -> String {
    fill(t.yen_amount, &[&yen(sum.billed)])
}
