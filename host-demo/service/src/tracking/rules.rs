//! What each provider takes of tracking numbers, as data (`tracking-rules.toml`).

use serde::Deserialize;
use std::collections::HashMap;
use std::sync::LazyLock;

static RULES: LazyLock<Rules> = LazyLock::new(|| {
    // The file is read by a test.
    toml::from_str(include_str!("../../tracking-rules.toml")).unwrap_or_default()
});

/// Which parcel's number is reported of an order that goes in several.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ReportedParcel {
    /// The one whose row comes first.
    #[default]
    First,
    /// The one whose row comes last.
    Last,
}

/// What a provider takes.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct TrackingRule {
    /// Of an order that goes in several parcels.
    pub several_parcels: ReportedParcel,
    /// Orders that may have one number; absent: any.
    #[serde(default)]
    pub orders_per_number: Option<usize>,
    /// Carriers, by id, whose numbers the provider checks.
    #[serde(default)]
    pub checks: Vec<String>,
}

#[derive(Debug, Default, Deserialize)]
struct Rules {
    default: TrackingRule,
    #[serde(flatten)]
    providers: HashMap<String, TrackingRule>,
}

/// The rule of `provider`.
pub fn of(provider: &str) -> &'static TrackingRule {
    RULES.providers.get(provider).unwrap_or(&RULES.default)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_of_rules_is_read_and_who_is_not_named_has_the_default() {
        toml::from_str::<Rules>(include_str!("../../tracking-rules.toml")).unwrap();
        assert_eq!((of("kuroneko").orders_per_number, of("np").orders_per_number), (Some(3), None));
        assert_eq!(of("kuroneko").checks, ["yamato"]);
        assert_eq!(of("no-such-provider").several_parcels, ReportedParcel::First);
    }
}
