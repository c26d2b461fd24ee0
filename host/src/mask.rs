//! Keeps settings and personal data out of everything that is written down.

use crate::contract::{Order, Party, Setting, SettingField, SettingKind};

/// Shorter values occur in ordinary words; masking them would hide the line and protect nothing.
const MIN_LENGTH: usize = 2;
/// What stands in their place.
const MASK: &str = "***";

/// The values of one call that may not appear in a log line.
#[derive(Debug, Clone, Default)]
pub(crate) struct Mask(Vec<String>);

impl Mask {
    /// Also hides the values of `settings`, secret or not: shop ids are half of a credential.
    /// A value that is on the list of its setting's choices is the plugin's own word, the same for every
    /// shop, and stays readable. Any other is hidden, whatever kind the plugin says that it is.
    pub(crate) fn and_settings(mut self, settings: &[Setting], described: &[SettingField]) -> Self {
        self.hide(settings.iter().filter(|setting| !is_choice(setting, described)).map(|s| s.value.as_str()));
        self
    }

    /// A mask over the people of `orders`.
    pub(crate) fn of_orders(orders: &[Order]) -> Self {
        let mut mask = Mask::default();
        for order in orders {
            for party in [Some(&order.buyer), order.recipient.as_ref()].into_iter().flatten() {
                mask.hide(personal(party));
            }
            mask.hide(order.note.as_deref());
        }
        mask
    }

    fn hide<'a>(&mut self, values: impl IntoIterator<Item = &'a str>) {
        let worth_hiding = |value: &&str| value.chars().count() >= MIN_LENGTH;
        self.0.extend(values.into_iter().filter(worth_hiding).map(str::to_owned));
        // The longest first, so that no value is left half visible by a shorter one inside it.
        self.0.sort_by_key(|value| std::cmp::Reverse(value.len()));
    }

    /// `line` with every hidden value masked, control characters made visible, cut to `length`.
    pub(crate) fn apply(&self, line: &str, length: usize) -> String {
        let masked = self.0.iter().fold(line.to_owned(), |line, value| line.replace(value.as_str(), MASK));
        masked.chars().take(length).map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
    }
}

/// Whether the setting's value is one that every field of its key offers to choose.
fn is_choice(setting: &Setting, described: &[SettingField]) -> bool {
    let offers = |field: &SettingField| match &field.kind {
        SettingKind::Choice(choices) => choices.iter().any(|(value, _)| *value == setting.value),
        _ => false,
    };
    let mut fields = described.iter().filter(|field| field.key == setting.key).peekable();
    fields.peek().is_some() && fields.all(offers)
}

fn personal(party: &Party) -> impl Iterator<Item = &str> {
    let address = &party.address;
    [&party.name, &party.phone, &address.postal_code, &address.city, &address.street]
        .into_iter()
        .chain([&party.name_kana, &party.company, &party.department, &party.email].into_iter().flatten())
        .map(String::as_str)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::Label;

    #[test]
    fn only_a_value_that_is_on_the_list_is_a_choice() {
        let label = || Label { ja: String::new(), en: String::new() };
        let field = |key: &str, kind| SettingField {
            key: key.into(),
            label: label(),
            help: label(),
            kind,
            required: false,
            default: None,
            max_length: None,
        };
        let choice = |key| field(key, SettingKind::Choice(vec![("separate".into(), label())]));
        let described = [choice("invoice"), choice("api-key"), choice("twice"), field("twice", SettingKind::Secret)];
        let set = |key: &str, value: &str| Setting { key: key.into(), value: value.into() };
        let settings = [set("invoice", "separate"), set("api-key", "hunter2"), set("unknown", "novel")];
        let mask = Mask::default().and_settings(&settings, &described);
        assert_eq!(mask.apply("separate hunter2 novel", 100), "separate *** ***");
        let mask = Mask::default().and_settings(&[set("twice", "separate")], &described);
        assert_eq!(mask.apply("separate", 100), "***", "described as a secret as well");
    }

    #[test]
    fn hidden_values_never_show_not_even_in_part() {
        let set = |key: &str, value: &str| Setting { key: key.into(), value: value.into() };
        let mask = Mask::default().and_settings(&[set("a", "secret"), set("b", "secret-longer"), set("c", "x")], &[]);
        assert_eq!(mask.apply("x secret-longer\nand secret", 100), "x ***\u{fffd}and ***");
        assert_eq!(mask.apply("0123456789", 4), "0123");
    }
}
