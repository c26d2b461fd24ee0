//! Presets: mappings for exports of known malls and carts, as files of one folder that are part of the program. A file
//! that is added there is a preset.

use crate::csv::mapping::definition::Mapping;
use crate::csv::mapping::error::DefinitionError;
use crate::csv::mapping::plan::{Plan, Wanted, fold};
use crate::csv::mapping::text::{Definition, read};
use include_dir::{Dir, include_dir};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::sync::LazyLock;
use toml_edit::DocumentMut;

static FOLDER: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/presets");

static PRESETS: LazyLock<Vec<Preset>> = LazyLock::new(|| {
    let files = FOLDER.files().filter(|file| file.path().extension().is_some_and(|extension| extension == "toml"));
    let read = files.filter_map(|file| {
        let id = file.path().file_stem()?.to_str()?;
        // Every file of the folder is read by a test.
        Preset::parse(id, file.contents_utf8()?).ok()
    });
    let mut presets: Vec<Preset> = read.collect();
    presets.sort_by(|a, b| a.id.cmp(&b.id));
    presets
});

/// A mapping for a known mall or cart.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Preset {
    /// The name of its file.
    #[serde(skip)]
    pub id: String,
    /// What the mall is called.
    pub name: String,
    /// By which headings its export is recognised.
    pub recognised: Recognised,
    /// How it is read.
    pub mapping: Mapping,
}

/// By which headings an export is recognised.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Recognised {
    /// All of them are there.
    pub all: Vec<String>,
    /// None of them is there.
    #[serde(default)]
    pub none: Vec<String>,
}

impl Preset {
    /// Reads a preset's file.
    pub fn parse(id: &str, text: &str) -> Result<Self, DefinitionError> {
        let preset: Self = read(text)?;
        Ok(Self { id: id.to_owned(), mapping: preset.mapping.checked(text)?, ..preset })
    }

    /// The whole mapping as it stands in the preset's file, for a mall to change.
    pub fn text(&self) -> String {
        let file = FOLDER.get_file(format!("{}.toml", self.id)).and_then(|file| file.contents_utf8());
        let document = file.and_then(|text| text.parse::<DocumentMut>().ok());
        let mapping = document.and_then(|mut document| document.remove("mapping")?.into_table().ok());
        mapping.map(|mapping| DocumentMut::from(mapping).to_string()).unwrap_or_default()
    }

    /// Whether it can read a file with these headings; `there` has them folded.
    fn fits(&self, headings: &[String], there: &BTreeSet<String>) -> bool {
        let is_there = |heading: &String| there.contains(&fold(heading));
        let is_recognised = self.recognised.all.iter().all(is_there) && !self.recognised.none.iter().any(is_there);
        is_recognised && Plan::new(&self.mapping, headings).is_ok()
    }
}

/// Every preset, by name of its file.
pub fn all() -> &'static [Preset] {
    &PRESETS
}

/// The preset of this name.
pub fn find(id: &str) -> Option<&'static Preset> {
    all().iter().find(|preset| preset.id == id)
}

/// The files of the folder that are no presets, and why: none, which a test holds.
pub fn unreadable() -> Vec<(String, DefinitionError)> {
    let files =
        FOLDER.files().filter_map(|file| Some((file.path().to_str()?, file.contents_utf8().unwrap_or_default())));
    files.filter_map(|(name, text)| Some((name.to_owned(), Preset::parse(name, text).err()?))).collect()
}

/// The presets that can read a file with these headings, the one that knows most of them first.
pub fn recognise(headings: &[String]) -> Vec<&'static Preset> {
    let there = headings.iter().map(|heading| fold(heading)).collect();
    let mut fitting: Vec<&Preset> = all().iter().filter(|preset| preset.fits(headings, &there)).collect();
    fitting.sort_by_cached_key(|preset| std::cmp::Reverse(Wanted::of(&preset.mapping).among(headings)));
    fitting
}
