//! Splits a CSV file into records, strictly where a quotation mark could hide rows.
//!
//! The `csv` crate reads every input without an error (it has no strict mode): a quotation mark that is never closed
//! makes one cell of all rows behind it. Here every line of the file belongs to exactly one record, a record knows
//! on which lines it stands, and one whose quoting may hide rows says so.
//!
//! Separators, quotes and line ends are the same bytes in UTF-8 and `Shift_JIS` and never part of a character, so the
//! bytes are split before they are decoded.

use csv::ByteRecord;

const QUOTE: u8 = b'"';

/// What is wrong with the quoting of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum QuoteFault {
    /// A quote is opened and never closed: everything up to the end of the file is inside it.
    NotClosed,
    /// Text follows the closing quote, and the quoted part holds a separator or a line end: the quote closed
    /// somewhere else than it was meant to.
    TextAfter,
    /// A record of several lines has as many separators inside quotes as rows have: it may hold other rows.
    HoldsRows,
}

/// A fault and the line on which its quote is opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fault {
    /// What is wrong.
    pub kind: QuoteFault,
    /// Counted from 1.
    pub line: u64,
}

/// A record of a file.
pub struct Record<'a> {
    /// The line on which it begins, counted from 1, as an editor does.
    pub line: u64,
    /// Lines that it takes; more than one only where a quoted cell has line ends.
    pub span: u64,
    /// Its cells, without quotes.
    pub cells: ByteRecord,
    /// What is wrong with its quotes.
    pub fault: Option<Fault>,
    /// How many bytes stand before it.
    pub offset: usize,
    /// Its bytes as they stand in the file.
    pub raw: &'a [u8],
    separator: u8,
}

impl<'a> Record<'a> {
    /// Whether it has nothing but separators, quotes and blanks.
    pub fn is_blank(&self) -> bool {
        self.fault.is_none() && self.cells.iter().all(|cell| cell.iter().all(u8::is_ascii_whitespace))
    }

    /// Each of its lines read as a row of its own, as if no quote reached beyond a line end.
    pub fn line_by_line(&self) -> impl Iterator<Item = ByteRecord> + use<'a> {
        let (raw, separator) = (self.raw, self.separator);
        let lines = raw.split(|byte| is_line_end(*byte)).filter(|line| !line.is_empty());
        lines.map(move |line| line.split(|byte| *byte == separator).map(without_quotes).collect())
    }
}

fn without_quotes(cell: &[u8]) -> &[u8] {
    let cell = cell.strip_prefix(&[QUOTE]).unwrap_or(cell);
    cell.strip_suffix(&[QUOTE]).unwrap_or(cell)
}

fn is_line_end(byte: u8) -> bool {
    matches!(byte, b'\r' | b'\n')
}

fn separators(cell: &[u8], separator: u8) -> usize {
    cell.iter().filter(|byte| **byte == separator).count()
}

/// The separators inside the quotes of a record.
///
/// A record that took in another row has all separators of that row inside its quotes, wherever they were opened and
/// closed: outside there are as many as one row has, or the number of its cells gives it away. An extra separator
/// makes it more; only missing ones make it less.
#[derive(Default)]
struct Inside {
    /// In cells with a line end.
    of_several_lines: usize,
    /// In all quoted cells.
    of_all: usize,
    /// The line on which the first cell with a line end is opened.
    opened: Option<u64>,
}

impl Inside {
    fn add(&mut self, cell: &[u8], separator: u8, opened: u64) {
        let separators = separators(cell, separator);
        self.of_all += separators;
        if cell.iter().any(|byte| is_line_end(*byte)) {
            self.of_several_lines += separators;
            self.opened.get_or_insert(opened);
        }
    }

    /// The fault if the record may hold another row. Half of a row's separators in the cells of several lines are
    /// enough, as the rows around a stray quote are often broken themselves. A remark with so many commas is refused
    /// as well: in a table of few columns nothing tells it from a row, and a row must not be lost.
    fn fault(&self, width: Option<usize>) -> Option<Fault> {
        let line = self.opened?;
        let of_a_row = width.map_or(1, |width| width.saturating_sub(1).max(1));
        // Of the headings nothing is known: a name has no line end and separator in it.
        let suspicious = width.map_or(1, |_| of_a_row.div_ceil(2));
        let holds_rows = self.of_several_lines >= suspicious || self.of_all >= of_a_row;
        holds_rows.then_some(Fault { kind: QuoteFault::HoldsRows, line })
    }
}

/// The records of a file, one after the other, empty lines too.
#[derive(Clone)]
pub struct Records<'a> {
    bytes: &'a [u8],
    at: usize,
    line: u64,
    width: Option<usize>,
    separator: u8,
}

impl<'a> Records<'a> {
    /// Of `bytes`, without a byte order mark, in which `separator` stands between two cells: a comma or a tabulator.
    pub fn new(bytes: &'a [u8], separator: u8) -> Self {
        Records { bytes, at: 0, line: 1, width: None, separator }
    }

    /// The records from the one on that begins after `offset` bytes, on `line`.
    pub fn from(&self, offset: usize, line: u64) -> Self {
        Records { at: offset, line, ..self.clone() }
    }

    /// From here on records have `width` cells, as the headings have: what tells a remark of several lines from
    /// rows inside quotes.
    pub fn expect_width(&mut self, width: usize) {
        self.width = Some(width);
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    /// What was not read yet.
    fn rest(&self) -> &'a [u8] {
        self.bytes.get(self.at..).unwrap_or_default()
    }

    /// Passes over a line end, CR LF as one, and counts it.
    fn pass_line_end(&mut self) {
        let is_pair = self.rest().starts_with(b"\r\n");
        self.at += if is_pair { 2 } else { 1 };
        self.line += 1;
    }

    /// Reads what stands between a quote and its closing one into `cell`; whether it was closed.
    fn quoted(&mut self, cell: &mut Vec<u8>) -> bool {
        self.at += 1;
        while let Some(byte) = self.peek() {
            let from = self.at;
            match byte {
                QUOTE if self.bytes.get(self.at + 1) == Some(&QUOTE) => {
                    cell.push(QUOTE);
                    self.at += 2;
                }
                QUOTE => {
                    self.at += 1;
                    return true;
                }
                byte if is_line_end(byte) => {
                    self.pass_line_end();
                    cell.extend_from_slice(self.bytes.get(from..self.at).unwrap_or_default());
                }
                byte => {
                    cell.push(byte);
                    self.at += 1;
                }
            }
        }
        false
    }

    /// Reads up to the next separator or line end into `cell`. A quote in there is an ordinary character: 19"モニター.
    fn plain(&mut self, cell: &mut Vec<u8>) {
        let separator = self.separator;
        let ends = |byte: &u8| *byte == separator || is_line_end(*byte);
        let content = self.rest().split(ends).next().unwrap_or_default();
        cell.extend_from_slice(content);
        self.at += content.len();
    }

    /// Reads a cell, and says what is wrong with its quotes.
    fn cell(&mut self, cell: &mut Vec<u8>, inside: &mut Inside) -> Option<QuoteFault> {
        if self.peek() != Some(QUOTE) {
            self.plain(cell);
            return None;
        }
        let opened = self.line;
        if !self.quoted(cell) {
            return Some(QuoteFault::NotClosed);
        }
        inside.add(cell, self.separator, opened);
        let separator = self.separator;
        let hides = cell.iter().any(|byte| *byte == separator || is_line_end(*byte));
        let is_text_after = self.peek().is_some_and(|byte| byte != separator && !is_line_end(byte));
        self.plain(cell);
        (hides && is_text_after).then_some(QuoteFault::TextAfter)
    }
}

impl<'a> Iterator for Records<'a> {
    type Item = Record<'a>;

    fn next(&mut self) -> Option<Record<'a>> {
        self.peek()?;
        let (begin, line) = (self.at, self.line);
        let (mut cells, mut fault) = (ByteRecord::new(), None);
        let (mut cell, mut inside) = (Vec::new(), Inside::default());
        loop {
            cell.clear();
            let opened = self.line;
            let found = self.cell(&mut cell, &mut inside);
            fault = fault.or(found.map(|kind| Fault { kind, line: opened }));
            cells.push_field(&cell);
            match self.peek() {
                Some(byte) if byte == self.separator => self.at += 1,
                _ => break,
            }
        }
        let fault = fault.or_else(|| inside.fault(self.width));
        let raw = self.bytes.get(begin..self.at).unwrap_or_default();
        // A file that ends within a quote has no line end there.
        let ends = self.peek().is_some();
        let span = self.line - line + u64::from(ends || !raw.last().is_some_and(|byte| is_line_end(*byte)));
        if ends {
            self.pass_line_end();
        }
        Some(Record { line, span, cells, fault, offset: begin, raw, separator: self.separator })
    }
}
