//! The columns of a file that are read by their headings: files of results and of findings.

use crate::csv::error::{FileError, RowError};
use crate::csv::mapping::row::Record;
use crate::csv::sheet::{Head, Layout, PackedCells, SheetRow, Source};
use domain::identifier::unified;
use encoding_rs::Encoding;

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
    /// Whether the file has each of the columns.
    pub has: Vec<bool>,
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
    /// Nothing stands in it.
    pub is_blank: bool,
    /// What is wrong with it as a row.
    pub errors: Vec<RowError>,
    /// Where its quoting may hide rows: the cells of each of its lines, read as a row of its own.
    pub hidden: Vec<Vec<String>>,
    rows: usize,
}

impl Line {
    /// The cell of the column at this index; empty where the file has no such column.
    pub fn cell(&self, at: usize) -> &str {
        self.cells.get(at).map_or("", String::as_str)
    }

    /// How many rows of the file it stands for.
    pub fn rows(&self) -> usize {
        self.rows
    }
}

/// Reads the columns `columns` of a file; in `encoding` if the operator says it, else in the one in which the headings can
/// be read.
pub fn read(bytes: &[u8], encoding: Option<&'static Encoding>, columns: &[Column]) -> Result<Table, FileError> {
    let source = Source::open(bytes, encoding, None)?;
    let heads = source.heads();
    let (head, at) = headings(&heads, columns).ok_or(FileError::Empty)?;
    let cells = head.rows.get(at).map_or(&[][..], |row| &row.cells);
    let places: Vec<Option<usize>> =
        columns.iter().map(|column| cells.iter().position(|cell| *cell == column.name)).collect();
    check(&source, cells, columns, &places)?;
    let required = columns.iter().zip(&places).filter(|(column, _)| column.required).filter_map(|(_, place)| *place);
    let needed = required.max().map_or(0, |place| place + 1);
    let sheet = source.read(Layout { encoding: head.encoding, headings_at: Some(at), needed })?;
    let projection = Projection { columns, places: &places };
    let lines = sheet.rows.into_iter().map(|row| projection.line(row)).collect();
    Ok(Table { encoding: sheet.encoding, has: places.iter().map(Option::is_some).collect(), lines })
}

/// The row of the file's first ones that has most of the columns, in the encoding in which it has; the first that is not
/// blank where none has any.
fn headings<'a>(heads: &'a [Head], columns: &[Column]) -> Option<(&'a Head, usize)> {
    let known = |row: &Record| columns.iter().filter(|column| row.cells.contains(&column.name)).count();
    let rows = heads.iter().enumerate().flat_map(|(order, head)| {
        let rows = head.rows.iter().enumerate().filter(|(_, row)| !row.is_blank());
        rows.map(move |(at, row)| (order, head, at, row))
    });
    let best = rows.min_by_key(|(order, _, at, row)| (std::cmp::Reverse(known(row)), *at, *order))?;
    Some((best.1, best.2))
}

fn check(
    source: &Source<'_>,
    headings: &[String],
    columns: &[Column],
    places: &[Option<usize>],
) -> Result<(), FileError> {
    let missing = columns.iter().zip(places).filter(|(column, place)| column.required && place.is_none());
    let missing: Vec<_> = missing.map(|(column, _)| column.name.clone()).collect();
    if !missing.is_empty() {
        return Err(source.quote_error().unwrap_or(FileError::MissingHeadings(missing)));
    }
    let count = |name: &str| headings.iter().filter(|cell| *cell == name).count();
    let twice: Vec<_> =
        columns.iter().filter(|column| count(&column.name) > 1).map(|column| column.name.clone()).collect();
    if twice.is_empty() { Ok(()) } else { Err(FileError::HeadingsTwice(twice)) }
}

/// Where each column stands in the file.
struct Projection<'a> {
    columns: &'a [Column],
    places: &'a [Option<usize>],
}

impl Projection<'_> {
    fn line(&self, row: SheetRow) -> Line {
        let named = self.columns.iter().zip(self.places);
        let wrong = named.flat_map(|(column, place)| {
            let of_cell = row.wrong.iter().filter(|(at, _)| Some(*at) == *place);
            of_cell.map(|(_, fault)| fault(column.name.clone()))
        });
        let is_unclosed = row.shape.iter().any(|error| matches!(error, RowError::Quote { .. }));
        // Errors in cells mean nothing if it is not known where the cells end.
        let wrong: Vec<_> = if is_unclosed { Vec::new() } else { wrong.collect() };
        let errors = row.shape.iter().cloned().chain(wrong).collect();
        let hidden = row.hidden.iter().map(|cells| self.cells(cells)).collect();
        let rows = row.rows();
        Line { at: row.at, span: row.span, cells: self.cells(&row.cells), is_blank: row.is_blank, errors, hidden, rows }
    }

    fn cells(&self, cells: &PackedCells) -> Vec<String> {
        let cell = |place: &Option<usize>| place.and_then(|place| cells.get(place)).unwrap_or_default().to_owned();
        self.places.iter().map(cell).collect()
    }
}
