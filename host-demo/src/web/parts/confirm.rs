//! A page that asks once more: it says what would be done, and begins nothing until somebody presses.

use crate::service::messages::format::yen;
use crate::store::OrderTotal;
use crate::web::http::page::Page;
use crate::web::texts::{Texts, fill};
use askama::Template;

/// What is asked, and with what it goes on.
#[derive(Template)]
#[template(path = "confirm.html")]
pub struct Confirmation {
    /// What every page has.
    pub p: Page,
    /// What it is about.
    pub heading: String,
    /// Why it is asked.
    pub lead: String,
    /// What it comes to.
    pub facts: Vec<(&'static str, String)>,
    /// The same in parts.
    pub tables: Vec<Table>,
    /// Where the form goes.
    pub action: String,
    /// What it brings along: name and value.
    pub hidden: Vec<(String, String)>,
    /// What can be pressed.
    pub presses: Vec<Press>,
    /// Where nothing happens.
    pub back: Option<String>,
}

/// A table of the page.
pub struct Table {
    /// What it lists.
    pub caption: &'static str,
    /// Of the columns; those after the first hold numbers.
    pub headings: Vec<&'static str>,
    /// As many cells as there are headings.
    pub rows: Vec<Vec<String>>,
}

/// A button of the page.
pub struct Press {
    /// The field that it sends.
    pub name: &'static str,
    /// That field's value.
    pub value: String,
    /// What it says.
    pub label: String,
    /// How it looks: `main`, `danger` or nothing.
    pub class: &'static str,
}

/// How many orders, in words.
pub fn orders_words(sum: OrderTotal, t: &Texts) -> String {
    fill(t.orders_count, &[&sum.orders])
}

/// What orders are billed together, in words.
pub fn billed_words(sum: OrderTotal, t: &Texts) -> String {
    fill(t.yen_amount, &[&yen(sum.billed)])
}
