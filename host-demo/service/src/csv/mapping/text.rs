//! Mappings as text: a mapping in TOML, or a preset and what differs from it.

use crate::csv::mapping::error::{DefinitionError, Wrong};
use crate::csv::mapping::form_error::{FormError, line_of};
use serde::Serialize;
use serde::de::DeserializeOwned;
use toml::Table;

/// Longest mapping in TOML, in bytes: a page of columns and a table of prefectures are a tenth of it.
pub const MAX_MAPPING_BYTES: usize = 64 << 10;
/// Names the preset that a setting begins with.
pub(super) const PRESET: &str = "preset";
/// Parts of a mapping of which a setting replaces single keys; it replaces any other part whole.
const MERGED: [&str; 4] = ["columns", "words", "prices", "file"];

/// A mapping that is written in TOML.
pub trait Definition: Serialize + DeserializeOwned + 'static {
    /// The first thing that is wrong with it, and where: a column, or a key.
    fn check(&self) -> Option<(String, Wrong)>;

    /// Reads a mapping.
    fn parse(text: &str) -> Result<Self, DefinitionError> {
        read::<Self>(text)?.checked(text)
    }

    /// The same if nothing is wrong with it; `text` is where it stands.
    fn checked(self, text: &str) -> Result<Self, DefinitionError> {
        match self.check() {
            Some((at, wrong)) => Err(DefinitionError::Part { line: line_of(text, &at), at, wrong }),
            None => Ok(self),
        }
    }
}

/// What `text` has, a mapping or a file with one in it.
pub(in crate::csv) fn read<T: DeserializeOwned>(text: &str) -> Result<T, DefinitionError> {
    if text.len() > MAX_MAPPING_BYTES {
        return Err(DefinitionError::TooLarge);
    }
    toml::from_str(text).map_err(|error| DefinitionError::Form(FormError::of(text, &error)))
}

/// What a mall's setting means, which may begin with one of the `presets`; nothing where it is empty.
pub(in crate::csv) fn of_setting<D: Definition>(
    setting: &str,
    presets: &[(&'static str, &D)],
) -> Result<Option<D>, DefinitionError> {
    let mut table: Table = read(setting)?;
    if table.is_empty() {
        return Ok(None);
    }
    let Some(id) = table.remove(PRESET) else { return D::parse(setting).map(Some) };
    let found = presets.iter().find(|(name, _)| id.as_str() == Some(name)).map(|(_, preset)| *preset);
    let preset = found.ok_or_else(|| DefinitionError::NoPreset {
        line: line_of(setting, PRESET),
        name: id.as_str().unwrap_or_default().to_owned(),
        known: presets.iter().map(|(name, _)| *name).collect(),
    })?;
    let whole = Table::try_from(preset).map_err(|error| DefinitionError::Form(FormError::nowhere(&error)))?;
    let merged: Result<D, _> = merged(whole, table).try_into();
    let mapping = merged.map_err(|error| {
        own_error::<D>(setting).unwrap_or_else(|| DefinitionError::Form(FormError::of(setting, &error)))
    })?;
    mapping.checked(setting).map(Some)
}

/// What is wrong with what a setting has besides its preset, with the line where it is: that is lost when both are
/// brought together.
fn own_error<D: Definition>(setting: &str) -> Option<DefinitionError> {
    let is_preset = |line: &&str| line.split('=').next().is_some_and(|key| key.trim() == PRESET);
    let own: Vec<&str> = setting.lines().map(|line| if is_preset(&line) { "" } else { line }).collect();
    D::parse(&own.join("\n")).err()
}

fn merged(mut whole: Table, own: Table) -> Table {
    for (key, value) in own {
        match (whole.get_mut(&key), value) {
            (Some(toml::Value::Table(known)), toml::Value::Table(new)) if MERGED.contains(&key.as_str()) => {
                known.extend(new);
            }
            (_, value) => {
                whole.insert(key, value);
            }
        }
    }
    whole
}
