//! Item names that are longer than a provider's form holds: what of them went out, for the order's history.

use domain::credit_state::Event;
use domain::order::Item;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::sync::LazyLock;

static RULES: LazyLock<HashMap<String, BillRule>> = LazyLock::new(|| {
    // The file is read by a test.
    toml::from_str(include_str!("../../bill-rules.toml")).unwrap_or_default()
});

/// Half-width sound marks.
const SOUND_MARKS: [char; 2] = ['ﾞ', 'ﾟ'];

/// What a provider's form holds.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct BillRule {
    /// Characters of an item's name.
    item_name: usize,
    /// Half-width letters and their sound marks are one character.
    #[serde(default)]
    full_width: bool,
}

/// Names that were cut, as a line of the history keeps them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CutNames {
    /// Characters that the form holds.
    pub limit: usize,
    /// Each of them.
    pub cut: Vec<CutName>,
}

/// A name that was cut.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CutName {
    /// The line of the order, from 1.
    pub line: usize,
    /// What did not go out.
    pub rest: String,
}

/// The names that `provider` got cut, where `event` says that it has the order; nothing where none was.
pub(super) fn of(provider: &str, event: Event, items: &[Item]) -> Option<CutNames> {
    if !is_recorded(event) {
        return None;
    }
    let rule = RULES.get(provider)?;
    let rest = |name: &str| {
        let is_counted = |c: char| !rule.full_width || !SOUND_MARKS.contains(&c);
        let counted = name.char_indices().filter(|(_, c)| is_counted(*c));
        let (at, _) = counted.into_iter().nth(rule.item_name)?;
        name.get(at..).map(str::to_owned)
    };
    let cut = items.iter().zip(1..).filter_map(|(item, line)| Some(CutName { line, rest: rest(&item.name)? }));
    let cut: Vec<_> = cut.collect();
    (!cut.is_empty()).then_some(CutNames { limit: rule.item_name, cut })
}

/// Whether an answer to a credit says that the order is recorded.
fn is_recorded(event: Event) -> bool {
    matches!(event, Event::CreditApproved | Event::CreditRejected | Event::CreditUnderReview | Event::CreditOnHold)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn items(name: &str) -> Vec<Item> {
        let item = |name: &str| Item { name: name.to_owned(), unit_price: 1, quantity: 1, tax_rate: None };
        vec![item("皿"), item(name)]
    }

    #[test]
    fn what_a_form_does_not_hold_is_named_with_its_line() {
        toml::from_str::<HashMap<String, BillRule>>(include_str!("../../bill-rules.toml")).unwrap();
        let long = items(&format!("{}末尾", "見".repeat(30)));
        let cut = of("kuroneko", Event::CreditApproved, &long).unwrap();
        assert_eq!((cut.limit, cut.cut), (30, vec![CutName { line: 2, rest: "末尾".to_owned() }]));
        assert_eq!(of("kuroneko", Event::CreditApproved, &items(&"見".repeat(30))), None);
        // A letter and its mark are one character in a full-width form, and two elsewhere.
        assert_eq!(of("kuroneko", Event::CreditApproved, &items(&"ｶﾞ".repeat(30))), None);
        assert_eq!(of("np", Event::CreditApproved, &items(&"ｶﾞ".repeat(76))).unwrap().cut[0].rest, "ｶﾞ");
        assert_eq!(of("np", Event::CreditApproved, &long), None);
        // What was not taken was not cut either; and of others nothing is known.
        assert_eq!(of("kuroneko", Event::CreditNotSent, &long), None);
        assert_eq!(of("another", Event::CreditApproved, &long), None);
    }
}
