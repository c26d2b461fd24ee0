//! A file as rows of cells, whatever it is written in: UTF-8 with or without a byte order mark, `Shift_JIS` or UTF-16,
//! parted by commas or tabulators, with titles above its headings or without. What stands between a file and everything
//! that reads one: a row whose quoting may hide other rows is told here.

use crate::csv::error::{FileError, RowError};
use crate::csv::guard::unguarded;
use crate::csv::limits::{MAX_CELL, MAX_FILE_BYTES, MAX_LINES};
use crate::csv::mapping::definition::Separator;
use crate::csv::mapping::layout::{self, MAX_TITLES};
use crate::csv::mapping::row::Record as MappedRecord;
use crate::csv::records::{Fault, QuoteFault, Record, Records};
use csv::ByteRecord;
use encoding_rs::{Encoding, SHIFT_JIS, UTF_8};
use std::borrow::Cow;
use std::collections::VecDeque;

/// A file that was opened: it is text, and not too large.
pub struct Source<'a> {
    bytes: Cow<'a, [u8]>,
    /// What it may be written in, the likelier one first.
    encodings: Vec<&'static Encoding>,
    /// What it was written in before it was made UTF-8.
    utf16: Option<&'static Encoding>,
    separator: u8,
}

/// The first rows of a file, read in an encoding.
pub struct Head {
    /// The encoding.
    pub encoding: &'static Encoding,
    /// The rows: of titles, of headings, or of data.
    pub rows: Vec<MappedRecord>,
    /// How many of their cells are no text in this encoding.
    pub illegible: usize,
}

/// How the rows of a file are read.
#[derive(Debug, Clone, Copy)]
pub struct Layout {
    /// In what.
    pub encoding: &'static Encoding,
    /// Which of the rows has the headings; nothing where the file has none.
    pub headings_at: Option<usize>,
    /// Cells that every row needs: those behind them may be missing, as spreadsheets leave empty ones out.
    pub needed: usize,
}

/// The rows of a file.
pub struct Sheet {
    /// What it was written in.
    pub encoding: &'static Encoding,
    /// Rows above the headings.
    pub above: Vec<SheetRow>,
    /// The headings.
    pub headings: Vec<String>,
    /// Every row below the headings, in the order of the file. Their spans cover the file without a gap.
    pub rows: Vec<SheetRow>,
}

/// A row of a file.
pub struct SheetRow {
    /// Where it stands.
    pub place: RowPlace,
    /// The line on which it begins, counted from 1, as an editor does.
    pub at: u64,
    /// Lines of the file that it takes.
    pub span: u64,
    /// Its cells, without blanks around them and without what keeps a spreadsheet from taking them for a formula.
    pub cells: PackedCells,
    /// Nothing stands in it.
    pub is_blank: bool,
    /// What is wrong with its quotes and its number of cells.
    pub shape: Vec<RowError>,
    /// Cells that cannot be read, by their place.
    pub wrong: Vec<(usize, CellFault)>,
    /// Where its quoting may hide rows: the cells of each of its lines, read as a row of its own.
    pub hidden: Vec<PackedCells>,
}

/// Why a cell cannot be read; made an error by the name of its column.
pub type CellFault = fn(String) -> RowError;

impl SheetRow {
    /// How many rows of the file it stands for: where its quoting may hide rows, each of its lines is one.
    pub fn rows(&self) -> usize {
        if self.hidden.is_empty() { 1 } else { usize::try_from(self.span).unwrap_or(usize::MAX) }
    }

    /// The row as a mapping reads it.
    pub fn record(&self) -> MappedRecord {
        MappedRecord { line: self.at, cells: self.cells.iter().map(str::to_owned).collect() }
    }
}

/// The cells of a row in one piece of memory: an export has a hundred columns, most of them empty.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PackedCells {
    text: String,
    ends: Vec<u32>,
}

impl PackedCells {
    /// The cell at this place.
    pub fn get(&self, at: usize) -> Option<&str> {
        let end = *self.ends.get(at)? as usize;
        let begin = at.checked_sub(1).and_then(|before| self.ends.get(before)).map_or(0, |end| *end as usize);
        self.text.get(begin..end)
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        (0..self.ends.len()).filter_map(|at| self.get(at))
    }

    /// How many they are.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    fn push(&mut self, cell: &str) {
        self.text.push_str(cell);
        self.ends.push(small(self.text.len()));
    }
}

impl<'a> Source<'a> {
    /// Opens a file; in `encoding` and parted by `separator` if it is said, else as is found out.
    pub fn open(
        bytes: &'a [u8],
        encoding: Option<&'static Encoding>,
        separator: Option<Separator>,
    ) -> Result<Self, FileError> {
        if bytes.len() as u64 > MAX_FILE_BYTES {
            return Err(FileError::TooLarge);
        }
        if let Some(kind) = layout::other_kind(bytes) {
            return Err(FileError::OtherKind(kind));
        }
        let bytes = layout::without_end_marks(bytes);
        let (bytes, utf16) = layout::without_utf16(bytes).ok_or(FileError::Utf16)?;
        let encodings = match encoding {
            _ if utf16.is_some() => vec![UTF_8],
            Some(told) => vec![told],
            None => likely_encodings(&bytes),
        };
        if let Some(kind) = layout::other_kind(&bytes) {
            return Err(FileError::OtherKind(kind));
        }
        let separator = match separator.unwrap_or_else(|| layout::separator(&bytes)) {
            Separator::Comma => b',',
            Separator::Tab => b'\t',
        };
        Ok(Source { bytes, encodings, utf16, separator })
    }

    /// What stands between two of its cells.
    pub fn separator(&self) -> Separator {
        if self.separator == b'\t' { Separator::Tab } else { Separator::Comma }
    }

    fn records(&self) -> Records<'_> {
        Records::new(self.bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&self.bytes), self.separator)
    }

    /// Its first rows, in each encoding that it may be written in.
    pub fn heads(&self) -> Vec<Head> {
        let head = |encoding: &&'static Encoding| {
            let mut head = Head { encoding, rows: Vec::new(), illegible: 0 };
            for record in self.records().take(MAX_TITLES + 1) {
                let cells: Vec<_> = record.cells.iter().map(|cell| decode(cell, encoding)).collect();
                head.illegible += cells.iter().filter(|cell| cell.is_none()).count();
                let cells = cells.into_iter().map(Option::unwrap_or_default).collect();
                head.rows.push(MappedRecord { line: record.line, cells });
            }
            head
        };
        self.encodings.iter().map(head).collect()
    }

    /// Why no headings were found where the quoting of the first rows is why.
    pub fn quote_error(&self) -> Option<FileError> {
        let first = self.records().take(MAX_TITLES + 1).find(|record| !record.is_blank())?;
        heading_fault(&first)
    }

    /// Reads the headings, and all that has to be known of the file before its rows can be read one by one.
    pub fn rows(&self, layout: Layout) -> Result<Rows<'_>, FileError> {
        let mut records = self.records();
        let reader = |width| RowReader { layout, width, is_wider: false };
        let mut above = Vec::new();
        let mut headings = Vec::new();
        let width = match layout.headings_at {
            Some(at) => {
                for record in records.by_ref().take(at) {
                    if let Some(error) = heading_fault(&record) {
                        return Err(error);
                    }
                    above.push(reader(record.cells.len()).row(&record));
                }
                let record = records.next().ok_or(FileError::Empty)?;
                if let Some(error) = heading_fault(&record) {
                    return Err(error);
                }
                headings = record.cells.iter().map(|cell| decode(cell, layout.encoding).unwrap_or_default()).collect();
                record.cells.len()
            }
            None => records.clone().map(|record| record.cells.len()).max().ok_or(FileError::Empty)?,
        };
        records.expect_width(width);
        let is_wider = has_surplus(records.clone(), width);
        let encoding = self.utf16.unwrap_or(layout.encoding);
        Ok(Rows { encoding, above, headings, reader: RowReader { is_wider, ..reader(width) }, records })
    }

    /// Reads every row.
    pub fn read(&self, layout: Layout) -> Result<Sheet, FileError> {
        let rows = self.rows(layout)?;
        let mut read = Vec::new();
        for row in rows.walk() {
            read.push(row?);
        }
        let Rows { encoding, above, headings, .. } = rows;
        Ok(Sheet { encoding, above, headings, rows: read })
    }
}

/// The rows of a file, to be read one after the other or again by their places: a file has far more rows than need be in
/// memory at once.
pub struct Rows<'a> {
    /// What the file was written in.
    pub encoding: &'static Encoding,
    /// Rows above the headings.
    pub above: Vec<SheetRow>,
    /// The headings.
    pub headings: Vec<String>,
    reader: RowReader,
    /// Those below the headings.
    records: Records<'a>,
}

/// Where a row stands in its file, and what it does not say itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RowPlace {
    /// Bytes before it. A file has far fewer than 4 GiB.
    offset: u32,
    /// The line on which it begins.
    line: u32,
    /// The line of the row that cannot be read of which it may be a part; 0: there is none.
    beside: u32,
}

impl<'a> Rows<'a> {
    /// Every row below the headings, in the order of the file.
    pub fn walk(&self) -> Walk<'a, '_> {
        let (records, reader) = (self.records.clone(), &self.reader);
        Walk { reader, records, above: None, waiting: VecDeque::new(), is_over: false, read: 0 }
    }

    /// The row that stands at `place`, once more.
    pub fn at(&self, place: RowPlace) -> Option<SheetRow> {
        let record = self.records.from(place.offset as usize, u64::from(place.line)).next()?;
        Some(with_neighbours(self.reader.read(&record), place.beside))
    }
}

/// A row that was read, and whether it may be a part of a row only.
struct ReadRow {
    row: SheetRow,
    is_torn: bool,
}

impl ReadRow {
    /// Whether something stands in it, so that the row next to it can be a part of it.
    fn is_text(&self) -> bool {
        self.is_torn || !self.row.is_blank
    }

    /// Whether it may belong to a row next to it that cannot be read: a line break outside of quotes makes two rows of
    /// one, of which the first may lack its last cells, and a quote that opened in one of them may have closed in
    /// another order's.
    fn may_be_part(&self, width: usize) -> bool {
        let is_short = !self.row.is_blank && self.row.cells.len() < width;
        !self.is_torn && (!self.row.hidden.is_empty() || is_short)
    }

    fn torn_line(&self) -> Option<u32> {
        self.is_torn.then_some(self.row.place.line)
    }
}

/// The row with what the rows next to it make of it; `beside` is the line of the one of which it may be a part, or 0.
fn with_neighbours(ReadRow { mut row, is_torn }: ReadRow, beside: u32) -> SheetRow {
    row.place.beside = beside;
    match beside {
        0 if is_torn => {}
        0 => row.hidden = Vec::new(),
        line => row.shape.push(RowError::BesideUnread(u64::from(line))),
    }
    row
}

/// Reads the rows of a file one after the other.
pub struct Walk<'a, 'r> {
    reader: &'r RowReader,
    records: Records<'a>,
    /// The line of the last row with text, if that row may be a part of a row only.
    above: Option<u32>,
    /// A row that may be a part of the next one, and those behind it up to the first with text.
    waiting: VecDeque<ReadRow>,
    is_over: bool,
    read: usize,
}

impl Walk<'_, '_> {
    /// Whether it is known what the first of the waiting rows is.
    fn is_settled(&self) -> bool {
        let Some(first) = self.waiting.front() else { return false };
        let has_next = self.waiting.len() > 1 && self.waiting.back().is_some_and(ReadRow::is_text);
        self.is_over || has_next || !first.may_be_part(self.reader.width)
    }
}

impl Iterator for Walk<'_, '_> {
    type Item = Result<SheetRow, FileError>;

    fn next(&mut self) -> Option<Self::Item> {
        while !self.is_settled() {
            let Some(record) = self.records.next() else {
                self.is_over = true;
                if self.waiting.is_empty() {
                    return None;
                }
                break;
            };
            self.read += 1;
            if self.read > MAX_LINES {
                return Some(Err(FileError::TooManyLines));
            }
            self.waiting.push_back(self.reader.read(&record));
        }
        let first = self.waiting.pop_front()?;
        let beside = match first.may_be_part(self.reader.width) {
            true => self.above.or_else(|| self.waiting.back().and_then(ReadRow::torn_line)),
            false => None,
        };
        if first.is_text() {
            self.above = first.torn_line();
        }
        Some(Ok(with_neighbours(first, beside.unwrap_or_default())))
    }
}

/// What a file may be written in, the likelier one first: headings in Latin letters are the same in both.
fn likely_encodings(bytes: &[u8]) -> Vec<&'static Encoding> {
    let is_shift_jis = || SHIFT_JIS.decode_without_bom_handling_and_without_replacement(bytes).is_some();
    match std::str::from_utf8(bytes) {
        Err(_) if is_shift_jis() => vec![SHIFT_JIS, UTF_8],
        _ => vec![UTF_8, SHIFT_JIS],
    }
}

fn heading_fault(record: &Record<'_>) -> Option<FileError> {
    let fault = record.fault?;
    Some(FileError::Quote { fault, span: record.line + record.span - fault.line })
}

/// Whether every row has empty cells beyond the headings: a program that ends each row with a comma writes them. In one
/// row alone they may be a comma too many further ahead.
fn has_surplus(records: Records<'_>, width: usize) -> bool {
    let mut rows = records.filter(|record| !record.is_blank()).peekable();
    rows.peek().is_some()
        && rows.all(|record| {
            let surplus = record.cells.iter().skip(width);
            record.fault.is_none() && record.cells.len() > width && surplus.into_iter().all(<[u8]>::is_empty)
        })
}

/// The text of a cell as it is meant; nothing where it is no text in this encoding.
fn decode(cell: &[u8], encoding: &'static Encoding) -> Option<String> {
    let text = encoding.decode_without_bom_handling_and_without_replacement(cell)?;
    Some(unguarded(text.trim()).to_owned())
}

/// A place in a file, which has far fewer than 4 GiB.
fn small(place: impl TryInto<u32>) -> u32 {
    place.try_into().unwrap_or(u32::MAX)
}

/// How the rows of a file are read.
struct RowReader {
    layout: Layout,
    /// Cells of the headings.
    width: usize,
    /// Every row has empty cells beyond them.
    is_wider: bool,
}

impl RowReader {
    fn read(&self, record: &Record<'_>) -> ReadRow {
        let row = self.row(record);
        // An empty line is no part of a row.
        let is_odd_blank = row.is_blank && row.span > 1 && record.cells.len() != self.width;
        ReadRow { is_torn: is_odd_blank || !row.shape.is_empty(), row }
    }

    fn row(&self, record: &Record<'_>) -> SheetRow {
        let (cells, wrong) = self.cells(&record.cells);
        // Quotes that closed by chance elsewhere than they were meant to show by the number of cells, or by the rows
        // around them.
        let hidden = match record.span {
            1 => Vec::new(),
            _ => record.line_by_line().map(|cells| self.cells(&cells).0).collect(),
        };
        let is_blank = record.is_blank();
        let shape = self.shape(record);
        let place = RowPlace { offset: small(record.offset), line: small(record.line), beside: 0 };
        SheetRow { place, at: record.line, span: record.span, cells, is_blank, shape, wrong, hidden }
    }

    fn cells(&self, record: &ByteRecord) -> (PackedCells, Vec<(usize, CellFault)>) {
        let (mut cells, mut wrong) = (PackedCells::default(), Vec::<(usize, CellFault)>::new());
        let kept = if self.is_wider { self.width } else { usize::MAX };
        for (at, bytes) in record.iter().enumerate().take(kept) {
            let Some(text) = decode(bytes, self.layout.encoding) else {
                wrong.push((at, RowError::Encoding));
                cells.push("");
                continue;
            };
            // What is refused need not be kept whole, nor looked at.
            let cut = text.char_indices().nth(MAX_CELL).and_then(|(end, _)| text.get(..end));
            if cut.is_some() {
                wrong.push((at, RowError::TooLong));
            }
            let text = cut.unwrap_or(&text);
            if text.contains(|c: char| c.is_control() && !['\t', '\r', '\n'].contains(&c)) {
                wrong.push((at, RowError::Unseen));
            }
            cells.push(text);
        }
        (cells, wrong)
    }

    /// What is wrong with a record's quotes and its number of cells.
    fn shape(&self, record: &Record<'_>) -> Vec<RowError> {
        let quote = |fault: Fault| RowError::Quote { fault, span: record.line + record.span - fault.line };
        if let Some(fault) = record.fault {
            return vec![quote(fault)];
        }
        let found = record.cells.len();
        let is_short = record.span == 1 && (self.layout.needed..self.width).contains(&found);
        if found == self.width || is_short || self.is_wider || record.is_blank() {
            return Vec::new();
        }
        let cells = RowError::Cells { expected: self.width, found };
        let fault = Fault { kind: QuoteFault::HoldsRows, line: record.line };
        if record.span > 1 { vec![cells, quote(fault)] } else { vec![cells] }
    }
}
