//! The names of the form's fields, and the choices that are no columns.

use crate::web::texts::Texts;
use service::csv::mapping::definition::Mapping;
use toml::Value;

/// The field of the `nth` column that is joined to the value of our column at `at`.
pub(super) fn column(at: usize, nth: usize) -> String {
    format!("c.{at}.{nth}")
}

/// The tick that takes a part of an address.
pub(super) fn part(at: usize) -> String {
    format!("part.{at}")
}

/// Sent with every tick of [`part`]: one that is not ticked is not sent.
pub(super) fn has_part(at: usize) -> String {
    format!("has-part.{at}")
}

/// A field of the adjustment at `at`.
pub(super) fn adjustment(at: usize, field: &str) -> String {
    format!("adj.{at}.{field}")
}

/// A text of the page in its language.
type Label = fn(&Texts) -> &'static str;

/// A choice about the whole mapping.
pub(super) struct MappingOption {
    /// The name of its field.
    pub id: &'static str,
    /// Where it stands in the mapping's text.
    pub path: &'static [&'static str],
    /// Its label.
    pub label: Label,
    /// What can be chosen, the usual one first: as it stands in the text, and its label.
    pub choices: &'static [(&'static str, Label)],
}

impl MappingOption {
    /// What stands in the text for a choice; nothing where it is found out or not said.
    pub(super) fn value(&self, choice: &str) -> Option<Value> {
        match choice {
            "auto" => None,
            "true" | "false" => Some(Value::Boolean(choice == "true")),
            number if number.bytes().all(|byte| byte.is_ascii_digit()) => number.parse().ok().map(Value::Integer),
            word => Some(Value::from(word)),
        }
    }
}

/// Choices about the whole mapping.
pub(super) const OPTIONS: &[MappingOption] = &[
    MappingOption {
        id: "o-price",
        path: &["prices", "price"],
        label: |t| t.price_of,
        choices: &[("unit", |t| t.price_of_unit), ("row", |t| t.price_of_row)],
    },
    MappingOption {
        id: "o-tax",
        path: &["prices", "tax"],
        label: |t| t.price_tax,
        choices: &[("included", |t| t.tax_included), ("excluded", |t| t.tax_excluded)],
    },
    MappingOption {
        id: "o-rounding",
        path: &["prices", "rounding"],
        label: |t| t.price_rounding,
        choices: &[("down", |t| t.round_down), ("half-up", |t| t.round_half_up), ("up", |t| t.round_up)],
    },
    MappingOption {
        id: "o-round-per",
        path: &["prices", "round-per"],
        label: |t| t.price_round_per,
        choices: &[("unit", |t| t.per_unit), ("row", |t| t.per_row), ("order", |t| t.per_order)],
    },
    MappingOption {
        id: "o-rate",
        path: &["prices", "default-rate"],
        label: |t| t.price_rate,
        choices: &[("auto", |t| t.rate_none), ("10", |_| "10%"), ("8", |_| "8%"), ("0", |_| "0%")],
    },
    MappingOption {
        id: "o-total",
        path: &["prices", "total"],
        label: |t| t.price_total,
        choices: &[("checked", |t| t.total_checked), ("computed", |t| t.total_computed)],
    },
    MappingOption {
        id: "o-first-row",
        path: &["number-on-first-row"],
        label: |t| t.number_rows,
        choices: &[("false", |t| t.number_every_row), ("true", |t| t.number_first_row)],
    },
    MappingOption {
        id: "o-separator",
        path: &["file", "separator"],
        label: |t| t.separator,
        choices: &[("auto", |t| t.encoding_auto), ("comma", |t| t.separator_comma), ("tab", |t| t.separator_tab)],
    },
];

/// What a mapping has for an option: what stands in its text, or the usual choice.
pub(super) fn chosen(option: &MappingOption, mapping: &Mapping) -> String {
    let mut at = toml::Value::try_from(mapping).ok();
    for key in option.path {
        at = at.and_then(|value| value.get(key).cloned());
    }
    let usual = option.choices.first().map_or("", |(value, _)| value);
    match at {
        Some(Value::String(word)) => word,
        Some(other) => other.to_string(),
        None => usual.to_owned(),
    }
}
