//! The mapping of a mall's settings: a mapping, or a preset and what differs from it.

use crate::csv::mapping::definition::{MAX_MAPPING_BYTES, Mapping};
use crate::csv::mapping::error::DefinitionError;
use crate::csv::mapping::preset::{self, Preset};
use toml::{Table, Value};

/// Names the preset that a setting begins with.
const PRESET: &str = "preset";
/// Parts of a mapping of which a setting replaces single keys; it replaces any other part whole.
const MERGED: [&str; 4] = ["columns", "words", "prices", "file"];

/// The mapping that a mall's setting means. An empty one means a file with our own headings.
pub fn mapping(setting: &str) -> Result<Mapping, DefinitionError> {
    if setting.len() > MAX_MAPPING_BYTES {
        return Err(DefinitionError::TooLarge);
    }
    let form = |error: toml::de::Error| DefinitionError::Form(error.to_string());
    let mut table: Table = setting.parse().map_err(form)?;
    if table.is_empty() {
        return Ok(Mapping::renamed([]));
    }
    let Some(id) = table.remove(PRESET) else { return Mapping::parse(setting) };
    let found = id.as_str().and_then(preset::find);
    let preset = found.ok_or_else(|| DefinitionError::NoPreset(id.as_str().unwrap_or_default().to_owned()))?;
    let whole = Table::try_from(&preset.mapping).map_err(|error| DefinitionError::Form(error.to_string()))?;
    let merged: Result<Mapping, _> = merged(whole, table).try_into();
    let mapping = merged.map_err(|error| own_error(setting).unwrap_or_else(|| form(error)))?;
    mapping.check().map_or(Ok(mapping), Err)
}

/// What is wrong with what a setting has besides its preset, with the line where it is: that is lost when both are
/// brought together.
fn own_error(setting: &str) -> Option<DefinitionError> {
    let is_preset = |line: &&str| line.split('=').next().is_some_and(|key| key.trim() == PRESET);
    let own: Vec<&str> = setting.lines().map(|line| if is_preset(&line) { "" } else { line }).collect();
    Mapping::parse(&own.join("\n")).err()
}

/// The preset on which a setting builds.
pub fn base(setting: &str) -> Option<&'static Preset> {
    let table: Table = setting.parse().ok()?;
    preset::find(table.get(PRESET)?.as_str()?)
}

/// The setting that means the preset of this name.
pub fn of_preset(id: &str) -> String {
    format!("{PRESET} = {}\n", Value::from(id))
}

fn merged(mut whole: Table, own: Table) -> Table {
    for (key, value) in own {
        match (whole.get_mut(&key), value) {
            (Some(Value::Table(known)), Value::Table(new)) if MERGED.contains(&key.as_str()) => known.extend(new),
            (_, value) => {
                whole.insert(key, value);
            }
        }
    }
    whole
}
