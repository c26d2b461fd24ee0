//! Splits a CSV file into records, strictly where a quotation mark could hide rows.
//!
//! The `csv` crate reads every input without an error (it has no strict mode): a quotation mark that nobody closes
//! makes one cell of all rows behind it. Here every line of the file belongs to exactly one record, a record knows
//! on which lines it stands, and one whose quoting may hide rows says so.
//!
//! Separators, quotes and line ends are the same bytes in UTF-8 and Shift_JIS and never part of a character, so the
//! bytes are split before they are decoded.

use csv::ByteRecord;

const SEPARATOR: u8 = b',';
const QUOTE: u8 = b'"';

/// What is wrong with the quoting of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum QuoteFault {
    /// A quote is opened and never closed: everything up to the end of the file is inside it.
    NotClosed,
    /// Text follows the closing quote, and the quoted part holds a separator or a line end: the quote closed
    /// somewhere else than it was meant to.
    TextAfter,
    /// A quoted cell begins as the end of one row of this file and ends as the beginning of another.
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
    /// Its bytes as they stand in the file.
    pub raw: &'a [u8],
}

impl<'a> Record<'a> {
    /// Whether it has nothing but separators, quotes and blanks.
    pub fn is_blank(&self) -> bool {
        self.fault.is_none() && self.cells.iter().all(|cell| cell.iter().all(u8::is_ascii_whitespace))
    }

    /// Each of its lines read as a row of its own, as if no quote reached beyond a line end.
    pub fn line_by_line(&self) -> impl Iterator<Item = ByteRecord> + use<'a> {
        let lines = self.raw.split(|byte| is_line_end(*byte)).filter(|line| !line.is_empty());
        lines.map(|line| line.split(|byte| *byte == SEPARATOR).map(without_quotes).collect())
    }
}

fn without_quotes(cell: &[u8]) -> &[u8] {
    let cell = cell.strip_prefix(&[QUOTE]).unwrap_or(cell);
    cell.strip_suffix(&[QUOTE]).unwrap_or(cell)
}

fn is_line_end(byte: u8) -> bool {
    matches!(byte, b'\r' | b'\n')
}

/// Whether a cell of a file whose records have `width` cells looks as if it had swallowed rows: up to its first line
/// end it is what follows column `at` in a row, and after its last one what precedes it.
fn holds_rows(cell: &[u8], at: usize, width: usize) -> bool {
    let separators = |part: &[u8]| part.iter().filter(|byte| **byte == SEPARATOR).count();
    let (Some(first), Some(last)) =
        (cell.iter().position(|byte| is_line_end(*byte)), cell.iter().rposition(|byte| is_line_end(*byte)))
    else {
        return false;
    };
    width > 1 && at + separators(&cell[..first]) + 1 == width && separators(&cell[last..]) == at
}

/// The records of a file, one after the other, empty lines too.
pub struct Records<'a> {
    bytes: &'a [u8],
    at: usize,
    line: u64,
    width: Option<usize>,
}

impl<'a> Records<'a> {
    /// Of `bytes`, without a byte order mark.
    pub fn new(bytes: &'a [u8]) -> Self {
        Records { bytes, at: 0, line: 1, width: None }
    }

    /// From here on records have `width` cells, as the headings have: what tells a remark of several lines from
    /// rows inside quotes.
    pub fn expect_width(&mut self, width: usize) {
        self.width = Some(width);
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    /// Passes over a line end, CR LF as one, and counts it.
    fn pass_line_end(&mut self) {
        let is_pair = self.bytes[self.at..].starts_with(b"\r\n");
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
                    cell.extend_from_slice(&self.bytes[from..self.at]);
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
        let rest = &self.bytes[self.at..];
        let length = rest.iter().position(|byte| *byte == SEPARATOR || is_line_end(*byte)).unwrap_or(rest.len());
        cell.extend_from_slice(&rest[..length]);
        self.at += length;
    }

    /// Reads the cell in column `column`, and says what is wrong with its quotes.
    fn cell(&mut self, cell: &mut Vec<u8>, column: usize) -> Option<QuoteFault> {
        if self.peek() != Some(QUOTE) {
            self.plain(cell);
            return None;
        }
        if !self.quoted(cell) {
            return Some(QuoteFault::NotClosed);
        }
        let hides = cell.iter().any(|byte| *byte == SEPARATOR || is_line_end(*byte));
        let fault = match self.peek() {
            Some(byte) if byte != SEPARATOR && !is_line_end(byte) => hides.then_some(QuoteFault::TextAfter),
            _ => self.swallowed(cell, column).then_some(QuoteFault::HoldsRows),
        };
        self.plain(cell);
        fault
    }

    fn swallowed(&self, cell: &[u8], column: usize) -> bool {
        match self.width {
            Some(width) => holds_rows(cell, column, width),
            // Of the headings nothing is known: a name has no line end and separator in it.
            None => cell.contains(&SEPARATOR) && cell.iter().any(|byte| is_line_end(*byte)),
        }
    }
}

impl<'a> Iterator for Records<'a> {
    type Item = Record<'a>;

    fn next(&mut self) -> Option<Record<'a>> {
        self.peek()?;
        let (begin, line) = (self.at, self.line);
        let (mut cells, mut fault) = (ByteRecord::new(), None);
        let mut cell = Vec::new();
        loop {
            cell.clear();
            let opened = self.line;
            let found = self.cell(&mut cell, cells.len());
            fault = fault.or(found.map(|kind| Fault { kind, line: opened }));
            cells.push_field(&cell);
            match self.peek() {
                Some(SEPARATOR) => self.at += 1,
                _ => break,
            }
        }
        let raw = &self.bytes[begin..self.at];
        // A file that ends within a quote has no line end there.
        let ends = self.peek().is_some();
        let span = self.line - line + u64::from(ends || !raw.last().is_some_and(|byte| is_line_end(*byte)));
        if ends {
            self.pass_line_end();
        }
        Some(Record { line, span, cells, fault, raw })
    }
}
