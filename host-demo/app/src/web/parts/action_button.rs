//! Buttons that begin an action.

use crate::web::texts::{Texts, fill};
use domain::credit_state::Action;
use domain::lang::Lang;
use service::messages::localize::Localize;
use store::ListOrder;

/// A button of a row or of the panel that begins an action.
pub(crate) struct ActionButton {
    /// The action, as requests name it.
    pub name: String,
    /// The action in the language of the page.
    pub label: &'static str,
    /// The label for screen readers: it names the order.
    pub aria: String,
    /// What the script asks before it sends a cancel.
    pub confirm: String,
    /// Whether it cannot be undone.
    pub danger: bool,
    /// The address of a form instead: the action needs input.
    pub href: Option<String>,
}

impl ActionButton {
    /// The button of `action` in the panel.
    pub(crate) fn of_panel(action: Action, lang: Lang) -> Self {
        Self {
            name: action.to_string(),
            label: action.localized(lang),
            aria: String::new(),
            confirm: String::new(),
            danger: action == Action::Cancel,
            href: None,
        }
    }

    /// The button of `action` in the row of `order`.
    pub(crate) fn of_order(action: Action, order: &ListOrder, lang: Lang, t: &Texts) -> Self {
        Self {
            aria: fill(t.action_on, &[&order.number, &action.localized(lang)]),
            confirm: fill(t.confirm_cancel, &[&order.number]),
            href: (action == Action::Decide).then(|| format!("/orders/{}#decide", order.id)),
            ..Self::of_panel(action, lang)
        }
    }
}
