//! Reading CSV files as a table: in UTF-8 (with or without BOM) or `Shift_JIS`, whichever the file is written in.

use crate::csv::column_kind::{FEW_VALUES, MAX_VALUE};
use crate::csv::error::{FileError, RowError};
use crate::csv::guard::unguarded;
use crate::csv::limits::{MAX_CELL, MAX_FILE_BYTES, MAX_LINES};
use crate::csv::records::{Fault, QuoteFault, Record, Records};
use csv::ByteRecord;
use domain::identifier::unified;
use encoding_rs::{Encoding, SHIFT_JIS, UTF_8};
use std::collections::BTreeSet;

/// Longest cell that is a word, in bytes: a character has at most four.
const MAX_WORD_BYTES: usize = MAX_VALUE * 4;

/// A column that is read.
#[derive(Debug, Clone, PartialEq)]
pub struct Column {
    /// Its heading.
    pub name: String,
    /// Whether a file without it can be read.
    pub required: bool,
}

/// What a file holds under the columns that are read; any other is passed over.
pub struct Table {
    /// What the file turned out to be written in.
    pub encoding: &'static Encoding,
    /// Headings of further columns that were asked for, in the order of the file.
    pub further: Vec<String>,
    /// Every row below the headings, in the order of the file. Their spans cover the file without a gap.
    pub lines: Vec<Line>,
}

impl Table {
    /// Brings the identifiers in the cells at these places to their one form.
    pub fn unify(&mut self, identifiers: &[usize]) {
        let rows = self.lines.iter_mut().flat_map(|line| line.hidden.iter_mut().chain([&mut line.cells]));
        for cells in rows {
            for (_, cell) in cells.iter_mut().enumerate().filter(|(at, _)| identifiers.contains(at)) {
                *cell = unified(cell);
            }
        }
    }
}

/// A row of a file.
pub struct Line {
    /// The line on which it begins, counted from 1, as an editor does.
    pub at: u64,
    /// Lines of the file that it takes.
    pub span: u64,
    /// In the order of the columns that were asked for; empty where the file has no such column.
    pub cells: Vec<String>,
    /// In the order of [`Table::further`].
    pub further: Vec<String>,
    /// Nothing stands in it.
    pub is_blank: bool,
    /// What is wrong with it as a row.
    pub errors: Vec<RowError>,
    /// Where its quoting may hide rows: the cells of each of its lines, read as a row of its own.
    pub hidden: Vec<Vec<String>>,
}

impl Line {
    /// The cell of the column at this index; empty where the file has no such column.
    pub fn cell(&self, at: usize) -> &str {
        self.cells.get(at).map_or("", String::as_str)
    }

    /// How many rows of the file it stands for: where its quoting may hide rows, each of its lines is one.
    pub fn rows(&self) -> usize {
        if self.hidden.is_empty() { 1 } else { self.span as usize }
    }
}

/// Reads the columns `columns` of a file, and further those that `is_further` lets through by their heading and their
/// values, as far as these are few words (none of a column of `columns`); in `encoding` if
/// the operator says it, else in the one in which the headings can be read.
pub fn read(
    bytes: &[u8],
    encoding: Option<&'static Encoding>,
    columns: &[Column],
    is_further: impl Fn(&str, &BTreeSet<String>) -> bool,
) -> Result<Table, FileError> {
    if bytes.len() as u64 > MAX_FILE_BYTES {
        return Err(FileError::TooLarge);
    }
    let mut records = Records::new(without_mark(bytes));
    let headings = records.find(|record| !record.is_blank()).ok_or(FileError::Empty)?;
    let (encoding, places) = match encoding {
        Some(told) => (told, places(&headings.cells, told, columns)),
        None => [UTF_8, SHIFT_JIS]
            .map(|tried| (tried, places(&headings.cells, tried, columns)))
            .into_iter()
            .max_by_key(|(tried, places)| (places.iter().flatten().count(), *tried == UTF_8))
            .unwrap_or((UTF_8, Vec::new())),
    };
    check_headings(&headings, encoding, columns, &places)?;
    records.expect_width(headings.cells.len());
    let width = headings.cells.len();
    let words = words(records.clone(), width, encoding, &places);
    let further = further(&headings.cells, encoding, &words, is_further);
    let names = further.iter().map(|(_, heading)| heading.clone()).collect();
    let lines = rows(records, RowReader { encoding, columns, places, further, width, needed: width })?;
    Ok(Table { encoding, further: names, lines })
}

/// The first `count` records of a file, for who looks for its headings: cells that are no text in `encoding` are empty.
pub fn head(bytes: &[u8], encoding: &'static Encoding, separator: u8, count: usize) -> Vec<Vec<String>> {
    let records = Records::new(without_mark(bytes)).separated_by(separator).take(count);
    let text = |cell: &[u8]| decode(cell, encoding).unwrap_or_default();
    records.map(|record| record.cells.iter().map(text).collect()).collect()
}

/// Where the rows of a file begin, for [`read_all`].
#[derive(Debug, Clone, Copy)]
pub enum Rows {
    /// Below the record with the headings, counted from 0. Every row has as many cells as that.
    Below(usize),
    /// At its first line: it has no headings. Cells behind the first so many may be missing.
    All(usize),
}

/// Every cell of a file, for readers that find their columns by themselves.
pub fn read_all(
    bytes: &[u8],
    encoding: &'static Encoding,
    separator: u8,
    rows_of: Rows,
) -> Result<Vec<Line>, FileError> {
    if bytes.len() as u64 > MAX_FILE_BYTES {
        return Err(FileError::TooLarge);
    }
    let mut records = Records::new(without_mark(bytes)).separated_by(separator);
    let (names, needed): (Vec<String>, usize) = match rows_of {
        Rows::Below(at) => {
            let headings = records.nth(at).ok_or(FileError::Empty)?;
            check_headings(&headings, encoding, &[], &[])?;
            let names = headings.cells.iter().map(|cell| decode(cell, encoding).unwrap_or_default());
            (names.collect(), headings.cells.len())
        }
        Rows::All(needed) => {
            let width = records.clone().map(|record| record.cells.len()).max().ok_or(FileError::Empty)?;
            ((1..=width).map(|at| at.to_string()).collect(), needed)
        }
    };
    let width = names.len();
    records.expect_width(width);
    let columns: Vec<_> = names.into_iter().map(|name| Column { name, required: false }).collect();
    let places = (0..width).map(Some).collect();
    rows(records, RowReader { encoding, columns: &columns, places, further: Vec::new(), width, needed })
}

fn without_mark(bytes: &[u8]) -> &[u8] {
    bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes)
}

/// Reads all records that are left.
fn rows(records: Records<'_>, reader: RowReader<'_>) -> Result<Vec<Line>, FileError> {
    let (mut lines, mut is_torn) = (Vec::new(), Vec::new());
    for record in records {
        if lines.len() == MAX_LINES {
            return Err(FileError::TooManyLines);
        }
        lines.push(reader.line(&record));
        is_torn.push(reader.is_torn(&record));
    }
    doubt_neighbours(&mut lines, &is_torn);
    Ok(lines)
}

/// Refuses rows of several lines next to one that cannot be read: a line break outside of quotes makes such rows of one,
/// and the quote that opened in one of them may have closed in another order's.
#[expect(clippy::indexing_slicing, reason = "`is_torn` has an entry for each line, and every index is one of a line")]
fn doubt_neighbours(lines: &mut [Line], is_torn: &[bool]) {
    let is_whole = |at: &usize| !is_torn[*at] && !lines[*at].hidden.is_empty();
    let candidates: Vec<usize> = (0..lines.len()).filter(is_whole).collect();
    for at in candidates {
        let is_text = |at: &usize| is_torn[*at] || !lines[*at].is_blank;
        let neighbours = [(0..at).rev().find(is_text), (at + 1..lines.len()).find(is_text)];
        match neighbours.into_iter().flatten().find(|at| is_torn[*at]).map(|torn| lines[torn].at) {
            Some(torn) => lines[at].errors.push(RowError::BesideUnread(torn)),
            None => lines[at].hidden = Vec::new(),
        }
    }
}

/// Where each column stands in the file.
fn places(headings: &ByteRecord, encoding: &'static Encoding, columns: &[Column]) -> Vec<Option<usize>> {
    let names: Vec<_> = headings.iter().map(|cell| decode(cell, encoding).unwrap_or_default()).collect();
    columns.iter().map(|column| names.iter().position(|name| *name == column.name)).collect()
}

/// Of each column its different values, without the empty one, as long as they are few words; nothing of those that
/// are read, `places`.
#[expect(clippy::indexing_slicing, reason = "records of another width are passed over, and every index is below it")]
fn words(
    records: Records<'_>,
    width: usize,
    encoding: &'static Encoding,
    places: &[Option<usize>],
) -> Vec<BTreeSet<String>> {
    let mut open: Vec<usize> = (0..width).filter(|at| !places.contains(&Some(*at))).collect();
    let mut words = vec![BTreeSet::new(); width];
    for record in records.filter(|record| record.fault.is_none() && record.cells.len() == width) {
        open.retain(|at| {
            let cell = &record.cells[*at];
            let text = if cell.len() > MAX_WORD_BYTES { None } else { decode(cell, encoding) };
            let Some(text) = text.filter(|text| !text.contains(['\r', '\n'])) else { return false };
            text.is_empty() || words[*at].contains(&text) || {
                words[*at].insert(text);
                words[*at].len() <= FEW_VALUES
            }
        });
        if open.is_empty() {
            break;
        }
    }
    // Of the others it is not known which values they have.
    (0..width).map(|at| if open.contains(&at) { std::mem::take(&mut words[at]) } else { BTreeSet::new() }).collect()
}

/// The columns that `is_further` lets through, with their headings.
fn further(
    headings: &ByteRecord,
    encoding: &'static Encoding,
    words: &[BTreeSet<String>],
    is_further: impl Fn(&str, &BTreeSet<String>) -> bool,
) -> Vec<(usize, String)> {
    let named = headings.iter().enumerate().filter_map(|(at, cell)| Some((at, decode(cell, encoding)?)));
    named.filter(|(at, heading)| words.get(*at).is_some_and(|words| is_further(heading, words))).collect()
}

fn check_headings(
    headings: &Record<'_>,
    encoding: &'static Encoding,
    columns: &[Column],
    places: &[Option<usize>],
) -> Result<(), FileError> {
    if let Some(fault) = headings.fault {
        return Err(FileError::Quote { fault, span: headings.line + headings.span - fault.line });
    }
    let missing = columns.iter().zip(places).filter(|(column, place)| column.required && place.is_none());
    let missing: Vec<_> = missing.map(|(column, _)| column.name.clone()).collect();
    if !missing.is_empty() {
        return Err(FileError::MissingHeadings(missing));
    }
    let count =
        |name: &str| headings.cells.iter().filter(|cell| decode(cell, encoding).as_deref() == Some(name)).count();
    let twice: Vec<_> =
        columns.iter().filter(|column| count(&column.name) > 1).map(|column| column.name.clone()).collect();
    if twice.is_empty() { Ok(()) } else { Err(FileError::HeadingsTwice(twice)) }
}

fn decode(cell: &[u8], encoding: &'static Encoding) -> Option<String> {
    let text = encoding.decode_without_bom_handling_and_without_replacement(cell)?;
    Some(unguarded(text.trim()).to_owned())
}

/// How the file's rows are read.
struct RowReader<'a> {
    encoding: &'static Encoding,
    columns: &'a [Column],
    places: Vec<Option<usize>>,
    further: Vec<(usize, String)>,
    width: usize,
    /// Cells that every row has; those behind them may be missing.
    needed: usize,
}

impl RowReader<'_> {
    fn line(&self, record: &Record<'_>) -> Line {
        let named = self.columns.iter().zip(&self.places).map(|(column, place)| (&column.name, *place));
        let mut errors = Vec::new();
        let cells = named.map(|(name, place)| self.text(record, place, name, &mut errors)).collect();
        let further = self.further.iter().map(|(at, name)| match self.places.contains(&Some(*at)) {
            true => self.text(record, Some(*at), name, &mut Vec::new()),
            false => self.text(record, Some(*at), name, &mut errors),
        });
        let further = further.collect();
        let shape = self.shape(record);
        // Quotes that closed by chance elsewhere than they were meant to show by the number of cells, or by the rows
        // around them.
        let hidden = match record.span {
            1 => Vec::new(),
            _ => record.line_by_line().map(|cells| self.cells(&cells)).collect(),
        };
        // Errors in cells mean nothing if it is not known where the cells end.
        let errors = if shape.is_empty() || record.fault.is_none() { [shape, errors].concat() } else { shape };
        Line { at: record.line, span: record.span, cells, further, is_blank: record.is_blank(), errors, hidden }
    }

    /// Whether it may be a part of a row only. An empty line is none.
    fn is_torn(&self, record: &Record<'_>) -> bool {
        let is_empty = record.is_blank() && record.cells.len() == 1 && record.span == 1;
        !is_empty && !self.shape(record).is_empty()
    }

    /// What is wrong with a record's quotes and its number of cells.
    fn shape(&self, record: &Record<'_>) -> Vec<RowError> {
        let quote = |fault: Fault| RowError::Quote { fault, span: record.line + record.span - fault.line };
        if let Some(fault) = record.fault {
            return vec![quote(fault)];
        }
        if (self.needed..=self.width).contains(&record.cells.len()) {
            return Vec::new();
        }
        let cells = RowError::Cells { expected: self.width, found: record.cells.len() };
        let fault = Fault { kind: QuoteFault::HoldsRows, line: record.line };
        if record.span > 1 { vec![cells, quote(fault)] } else { vec![cells] }
    }

    fn cells(&self, record: &ByteRecord) -> Vec<String> {
        let text = |place: &Option<usize>| decode(record.get((*place)?)?, self.encoding);
        self.places.iter().map(|place| text(place).unwrap_or_default()).collect()
    }

    fn text(&self, record: &Record<'_>, place: Option<usize>, name: &str, errors: &mut Vec<RowError>) -> String {
        let bytes = place.and_then(|place| record.cells.get(place)).unwrap_or_default();
        let Some(text) = decode(bytes, self.encoding) else {
            errors.push(RowError::Encoding(name.to_owned()));
            return String::new();
        };
        if text.chars().count() > MAX_CELL {
            errors.push(RowError::TooLong(name.to_owned()));
        }
        if text.contains(|c: char| c.is_control() && !['\t', '\r', '\n'].contains(&c)) {
            errors.push(RowError::Unseen(name.to_owned()));
        }
        text
    }
}
