//! How files of tracking numbers (出荷CSV) are read: a mapping says where order, number, carrier and day stand. Formats
//! of carriers' programs are mappings too, as files of one folder that are part of the program: a file that is added
//! there is a format.

use crate::csv::mapping::definition::{FileLayout, MAX_SKIPS, Skip};
use crate::csv::mapping::error::{DefinitionError, Wrong};
use crate::csv::mapping::plan::fold;
use crate::csv::mapping::text::{self, Definition};
use crate::csv::mapping::value::{Origin, Value};
use include_dir::{Dir, include_dir};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::LazyLock;
use strum::{EnumString, IntoStaticStr, VariantArray};

static FOLDER: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/tracking-formats");

static FORMATS: LazyLock<Vec<TrackingFormat>> = LazyLock::new(|| {
    let read = FOLDER.files().filter_map(|file| {
        let id = file.path().file_stem()?.to_str()?;
        // Every file of the folder is read by a test.
        TrackingFormat::parse(id, file.contents_utf8()?).ok()
    });
    let mut formats: Vec<_> = read.collect();
    formats.sort_by(|a, b| a.id.cmp(&b.id));
    formats
});

/// What a file of tracking numbers can say of a parcel, under our own heading.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, EnumString, IntoStaticStr, VariantArray,
)]
pub enum TrackingColumn {
    /// The mall of the order: its id or its name.
    #[serde(rename = "モール")]
    #[strum(serialize = "モール")]
    Mall,
    /// The mall's number of the order; several orders in one parcel stand in one cell with commas between them.
    #[serde(rename = "注文番号")]
    #[strum(serialize = "注文番号")]
    OrderNumber,
    /// The store's own number of the order, as its pages show it.
    #[serde(rename = "注文ID")]
    #[strum(serialize = "注文ID")]
    OrderId,
    /// The tracking number.
    #[serde(rename = "伝票番号")]
    #[strum(serialize = "伝票番号")]
    Tracking,
    /// The carrier: an id, or a name in Japanese or English.
    #[serde(rename = "配送業者")]
    #[strum(serialize = "配送業者")]
    Carrier,
    /// The day on which the parcel was handed over.
    #[serde(rename = "出荷日")]
    #[strum(serialize = "出荷日")]
    ShippedOn,
}

impl TrackingColumn {
    /// Our heading.
    pub fn name(self) -> &'static str {
        self.into()
    }

    /// Whether its cells name something: a spreadsheet that takes them for numbers destroys them.
    pub fn is_identifier(self) -> bool {
        matches!(self, Self::OrderNumber | Self::OrderId | Self::Tracking)
    }
}

/// Where a file has what is known of a parcel.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct TrackingMapping {
    /// What the file looks like around its rows.
    pub file: FileLayout,
    /// Where the value of each column comes from.
    pub columns: BTreeMap<TrackingColumn, Value>,
    /// Rows that are passed over.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub skip: Vec<Skip>,
}

impl Definition for TrackingMapping {
    fn check(&self) -> Option<(String, Wrong)> {
        let part = |at: &str, wrong| (at.to_owned(), wrong);
        let in_value = |value: &Value| {
            // Tables of words stand in the values; a tracking file has no others. Nothing in it is an amount.
            let has_table = !value.word_tables().is_empty();
            let wrong = value.problem().or(has_table.then_some(Wrong::NoWords));
            wrong.or(value.per.is_some().then_some(Wrong::Per))
        };
        let of_column = self.columns.iter().find_map(|(column, value)| Some(part(column.name(), in_value(value)?)));
        let of_skip = self.skip.iter().find_map(|skip| Some(part("skip", in_value(&skip.from)?)));
        let is_long = self.skip.len() > MAX_SKIPS || self.skip.iter().any(|skip| skip.is.len() > MAX_SKIPS);
        let has = |column| self.columns.contains_key(&column);
        let missing = match () {
            () if !has(TrackingColumn::OrderNumber) && !has(TrackingColumn::OrderId) => {
                Some(TrackingColumn::OrderNumber)
            }
            () if !has(TrackingColumn::Tracking) => Some(TrackingColumn::Tracking),
            () => None,
        };
        let missing = missing.map(|column| part(column.name(), Wrong::Heading));
        of_column.or(of_skip).or(is_long.then(|| part("skip", Wrong::TooMany(MAX_SKIPS)))).or(missing)
    }
}

impl TrackingMapping {
    /// What a mall's setting means: a mapping, or a format with `preset` and what differs from it; nothing where it is empty.
    pub fn of_setting(setting: &str) -> Result<Option<Self>, DefinitionError> {
        let formats: Vec<_> = all().iter().map(|format| (format.id.as_str(), &format.mapping)).collect();
        text::of_setting(setting, &formats)
    }

    /// What is pasted from a spreadsheet without headings: the order's number, the tracking number, and as far as they are
    /// there the carrier and the day.
    pub fn pasted() -> Self {
        let columns =
            [TrackingColumn::OrderNumber, TrackingColumn::Tracking, TrackingColumn::Carrier, TrackingColumn::ShippedOn];
        let value = |(at, column)| {
            let is_optional = matches!(column, TrackingColumn::Carrier | TrackingColumn::ShippedOn);
            (column, Value { is_optional, ..Value::of(Origin::Position(at)) })
        };
        let columns = (1..).zip(columns).map(value);
        let file = FileLayout { no_headings: true, ..FileLayout::default() };
        Self { file, columns: columns.collect(), skip: Vec::new() }
    }

    /// The same file, whose column with the order's number holds the store's own number of it.
    pub fn by_id(mut self) -> Self {
        if let Some(value) = self.columns.remove(&TrackingColumn::OrderNumber) {
            self.columns.insert(TrackingColumn::OrderId, value);
        }
        self
    }

    /// How many cells each row needs, by the places of the columns that may not be missing.
    pub fn needed_cells(&self) -> usize {
        let place = |value: &Value| match value.from {
            Origin::Position(at) if !value.is_optional => at,
            _ => 0,
        };
        self.columns.values().map(place).max().unwrap_or(0)
    }

    /// Every heading that it reads.
    pub fn headings(&self) -> Vec<&str> {
        let skipped = self.skip.iter().map(|skip| &skip.from);
        self.columns.values().chain(skipped).flat_map(Value::headings).collect()
    }
}

/// The format of a carrier's program.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct TrackingFormat {
    /// The name of its file.
    #[serde(skip)]
    pub id: String,
    /// What people call it.
    pub name: String,
    /// By which headings its files are recognised; a format without is chosen by the operator alone.
    #[serde(default)]
    pub recognised: RecognisedBy,
    /// How it is read.
    pub mapping: TrackingMapping,
}

/// By which headings a file is recognised.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct RecognisedBy {
    /// All of them are there.
    pub all: Vec<String>,
    /// One of them is there.
    pub any: Vec<String>,
}

impl TrackingFormat {
    /// Reads a format's file.
    pub fn parse(id: &str, text: &str) -> Result<Self, DefinitionError> {
        let format: Self = text::read(text)?;
        Ok(Self { id: id.to_owned(), mapping: format.mapping.checked(text)?, ..format })
    }

    /// How many of the headings by which it is recognised are among `headings`; none if it is not this format.
    fn fits(&self, headings: &[String]) -> Option<usize> {
        let is_there = |heading: &&String| headings.contains(&fold(heading));
        let RecognisedBy { all, any } = &self.recognised;
        let fits = all.iter().all(|heading| is_there(&heading)) && (any.is_empty() || any.iter().any(|h| is_there(&h)));
        let known = all.len() + any.iter().filter(is_there).count();
        (fits && known > 0).then_some(known)
    }
}

/// Every format of the folder, by name of its file.
pub fn all() -> &'static [TrackingFormat] {
    &FORMATS
}

/// The format of this name.
pub fn find(id: &str) -> Option<&'static TrackingFormat> {
    all().iter().find(|format| format.id == id)
}

/// The files of the folder that are no formats, and why: none, which a test holds.
pub fn unreadable() -> Vec<(String, DefinitionError)> {
    let files = FOLDER.files().filter_map(|file| Some((file.path().to_str()?, file.contents_utf8()?)));
    files.filter_map(|(name, text)| Some((name.to_owned(), TrackingFormat::parse(name, text).err()?))).collect()
}

/// The format that a row with these cells is the headings of, the one that knows most of them; and how many.
pub fn recognise(cells: &[String]) -> Option<(&'static TrackingFormat, usize)> {
    let headings: Vec<String> = cells.iter().map(|cell| fold(cell)).collect();
    let fitting = all().iter().filter_map(|format| Some((format, format.fits(&headings)?)));
    fitting.max_by_key(|(_, known)| *known)
}
