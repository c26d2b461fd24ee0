//! The mapping of a mall's settings: a mapping, or a preset and what differs from it.

use crate::csv::mapping::definition::Mapping;
use crate::csv::mapping::error::DefinitionError;
use crate::csv::mapping::preset::{self, Preset};
use crate::csv::mapping::text::{PRESET, of_setting};
use toml::{Table, Value};

/// The mapping that a mall's setting means. An empty one means a file with our own headings.
pub fn mapping(setting: &str) -> Result<Mapping, DefinitionError> {
    let presets: Vec<_> = preset::all().iter().map(|preset| (preset.id.as_str(), &preset.mapping)).collect();
    Ok(of_setting(setting, &presets)?.unwrap_or_else(|| Mapping::renamed([])))
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
