//! What a plugin may describe. A platform stores it and shows it on every page, and a key decides which
//! secret the plugin is given, so everything here is bounded.

use crate::contract::{Label, ProviderInfo, SettingField, SettingKind};
use crate::limits::{MAX_CHOICES, MAX_DESCRIBED, MAX_HELP, MAX_ID, MAX_LABEL, MAX_ORIGIN, MAX_VALUE, MAX_VERSION};
use crate::text::is_control;
use std::collections::HashSet;

/// The first thing that is wrong with `info`, with the limit that it meets.
pub(crate) fn check(info: &ProviderInfo) -> Result<(), String> {
    id("its id", &info.id)?;
    label("its name", &info.name)?;
    text("its version", &info.version, MAX_VERSION)?;
    count("settings", info.settings.len(), MAX_DESCRIBED)?;
    count("carriers", info.carriers.len(), MAX_DESCRIBED)?;
    count("origins", info.origins.len(), MAX_DESCRIBED)?;
    for field in &info.settings {
        setting(field)?;
    }
    distinct("setting", info.settings.iter().map(|field| &field.key))?;
    for carrier in &info.carriers {
        id("the carrier", &carrier.id)?;
        label("the name of a carrier", &carrier.name)?;
    }
    distinct("carrier", info.carriers.iter().map(|carrier| &carrier.id))?;
    for origin in &info.origins {
        text("an origin", origin, MAX_ORIGIN)?;
    }
    Ok(())
}

fn setting(field: &SettingField) -> Result<(), String> {
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
        distinct("choice", choices.iter().map(|(value, _)| value))?;
    }
    Ok(())
}

/// An id names a file, a column of the store or a field of a form.
fn id(what: &str, id: &str) -> Result<(), String> {
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if (1..=MAX_ID).contains(&id.len()) && id.chars().all(allowed) {
        return Ok(());
    }
    Err(format!("{what} {:?} is not 1 to {MAX_ID} of a-z, 0-9 and -", id.chars().take(MAX_ID).collect::<String>()))
}

fn label(what: &str, label: &Label) -> Result<(), String> {
    text(what, &label.ja, MAX_LABEL)?;
    text(what, &label.en, MAX_LABEL)
}

fn text(what: &str, text: &str, most: usize) -> Result<(), String> {
    let length = text.chars().count();
    if length > most {
        return Err(format!("{what} has {length} characters; at most {most} are allowed"));
    }
    match text.chars().find(|c| is_control(*c)) {
        Some(c) => Err(format!("{what} has the control character U+{:04X}; none is allowed", u32::from(c))),
        None => Ok(()),
    }
}

fn count(what: &str, count: usize, most: usize) -> Result<(), String> {
    if count > most {
        return Err(format!("it describes {count} {what}; at most {most} are allowed"));
    }
    Ok(())
}

/// With a key twice it would be open which of the two descriptions holds for its value.
fn distinct<'a>(what: &str, keys: impl Iterator<Item = &'a String>) -> Result<(), String> {
    let mut seen = HashSet::new();
    match keys.into_iter().find(|key| !seen.insert(*key)) {
        Some(twice) => Err(format!("it describes the {what} {twice:?} twice")),
        None => Ok(()),
    }
}
