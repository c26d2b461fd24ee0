//! Values of a form that can be chosen.

use domain::invoice::Invoice;
use domain::lang::Lang;
use service::messages::localize::Localize;
use service::transfer::FileKind;

/// A value of a form that can be chosen.
pub(crate) struct Choice {
    /// The value that the form sends.
    pub value: &'static str,
    /// Its label.
    pub label: String,
    /// Whether it is chosen.
    pub here: bool,
}

/// The choices of a form: value and label. `default` is chosen where `chosen` is empty.
pub(crate) fn choices<const N: usize>(
    chosen: &str,
    default: &str,
    all: [(&'static str, &'static str); N],
) -> Vec<Choice> {
    let chosen = if chosen.is_empty() { default } else { chosen };
    let choice =
        |(value, label): (&'static str, &str)| Choice { value, label: label.to_owned(), here: value == chosen };
    all.into_iter().map(choice).collect()
}

/// How the invoice reaches the buyer: 別送 or 同梱.
pub(crate) fn invoices(chosen: Option<Invoice>, lang: Lang) -> Vec<Choice> {
    let choice = |(value, invoice): (&'static str, Invoice)| Choice {
        value,
        label: invoice.localized(lang).to_owned(),
        here: chosen == Some(invoice),
    };
    [("separate", Invoice::Separate), ("enclosed", Invoice::Enclosed)].into_iter().map(choice).collect()
}

/// The kinds of CSV files, with these labels.
pub(crate) fn file_kinds(chosen: FileKind, [orders, results, decisions]: [&str; 3]) -> Vec<Choice> {
    let choice = |(value, what, label): (&'static str, FileKind, &str)| Choice {
        value,
        label: label.to_owned(),
        here: what == chosen,
    };
    let kinds = [
        ("orders", FileKind::Orders, orders),
        ("results", FileKind::Results, results),
        ("decisions", FileKind::Decisions, decisions),
    ];
    kinds.into_iter().map(choice).collect()
}
