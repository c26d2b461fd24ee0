//! What a file looks like around its rows: UTF-16, tabs or commas, and where the headings stand.

use crate::csv::error::OtherKind;
use crate::csv::mapping::definition::{Mapping, Separator};
use crate::csv::mapping::plan::Wanted;
use crate::csv::mapping::row::Record;
use encoding_rs::{Encoding, UTF_16BE, UTF_16LE};
use std::borrow::Cow;

/// Most records above the headings: a title, a period, a shop's name, an empty line.
pub const MAX_TITLES: usize = 20;
/// Bytes at the beginning of a file that show in what it is written and how it is separated.
const HEAD_BYTES: usize = 4_096;
/// Most headings that must be found for a row to be the one with the headings.
const ENOUGH_HEADINGS: usize = 3;

/// What programs for DOS end a text with, and what hosts fill a block with.
const END_MARKS: [u8; 2] = [0x1a, 0];

/// A file without the marks behind its text. In UTF-16 a zero is half of a character, so a file with zeros elsewhere is
/// left as it is.
pub fn without_end_marks(bytes: &[u8]) -> &[u8] {
    let end = bytes.iter().rposition(|byte| !END_MARKS.contains(byte)).map_or(0, |last| last + 1);
    let text = bytes.get(..end).unwrap_or_default();
    if end < bytes.len() && !text.contains(&0) { text } else { bytes }
}

/// The bytes of a file in UTF-16 as UTF-8 and the kind of UTF-16 that it was, any other file as it is; nothing where it
/// is UTF-16 and broken.
///
/// Excel's 「Unicode テキスト」 is UTF-16 with a byte order mark. Without one, every other byte of the headings' commas,
/// tabs and line ends is 0, which no other encoding of a text has.
pub fn without_utf16(bytes: &[u8]) -> Option<(Cow<'_, [u8]>, Option<&'static Encoding>)> {
    let Some(encoding) = utf16(bytes) else { return Some((Cow::Borrowed(bytes), None)) };
    let marks: [&[u8]; 2] = [&[0xff, 0xfe], &[0xfe, 0xff]];
    let text = marks.into_iter().find_map(|mark| bytes.strip_prefix(mark)).unwrap_or(bytes);
    let text = encoding.decode_without_bom_handling_and_without_replacement(text)?;
    Some((Cow::Owned(text.into_owned().into_bytes()), Some(encoding)))
}

/// The kind of UTF-16 that a file is written in, by its byte order mark or its first lines; nothing for any other file.
pub fn utf16(bytes: &[u8]) -> Option<&'static Encoding> {
    match bytes {
        [0xff, 0xfe, ..] => Some(UTF_16LE),
        [0xfe, 0xff, ..] => Some(UTF_16BE),
        _ => unmarked(bytes),
    }
}

fn unmarked(bytes: &[u8]) -> Option<&'static Encoding> {
    let head = bytes.get(..HEAD_BYTES.min(bytes.len()))?;
    let is_break = |byte: u8| matches!(byte, b',' | b'\t' | b'\r' | b'\n');
    let pairs = || head.chunks_exact(2);
    let little = pairs().filter(|pair| matches!(pair, [low, 0] if is_break(*low))).count();
    let big = pairs().filter(|pair| matches!(pair, [0, low] if is_break(*low))).count();
    match (little, big) {
        (0, 0) => None,
        (little, big) if little >= big => Some(UTF_16LE),
        _ => Some(UTF_16BE),
    }
}

/// The beginnings of files that are no text with commas or tabs.
const OTHER_BEGINNINGS: [(&[u8], OtherKind); 8] = [
    (b"PK\x03\x04", OtherKind::Workbook),
    (b"\xd0\xcf\x11\xe0", OtherKind::Workbook),
    (b"\x1f\x8b", OtherKind::Workbook),
    (b"%PDF", OtherKind::Pdf),
    (b"<!DOCTYPE", OtherKind::WebPage),
    (b"<html", OtherKind::WebPage),
    (b"<table", OtherKind::WebPage),
    (b"<?xml", OtherKind::WebPage),
];
/// What Excel writes into a line of its own above the rows to say what parts them.
const SEPARATOR_LINE: &[u8] = b"sep=";

/// What a file is instead of a text with commas or tabs, by its beginning. Parted by semicolons is one whose first line
/// has several and nothing else that parts cells: a cell may have some.
pub fn other_kind(bytes: &[u8]) -> Option<OtherKind> {
    let head = bytes.get(..HEAD_BYTES.min(bytes.len()))?;
    let head = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head).trim_ascii_start();
    let is_begun = |beginning: &[u8]| head.get(..beginning.len()).is_some_and(|b| b.eq_ignore_ascii_case(beginning));
    if let Some((_, kind)) = OTHER_BEGINNINGS.iter().find(|(beginning, _)| is_begun(beginning)) {
        return Some(*kind);
    }
    let mut lines = head.split(|byte| matches!(byte, b'\r' | b'\n')).filter(|line| !line.is_empty());
    let first = lines.find(|line| !line.starts_with(SEPARATOR_LINE))?;
    let count = |wanted: &[u8]| first.iter().filter(|byte| wanted.contains(byte)).count();
    (count(b";") > 1 && count(b",\t") == 0).then_some(OtherKind::Semicolons)
}

/// What separates the cells of a file, by its first lines: the one of which the richest line has more outside of quotes.
pub fn separator(bytes: &[u8]) -> Separator {
    let head = bytes.get(..HEAD_BYTES.min(bytes.len())).unwrap_or_default();
    let most = |wanted: u8| {
        let lines = head.split(|byte| matches!(byte, b'\r' | b'\n')).take(MAX_TITLES * 2);
        let count = |line: &[u8]| {
            let mut is_quoted = false;
            let mut is_separator = |byte: u8| {
                is_quoted ^= byte == b'"';
                !is_quoted && byte == wanted
            };
            line.iter().filter(|byte| is_separator(**byte)).count()
        };
        lines.map(count).max().unwrap_or(0)
    };
    if most(b'\t') > most(b',') { Separator::Tab } else { Separator::Comma }
}

/// Which of `records` has the headings: the one the mapping names, or of the first ones the one with most of them.
pub fn heading_place(mapping: &Mapping, records: &[Record]) -> Option<usize> {
    if let Some(line) = mapping.file.heading_line {
        return records.iter().position(|record| record.line == line);
    }
    let wanted = mapping.values().iter().map(|(_, value)| value.headings().len()).sum::<usize>();
    let by_position = !mapping.same_names && wanted == 0;
    let enough = if mapping.same_names { ENOUGH_HEADINGS } else { wanted.min(ENOUGH_HEADINGS) };
    if by_position {
        return records.iter().position(|record| !record.is_blank());
    }
    let headings = Wanted::of(mapping);
    richest(records.iter().map(|record| headings.among(&record.cells)), enough)
}

/// Of the first records the one with most of the headings, if it has `enough` of them; `found` has how many each has.
pub fn richest(found: impl Iterator<Item = usize>, enough: usize) -> Option<usize> {
    let found = found.take(MAX_TITLES + 1).enumerate();
    let (at, _) = found.filter(|(_, found)| *found >= enough).max_by_key(|(at, found)| (*found, usize::MAX - at))?;
    Some(at)
}
