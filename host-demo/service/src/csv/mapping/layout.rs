//! What a file looks like around its rows: UTF-16, tabs or commas, and where the headings stand.

use crate::csv::mapping::definition::{Mapping, Separator};
use crate::csv::mapping::plan::known_headings;
use crate::csv::mapping::row::Record;
use encoding_rs::{Encoding, UTF_16BE, UTF_16LE};
use std::borrow::Cow;

/// Most records above the headings: a title, a period, a shop's name, an empty line.
pub const MAX_TITLES: usize = 20;
/// Bytes at the beginning of a file that show in what it is written and how it is separated.
const HEAD_BYTES: usize = 4_096;
/// Most headings that must be found for a row to be the one with the headings.
const ENOUGH_HEADINGS: usize = 3;

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

/// What separates the cells of a file, by its first lines: the one of which the richest line has more.
pub fn separator(bytes: &[u8]) -> Separator {
    let head = bytes.get(..HEAD_BYTES.min(bytes.len())).unwrap_or_default();
    let most = |wanted: u8| {
        let lines = head.split(|byte| matches!(byte, b'\r' | b'\n')).take(MAX_TITLES * 2);
        lines.map(|line| line.iter().filter(|byte| **byte == wanted).count()).max().unwrap_or(0)
    };
    if most(b'\t') > most(b',') { Separator::Tab } else { Separator::Comma }
}

/// Which of `records` has the headings: the one the mapping names, or of the first ones the one with most of them.
pub fn heading_place(mapping: &Mapping, records: &[Record]) -> Option<usize> {
    if let Some(line) = mapping.file.heading_line {
        return records.iter().position(|record| record.line == line);
    }
    let found = records.iter().take(MAX_TITLES + 1).map(|record| known_headings(mapping, &record.cells));
    let best = found.enumerate().max_by_key(|(at, found)| (*found, usize::MAX - at))?;
    let wanted = mapping.values().iter().map(|(_, value)| value.headings().len()).sum::<usize>();
    let by_position = !mapping.same_names && wanted == 0;
    let enough = if mapping.same_names { ENOUGH_HEADINGS } else { wanted.min(ENOUGH_HEADINGS) };
    match best {
        _ if by_position => records.iter().position(|record| !record.is_blank()),
        (at, found) if found >= enough => Some(at),
        _ => None,
    }
}
