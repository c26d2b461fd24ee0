//! What a plugin may describe. A platform stores it and shows it on every page, and a key decides which
//! secret the plugin is given, so everything here is bounded.

use crate::contract::{Label, ProviderInfo, SettingField, SettingKind};
use crate::error::DescribeError;
use crate::limits::{MAX_CHOICES, MAX_DESCRIBED, MAX_HELP, MAX_ID, MAX_LABEL, MAX_ORIGIN, MAX_VALUE, MAX_VERSION};
use crate::text::is_control;
use std::collections::HashSet;

/// The first thing that is wrong with `info`, with the limit that it meets.
pub(crate) fn check(info: &ProviderInfo) -> Result<(), DescribeError> {
    id("its id", &info.id)?;
    label("its name", &info.name)?;
    text("its version", &info.version, MAX_VERSION)?;
    count("settings", info.settings.len(), MAX_DESCRIBED)?;
    count("carriers", info.carriers.len(), MAX_DESCRIBED)?;
    count("origins", info.origins.len(), MAX_DESCRIBED)?;
    for field in &info.settings {
        setting(field)?;
    }
    distinct(&info.settings)?;
    for carrier in &info.carriers {
        id("the carrier", &carrier.id)?;
        label("the name of a carrier", &carrier.name)?;
    }
    for origin in &info.origins {
        text("an origin", origin, MAX_ORIGIN)?;
    }
    Ok(())
}

fn setting(field: &SettingField) -> Result<(), DescribeError> {
    id("the key", &field.key)?;
    label("the label of a setting", &field.label)?;
    text("the help of a setting", &field.help.ja, MAX_HELP)?;
    text("the help of a setting", &field.help.en, MAX_HELP)?;
    text("the default of a setting", field.default.as_deref().unwrap_or_default(), MAX_VALUE)?;
    if let SettingKind::Choice(choices) = &field.kind {
        count("choices of a setting", choices.len(), MAX_CHOICES)?;
        for (value, name) in choices {
            text("the value of a choice", value, MAX_VALUE)?;
            label("a choice", name)?;
        }
    }
    Ok(())
}

/// An id names a file, a column of the store or a field of a form.
fn id(what: &'static str, id: &str) -> Result<(), DescribeError> {
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if (1..=MAX_ID).contains(&id.len()) && id.chars().all(allowed) {
        return Ok(());
    }
    Err(DescribeError::Id { what, id: id.chars().take(MAX_ID).collect(), limit: MAX_ID })
}

fn label(what: &'static str, label: &Label) -> Result<(), DescribeError> {
    text(what, &label.ja, MAX_LABEL)?;
    text(what, &label.en, MAX_LABEL)
}

fn text(what: &'static str, text: &str, limit: usize) -> Result<(), DescribeError> {
    let length = text.chars().count();
    if length > limit {
        return Err(DescribeError::TooLong { what, length, limit });
    }
    match text.chars().find(|c| is_control(*c)) {
        Some(character) => Err(DescribeError::ControlCharacter { what, character }),
        None => Ok(()),
    }
}

fn count(what: &'static str, count: usize, limit: usize) -> Result<(), DescribeError> {
    if count > limit {
        return Err(DescribeError::TooMany { what, count, limit });
    }
    Ok(())
}

/// With a key twice it would be open which of the two descriptions holds for its value: whether it is a secret.
fn distinct(settings: &[SettingField]) -> Result<(), DescribeError> {
    let mut seen = HashSet::new();
    match settings.iter().find(|field| !seen.insert(&field.key)) {
        Some(field) => Err(DescribeError::DuplicateSetting(field.key.clone())),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::{BatchLimits, Capability, Carrier};

    fn label(text: &str) -> Label {
        Label { ja: text.to_owned(), en: text.to_owned() }
    }

    fn field(key: &str) -> SettingField {
        SettingField {
            key: key.to_owned(),
            label: label("a setting"),
            help: label("what it is"),
            kind: SettingKind::Text,
            required: false,
            default: None,
            max_length: None,
        }
    }

    fn carrier(id: &str) -> Carrier {
        Carrier { id: id.to_owned(), name: label("a carrier") }
    }

    fn good() -> ProviderInfo {
        ProviderInfo {
            id: "np".to_owned(),
            name: label("NP後払い"),
            version: "1.0.0".to_owned(),
            settings: vec![field("a")],
            carriers: vec![carrier("b")],
            batch_limits: BatchLimits { credit: 1, check_credit: 1, cancel: 1, sync_tracking: 1 },
            capabilities: Capability::empty(),
            origins: vec!["https://example.jp".to_owned()],
            max_billed_amount: None,
        }
    }

    /// A change of a description, and words of the refusal that it must meet.
    type Case = (fn(&mut ProviderInfo), &'static str);

    #[test]
    fn every_text_and_list_has_a_limit_that_the_refusal_names() {
        const CASES: [Case; 24] = [
            (|info| info.id = "x".repeat(MAX_ID + 1), "1 to 64"),
            (|info| info.id = "N P".to_owned(), "1 to 64"),
            (|info| info.name.ja = "あ".repeat(3 << 20), "its name has 3145728 characters; at most 100"),
            (|info| info.name.en = "x".repeat(MAX_LABEL + 1), "at most 100"),
            (|info| info.name.en = "\u{1b}[2J".to_owned(), "U+001B"),
            (|info| info.name.ja = "a\u{202e}b".to_owned(), "U+202E"),
            (|info| info.version = "1".repeat(MAX_VERSION + 1), "its version has 65 characters; at most 64"),
            (|info| info.version = "1\n2".to_owned(), "U+000A"),
            (|info| info.settings = vec![field("a"); MAX_DESCRIBED + 1], "201 settings; at most 200"),
            (|info| info.carriers = vec![carrier("a"); MAX_DESCRIBED + 1], "201 carriers; at most 200"),
            (|info| info.origins = vec![String::new(); MAX_DESCRIBED + 1], "201 origins; at most 200"),
            (|info| info.settings[0].key = "K".to_owned(), "the key"),
            (|info| info.settings[0].label.ja = "x".repeat(MAX_LABEL + 1), "at most 100"),
            (|info| info.settings[0].help.ja = "x".repeat(MAX_HELP + 1), "has 1001 characters; at most 1000"),
            (|info| info.settings[0].help.en = "\u{9b}".to_owned(), "U+009B"),
            (|info| info.settings[0].default = Some("x".repeat(MAX_VALUE + 1)), "at most 256"),
            (|info| info.settings.push(field("a")), "the setting \"a\" twice"),
            (|info| info.carriers[0].id = String::new(), "the carrier"),
            (|info| info.carriers[0].name.en = "x".repeat(MAX_LABEL + 1), "at most 100"),
            (|info| info.origins[0] = "x".repeat(MAX_ORIGIN + 1), "has 271 characters; at most 270"),
            (|info| info.settings[0].kind = choices(MAX_CHOICES + 1, "x"), "101 choices of a setting; at most 100"),
            (|info| info.settings[0].kind = choices(1, &"x".repeat(MAX_VALUE + 1)), "at most 256"),
            (|info| info.settings[0].kind = choices(1, "\0"), "U+0000"),
            (|info| info.origins[0] = "https://a\u{7f}".to_owned(), "U+007F"),
        ];
        assert_eq!(check(&good()), Ok(()));
        for (change, words) in CASES {
            let mut info = good();
            change(&mut info);
            let refused = check(&info).expect_err(words).to_string();
            assert!(refused.contains(words), "{words}: {refused}");
            assert!(refused.len() < 500, "{words}: the refusal is as long as what it refuses");
        }
    }

    fn choices(count: usize, value: &str) -> SettingKind {
        SettingKind::Choice(vec![(value.to_owned(), label("a choice")); count])
    }
}
