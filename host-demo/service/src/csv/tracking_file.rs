//! A file of tracking numbers as rows: what each says of its parcel, by a mapping.

use crate::csv::encoding::Charset;
use crate::csv::error::{FileError, RowError};
use crate::csv::mapping::error::MappingError;
use crate::csv::mapping::layout::richest;
use crate::csv::mapping::plan::{Reader, fold, readers};
use crate::csv::mapping::row::Record;
use crate::csv::row_result::{Entry, RowResult, SkipReason};
use crate::csv::sheet::{Head, Layout, SheetRow, Source};
use crate::csv::tracking_format::{self, TrackingColumn, TrackingFormat, TrackingMapping};
use domain::identifier::is_mangled;
use encoding_rs::Encoding;
use serde::{Deserialize, Serialize};
use std::cmp::Reverse;

/// Most headings that must be found for a row to be the one with the headings: a file may have two columns.
const ENOUGH_HEADINGS: usize = 2;

/// What a row says of a parcel, as it stands there; empty where it says nothing.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TrackingRow {
    /// The mall's id or name.
    pub mall: String,
    /// 注文番号
    pub number: String,
    /// 注文ID
    pub id: String,
    /// 伝票番号
    pub tracking: String,
    /// The carrier's id or name.
    pub carrier: String,
    /// 出荷日
    pub shipped_on: String,
}

/// How a file of tracking numbers is read.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub enum FormatChoice {
    /// By its headings.
    #[default]
    Recognised,
    /// As this one.
    Format(#[serde(with = "by_id")] &'static TrackingFormat),
    /// By a mapping of the operator's own.
    Mapping(Box<TrackingMapping>),
}

/// A format of the program is told by its id.
mod by_id {
    use super::{TrackingFormat, tracking_format};
    use serde::de::Error;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub(super) fn serialize<S: Serializer>(format: &TrackingFormat, serializer: S) -> Result<S::Ok, S::Error> {
        format.id.serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<&'static TrackingFormat, D::Error> {
        let id = String::deserialize(deserializer)?;
        tracking_format::find(&id).ok_or_else(|| D::Error::custom(format!("there is no format {id}")))
    }
}

/// A file of tracking numbers cannot be read.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum TrackingFileError {
    /// It is no file of rows.
    #[error(transparent)]
    File(#[from] FileError),
    /// No format has headings like these; the first row of the file.
    #[error("no format has the headings {0:?}")]
    NotRecognised(Vec<String>),
    /// The settings of these malls read it, no format is recognised, and nobody knows whose orders are in it.
    #[error("the settings of {0:?} read the file, and no mall is told")]
    WhichMall(Vec<String>),
    /// The mapping does not fit the file's headings.
    #[error("the mapping does not fit the file: {0:?}")]
    Mapping(Vec<MappingError>),
}

/// A file of tracking numbers.
#[derive(Debug, Clone, PartialEq)]
pub struct TrackingFile {
    /// The format as which it was read; none with a mapping of one's own.
    pub format: Option<&'static TrackingFormat>,
    /// What it is written in.
    pub encoding: &'static Encoding,
    /// Every row below the headings.
    pub entries: Vec<Entry<TrackingRow>>,
}

/// Reads a file. With `by_id` the column that a format has for the order's number holds the store's own number of it.
pub fn parse(
    bytes: &[u8],
    charset: Option<Charset>,
    choice: &FormatChoice,
    by_id: bool,
) -> Result<TrackingFile, TrackingFileError> {
    let encoding = charset.map(Charset::encoding);
    let source = Source::open(bytes, encoding, None)?;
    let (format, mapping) = match choice {
        FormatChoice::Mapping(mapping) => (None, (**mapping).clone()),
        FormatChoice::Format(format) => (Some(*format), format.mapping.clone()),
        FormatChoice::Recognised => {
            let format = recognise(&source)?;
            (Some(format), format.mapping.clone())
        }
    };
    let mapping = if by_id { mapping.by_id() } else { mapping };
    let source = match mapping.file.separator {
        Some(separator) => Source::open(bytes, encoding, Some(separator))?,
        None => source,
    };
    let (encoding, entries) = rows(&source, &mapping)?;
    Ok(TrackingFile { format, encoding, entries })
}

/// Whether the headings of a format stand in the file.
pub fn is_recognised(bytes: &[u8], charset: Option<Charset>) -> bool {
    Source::open(bytes, charset.map(Charset::encoding), None).is_ok_and(|source| recognise(&source).is_ok())
}

/// The headings of a file that was not recognised, or of any other: its first row in which something stands.
pub fn headings(bytes: &[u8], charset: Option<Charset>) -> Vec<String> {
    Source::open(bytes, charset.map(Charset::encoding), None).map(|source| first_row(&source)).unwrap_or_default()
}

/// The file's first row in which something stands.
fn first_row(source: &Source<'_>) -> Vec<String> {
    let rows = source.heads().into_iter().flat_map(|head| head.rows);
    rows.map(|row| row.cells).find(|cells| is_text(cells)).unwrap_or_default()
}

fn is_text(row: &[String]) -> bool {
    row.iter().any(|cell| !cell.is_empty())
}

fn recognise(source: &Source<'_>) -> Result<&'static TrackingFormat, TrackingFileError> {
    let rows = source.heads().into_iter().flat_map(|head| head.rows);
    let found = rows.filter_map(|row| tracking_format::recognise(&row.cells)).max_by_key(|(_, known)| *known);
    found.map(|(format, _)| format).ok_or_else(|| TrackingFileError::NotRecognised(first_row(source)))
}

fn rows(
    source: &Source<'_>,
    mapping: &TrackingMapping,
) -> Result<(&'static Encoding, Vec<Entry<TrackingRow>>), TrackingFileError> {
    let wanted: Vec<String> = mapping.headings().into_iter().map(fold).collect();
    let known = |row: &Record| row.cells.iter().filter(|cell| wanted.contains(&fold(cell))).count();
    let heads = source.heads();
    // The first of equals is the likelier one.
    let most = |head: &&Head| Reverse(head.rows.iter().map(known).max().unwrap_or_default());
    let head = heads.iter().min_by_key(most).ok_or(FileError::Empty)?;
    let headings_at = heading_place(mapping, &head.rows, &wanted, known)?;
    let headings = headings_at.and_then(|at| head.rows.get(at)).map(|row| row.cells.clone()).unwrap_or_default();
    let needed = if headings_at.is_some() { headings.len() } else { mapping.needed_cells() };
    let columns = Columns::new(mapping, headings)?;
    let sheet = source.read(Layout { encoding: head.encoding, headings_at, needed })?;
    Ok((sheet.encoding, sheet.rows.iter().map(|row| columns.entry(row)).collect()))
}

/// Which record has the headings; none in a file without.
fn heading_place(
    mapping: &TrackingMapping,
    head: &[Record],
    wanted: &[String],
    known: impl Fn(&Record) -> usize,
) -> Result<Option<usize>, TrackingFileError> {
    let found = match mapping.file.heading_line {
        _ if mapping.file.no_headings => return Ok(None),
        Some(line) => line.checked_sub(1).and_then(|at| usize::try_from(at).ok()),
        None if wanted.is_empty() => head.iter().position(|row| is_text(&row.cells)),
        None => richest(head.iter().map(known), wanted.len().min(ENOUGH_HEADINGS)),
    };
    let found = found.filter(|at| *at < head.len());
    found.map(Some).ok_or(TrackingFileError::Mapping(vec![MappingError::NoHeadings]))
}

/// Where a file has what is known of a parcel, and which rows are passed over.
struct Columns {
    mall: Option<Reader>,
    number: Option<Reader>,
    id: Option<Reader>,
    tracking: Option<Reader>,
    carrier: Option<Reader>,
    shipped_on: Option<Reader>,
    skip: Vec<(Reader, Vec<String>)>,
    headings: Vec<String>,
}

impl Columns {
    fn new(mapping: &TrackingMapping, headings: Vec<String>) -> Result<Self, TrackingFileError> {
        let columns = mapping.columns.iter();
        let values = columns.map(|(column, value)| (column.name(), value, column.is_identifier()));
        let skipped = mapping.skip.iter().map(|skip| ("skip", &skip.from, false));
        let values: Vec<_> = values.chain(skipped).collect();
        let mut found = readers(mapping.file, &values, &headings).map_err(TrackingFileError::Mapping)?.into_iter();
        let by_column: Vec<_> = mapping.columns.keys().map(|column| (*column, found.next().flatten())).collect();
        let of = |wanted| by_column.iter().find(|(column, _)| *column == wanted).and_then(|(_, reader)| reader.clone());
        let (number, id) = (of(TrackingColumn::OrderNumber), of(TrackingColumn::OrderId));
        if number.is_none() && id.is_none() {
            return Err(TrackingFileError::Mapping(vec![MappingError::NoSource("注文番号".to_owned())]));
        }
        let skip = mapping.skip.iter().zip(found);
        let skip = skip.filter_map(|(skip, reader)| Some((reader?, skip.is.iter().map(|word| fold(word)).collect())));
        Ok(Self {
            mall: of(TrackingColumn::Mall),
            number,
            id,
            tracking: of(TrackingColumn::Tracking),
            carrier: of(TrackingColumn::Carrier),
            shipped_on: of(TrackingColumn::ShippedOn),
            skip: skip.collect(),
            headings: headings.iter().map(|heading| fold(heading)).collect(),
        })
    }

    fn entry(&self, line: &SheetRow) -> Entry<TrackingRow> {
        let cells = line.record().cells;
        let mut errors = self.errors(line);
        let mut read = |reader: &Option<Reader>| {
            let Some(reader) = reader else { return String::new() };
            reader.read(&cells).unwrap_or_else(|_| {
                errors.push(RowError::NoWord(reader.heading.clone()));
                String::new()
            })
        };
        let row = TrackingRow {
            mall: read(&self.mall),
            number: read(&self.number),
            id: read(&self.id),
            tracking: read(&self.tracking),
            carrier: read(&self.carrier),
            shipped_on: read(&self.shipped_on),
        };
        for (cell, reader) in [(&row.number, &self.number), (&row.id, &self.id)] {
            if let Some(reader) = reader.as_ref().filter(|_| is_mangled(cell)) {
                errors.push(RowError::Mangled(reader.heading.clone(), cell.clone()));
            }
        }
        let number = if row.number.is_empty() { row.id.clone() } else { row.number.clone() };
        let result = match self.skipped(line, &cells, &row) {
            Some(reason) => RowResult::Skipped(reason),
            None if errors.is_empty() => RowResult::Taken(row),
            None => RowResult::Refused(errors),
        };
        Entry { line: line.at, rows: line.rows(), number, result }
    }

    /// What is wrong with a row as a row, and with its cells as text.
    fn errors(&self, line: &SheetRow) -> Vec<RowError> {
        let name = |at: usize| self.headings.get(at).cloned().unwrap_or_else(|| (at + 1).to_string());
        let wrong = line.wrong.iter().map(|(at, fault)| fault(name(*at)));
        line.shape.iter().cloned().chain(wrong).collect()
    }

    /// Why a row says nothing of a parcel. Where its quotes may hide rows nobody knows what it says.
    fn skipped(&self, line: &SheetRow, cells: &[String], row: &TrackingRow) -> Option<SkipReason> {
        if line.is_blank {
            return Some(SkipReason::Blank);
        }
        if !self.errors(line).is_empty() {
            return None;
        }
        let is_heading = |(cell, heading): (&String, &String)| fold(cell) == *heading;
        if !self.headings.is_empty() && cells.iter().zip(&self.headings).all(is_heading) {
            return Some(SkipReason::Headings);
        }
        let rule = |(reader, words): &(Reader, Vec<String>)| {
            let value = reader.read(cells).ok()?;
            let column = reader.heading.clone();
            words.contains(&fold(&value)).then_some(SkipReason::NotTaken { column, value })
        };
        self.skip.iter().find_map(rule).or_else(|| row.tracking.is_empty().then_some(SkipReason::NoTracking))
    }
}
