//! CSV files: read in UTF-8 (with or without BOM) or Shift_JIS, whichever it is; written so that they
//! open in a Japanese Excel, every cell in quotes and none that Excel would take for a formula.

use crate::complaint::{Complaint, FileProblem};
use csv::ByteRecord;
use encoding_rs::{EncoderResult, Encoding, SHIFT_JIS, UTF_8};

/// Largest file: a hundred thousand lines of a wide export. The file is held in memory whole.
pub const MAX_FILE_BYTES: u64 = 64 << 20;
/// Most lines in a file; more than a shop's orders of a month.
pub const MAX_LINES: usize = 200_000;
/// Longest cell, in characters: what providers keep of a remark at most.
pub const MAX_CELL: usize = 4_000;

/// A column that is read.
#[derive(Debug, Clone, PartialEq)]
pub struct Column {
    /// Its heading.
    pub name: String,
    /// Whether a file without it can be read.
    pub required: bool,
}

/// What a file holds under the columns that are read; any other is passed over.
pub struct Sheet {
    /// What the file turned out to be written in.
    pub encoding: &'static Encoding,
    /// In the order of the file.
    pub lines: Vec<Line>,
}

/// A line of a file.
pub struct Line {
    /// Counted from 1, as an editor does.
    pub at: u64,
    /// In the order of the columns that were asked for; empty where the file has no such column.
    pub cells: Vec<String>,
    /// What is wrong with it as a line.
    pub complaints: Vec<Complaint>,
}

/// Reads the columns `columns` of a file; in `encoding` if the operator says it, else in the one in which
/// the headings can be read.
pub fn read(bytes: &[u8], encoding: Option<&'static Encoding>, columns: &[Column]) -> Result<Sheet, FileProblem> {
    if bytes.len() as u64 > MAX_FILE_BYTES {
        return Err(FileProblem::TooLarge);
    }
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(bytes);
    // Commas, quotes and line ends are the same bytes in both encodings, and never part of a character.
    let heading_line = reader.byte_headers().map_err(|_| FileProblem::Empty)?.clone();
    let (encoding, places) = match encoding {
        Some(told) => (told, places(&heading_line, told, columns)),
        None => [UTF_8, SHIFT_JIS]
            .map(|tried| (tried, places(&heading_line, tried, columns)))
            .into_iter()
            .max_by_key(|(tried, places)| (places.iter().flatten().count(), *tried == UTF_8))
            .unwrap_or((UTF_8, Vec::new())),
    };
    check_headings(&heading_line, encoding, columns, &places)?;
    let layout = Layout { encoding, columns, places, width: heading_line.len() };
    let mut lines = Vec::new();
    let mut numbers = LineNumbers { bytes, counted: 0, line: 1 };
    for record in reader.byte_records() {
        if lines.len() == MAX_LINES {
            return Err(FileProblem::TooManyLines);
        }
        // Reading from memory, into records that may be of any length, cannot fail.
        let Ok(record) = record else { break };
        lines.push(layout.line(numbers.of(&record), &record));
    }
    Ok(Sheet { encoding, lines })
}

/// Where each column stands in the file.
fn places(heading_line: &ByteRecord, encoding: &'static Encoding, columns: &[Column]) -> Vec<Option<usize>> {
    let names: Vec<_> = heading_line.iter().map(|cell| decode(cell, encoding).unwrap_or_default()).collect();
    columns.iter().map(|column| names.iter().position(|name| *name == column.name)).collect()
}

fn check_headings(
    heading_line: &ByteRecord,
    encoding: &'static Encoding,
    columns: &[Column],
    places: &[Option<usize>],
) -> Result<(), FileProblem> {
    if heading_line.is_empty() {
        return Err(FileProblem::Empty);
    }
    let missing = columns.iter().zip(places).filter(|(column, place)| column.required && place.is_none());
    let missing: Vec<_> = missing.map(|(column, _)| column.name.clone()).collect();
    if !missing.is_empty() {
        return Err(FileProblem::MissingHeadings(missing));
    }
    let count = |name: &str| heading_line.iter().filter(|cell| decode(cell, encoding).as_deref() == Some(name)).count();
    let twice: Vec<_> =
        columns.iter().filter(|column| count(&column.name) > 1).map(|column| column.name.clone()).collect();
    if twice.is_empty() { Ok(()) } else { Err(FileProblem::HeadingsTwice(twice)) }
}

fn decode(cell: &[u8], encoding: &'static Encoding) -> Option<String> {
    let text = encoding.decode_without_bom_handling_and_without_replacement(cell)?;
    Some(unguarded(text.trim()).to_owned())
}

/// Counts lines as an editor does. The reader's own count is one short where lines end in CR LF: it
/// ends a record at the CR and meets the LF at the start of the next one.
struct LineNumbers<'a> {
    bytes: &'a [u8],
    counted: usize,
    line: u64,
}

impl LineNumbers<'_> {
    /// The line on which `record` begins. Records come in the order of the file.
    fn of(&mut self, record: &ByteRecord) -> u64 {
        let begins = record.position().map_or(0, |position| position.byte() as usize);
        let blank = self.bytes[begins..].iter().take_while(|byte| b"\r\n".contains(byte)).count();
        let passed = &self.bytes[self.counted..begins + blank];
        self.line += passed.iter().filter(|byte| **byte == b'\n').count() as u64;
        self.counted = begins + blank;
        self.line
    }
}

/// How the file's lines are read.
struct Layout<'a> {
    encoding: &'static Encoding,
    columns: &'a [Column],
    places: Vec<Option<usize>>,
    width: usize,
}

impl Layout<'_> {
    fn line(&self, at: u64, record: &ByteRecord) -> Line {
        let mut line = Line { at, cells: Vec::with_capacity(self.columns.len()), complaints: Vec::new() };
        if record.len() != self.width {
            line.complaints.push(Complaint::Cells { expected: self.width, found: record.len() });
        }
        for (column, place) in self.columns.iter().zip(&self.places) {
            let bytes = place.and_then(|place| record.get(place)).unwrap_or_default();
            let text = decode(bytes, self.encoding);
            if text.is_none() {
                line.complaints.push(Complaint::Encoding(column.name.clone()));
            }
            let text = text.unwrap_or_default();
            if text.chars().count() > MAX_CELL {
                line.complaints.push(Complaint::TooLong(column.name.clone()));
            }
            if text.contains(|c: char| c.is_control() && !['\t', '\r', '\n'].contains(&c)) {
                line.complaints.push(Complaint::Unseen(column.name.clone()));
            }
            line.cells.push(text);
        }
        line
    }
}

/// What a file is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Charset {
    /// UTF-8 with a byte order mark, without which Excel would not see that it is UTF-8.
    #[default]
    Utf8WithBom,
    /// The Shift_JIS of Windows.
    ShiftJis,
}

/// What Excel begins a formula with, narrow and wide, and what it strips before it looks.
const FORMULA: [char; 12] = ['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠', MINUS];
/// Becomes － in Shift_JIS.
const MINUS: char = '\u{2212}';
/// Stands before a cell that would be a formula: Excel shows such a cell as text.
const GUARD: char = '\'';
/// Stands for what Shift_JIS cannot write (〓), as printers have it.
const UNWRITABLE: [u8; 2] = [0x81, 0xac];

/// A file of a heading line and lines.
pub fn write<const N: usize>(
    headings: [&str; N],
    lines: impl IntoIterator<Item = [String; N]>,
    charset: Charset,
) -> Vec<u8> {
    let always = csv::QuoteStyle::Always;
    let mut writer =
        csv::WriterBuilder::new().quote_style(always).terminator(csv::Terminator::CRLF).from_writer(Vec::new());
    // Writing lines of one length to memory cannot fail.
    let _ = writer.write_record(headings);
    for cells in lines {
        let _ = writer.write_record(cells.map(|cell| guarded(&cell)));
    }
    let text = writer.into_inner().unwrap_or_default();
    match charset {
        Charset::Utf8WithBom => [b"\xef\xbb\xbf", &text[..]].concat(),
        Charset::ShiftJis => shift_jis(&String::from_utf8_lossy(&text)),
    }
}

/// A cell that cannot become a formula. A plain negative number is none.
fn guarded(cell: &str) -> String {
    let is_number = cell.strip_prefix('-').unwrap_or(cell).bytes().all(|byte| byte.is_ascii_digit());
    let seen = cell.trim_start_matches(|c: char| c == '\u{feff}' || c.is_control());
    match (seen.starts_with(FORMULA) || cell.starts_with(FORMULA)) && !(is_number && cell.len() > 1) {
        true => format!("{GUARD}{cell}"),
        false => cell.to_owned(),
    }
}

/// A cell of a file that may have been written here: without the guard.
pub fn unguarded(cell: &str) -> &str {
    cell.strip_prefix(GUARD).filter(|rest| guarded(rest).starts_with(GUARD)).unwrap_or(cell)
}

fn shift_jis(mut text: &str) -> Vec<u8> {
    let mut encoder = SHIFT_JIS.new_encoder();
    let mut bytes = Vec::with_capacity(text.len());
    loop {
        // Two bytes for each byte of UTF-8 are always enough: a character has at least one and becomes at most two.
        bytes.reserve(text.len() * 2);
        let (result, read) = encoder.encode_from_utf8_to_vec_without_replacement(text, &mut bytes, true);
        text = &text[read..];
        match result {
            EncoderResult::InputEmpty => return bytes,
            EncoderResult::OutputFull => {}
            EncoderResult::Unmappable(_) => bytes.extend(UNWRITABLE),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_cell_becomes_a_formula_and_every_cell_comes_back_as_it_was() {
        for cell in [
            "=1+1",
            "+81-3",
            "-A1",
            "@x",
            "\t=1",
            "\r\n=1",
            "＝1",
            "－x",
            "-",
            "-1+1",
            "\u{2212}x",
            "\0=1",
            "\u{feff}=1",
        ] {
            assert_eq!(guarded(cell), format!("'{cell}"), "{cell:?}");
            assert_eq!(unguarded(&guarded(cell)), cell);
        }
        for cell in ["", "-500", "1,000", "見本 花子", "A-1", "'quoted'", "3=3"] {
            assert_eq!(guarded(cell), cell);
            assert_eq!(unguarded(cell), cell);
        }
    }

    #[test]
    fn both_encodings() {
        let lines = || [["髙橋 \"花\"".to_owned(), "😀=".to_owned()]];
        let utf8 = write(["氏名", "備考"], lines(), Charset::Utf8WithBom);
        assert_eq!(utf8, "\u{feff}\"氏名\",\"備考\"\r\n\"髙橋 \"\"花\"\"\",\"😀=\"\r\n".as_bytes());
        let sjis = write(["氏名", "備考"], lines(), Charset::ShiftJis);
        let (text, _, broken) = SHIFT_JIS.decode(&sjis);
        assert_eq!((text.as_ref(), broken), ("\"氏名\",\"備考\"\r\n\"髙橋 \"\"花\"\"\",\"〓=\"\r\n", false));
    }
}
