//! Trying a mapping on a file of a mall: what the file looks like, which presets it is recognised by, and what its first
//! orders would be. Nothing is stored. Called by the page and the API.

use crate::csv::error::{FileError, InvalidOrder};
use crate::csv::mapping::definition::{Mapping, Separator};
use crate::csv::mapping::error::MappingError;
use crate::csv::mapping::layout::{self, heading_place};
use crate::csv::mapping::plan::{Plan, Wanted};
use crate::csv::mapping::preset::{self, Preset};
use crate::csv::mapping::setting;
use crate::csv::order_file::{FileOrder, OrderFileError, Reading, parse};
use crate::csv::row_result::{FileReport, RowCounts};
use crate::csv::selection::{Choice, EVERY, Question};
use crate::csv::sheet::{Head, Layout, Source};
use domain::columns::Takes;
use encoding_rs::UTF_16LE;
use serde::{Deserialize, Serialize};
use std::cmp::Reverse;

/// Orders that a preview shows: enough to see a pattern, and little enough to read.
pub const SHOWN_ORDERS: usize = 3;
/// Refused orders that a preview names.
pub const SHOWN_REFUSED: usize = 10;
/// Bytes of a sample that are kept and read: some thousand rows, and a moment to read at every change.
pub const MAX_SAMPLE_BYTES: usize = 1 << 20;
/// Rows in which the first value of a column is looked for.
const EXAMPLE_ROWS: usize = 50;

/// A file, or its beginning, on which mappings are tried.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sample {
    /// The lines. They are no part of what is known of them.
    #[serde(skip)]
    pub bytes: Vec<u8>,
    is_cut: bool,
}

impl Sample {
    /// The lines of a file that fit.
    pub fn new(file: &[u8]) -> Self {
        let Some(head) = file.get(..MAX_SAMPLE_BYTES).filter(|_| file.len() > MAX_SAMPLE_BYTES) else {
            return Self { bytes: file.to_vec(), is_cut: false };
        };
        let line_end: &[u8] = match layout::utf16(file) {
            Some(encoding) if encoding == UTF_16LE => b"\n\0",
            Some(_) => b"\0\n",
            None => b"\n",
        };
        let lines = head.chunks_exact(line_end.len()).rposition(|chunk| chunk == line_end);
        let end = lines.map_or(head.len(), |at| (at + 1) * line_end.len());
        Self { bytes: head.get(..end).unwrap_or(head).to_vec(), is_cut: true }
    }

    /// Whether the file has more than is read.
    pub fn is_cut(&self) -> bool {
        self.is_cut
    }
}

/// What a file looks like.
#[derive(Debug, Clone)]
pub struct FileLook {
    /// The name of what it is written in.
    pub encoding: &'static str,
    /// What stands between two cells.
    pub separator: Separator,
    /// The line of the headings, from 1; 0 where the mapping says that there are none.
    pub heading_line: u64,
    /// Its headings.
    pub headings: Vec<String>,
    /// Of each column the first value that is not empty.
    pub examples: Vec<String>,
    /// Rows below the headings.
    pub rows: usize,
    /// The presets that it is recognised by, the one that knows most of its headings first.
    pub recognised: Vec<&'static Preset>,
    /// How the mapping does not fit its headings.
    pub mapping_errors: Vec<MappingError>,
}

/// Looks at a file through `mapping`. A file that the mapping does not know is looked at through the presets, and one
/// that none of them knows by the shape of its first rows.
pub fn look(sample: &Sample, mapping: &Mapping) -> Result<FileLook, FileError> {
    let source = Source::open(&sample.bytes, None, mapping.file.separator)?;
    let heads = source.heads();
    let (head, at) = headings_of(&heads, mapping).ok_or(FileError::Empty)?;
    let layout = Layout { encoding: head.encoding, headings_at: at, needed: 0 };
    let sheet = source.read(layout)?;
    let heading = at.and_then(|at| head.rows.get(at));
    let widest = sheet.rows.iter().map(|row| row.cells.len()).max().unwrap_or(0);
    let headings = heading.map_or_else(|| vec![String::new(); widest], |_| sheet.headings.clone());
    let example = |at: usize| {
        let cells = sheet.rows.iter().take(EXAMPLE_ROWS).filter_map(|row| row.cells.get(at));
        cells.map(str::to_owned).find(|cell| !cell.is_empty()).unwrap_or_default()
    };
    Ok(FileLook {
        encoding: sheet.encoding.name(),
        separator: source.separator(),
        heading_line: heading.map_or(0, |heading| heading.line),
        examples: (0..headings.len()).map(example).collect(),
        rows: sheet.rows.len(),
        recognised: heading.map(|heading| preset::recognise(&heading.cells)).unwrap_or_default(),
        mapping_errors: Plan::new(mapping, &headings).err().unwrap_or_default(),
        headings,
    })
}

/// The first rows in the encoding in which the headings can be read, and which of them has the headings; none of them
/// where the mapping says so.
fn headings_of<'a>(heads: &'a [Head], mapping: &Mapping) -> Option<(&'a Head, Option<usize>)> {
    if mapping.file.no_headings {
        return heads.iter().min_by_key(|head| head.illegible).map(|head| (head, None));
    }
    let cells = |head: &'a Head, at: usize| head.rows.get(at).map_or(&[][..], |row| &row.cells);
    let by_mapping = heads.iter().filter_map(|head| Some((head, heading_place(mapping, &head.rows)?)));
    let wanted = Wanted::of(mapping);
    let by_mapping = by_mapping.filter(|(head, at)| wanted.among(cells(head, *at)) > 0);
    // Of two encodings in which as much can be read, the first.
    let by_mapping = by_mapping.min_by_key(|(head, at)| Reverse(wanted.among(cells(head, *at))));
    let rows = || heads.iter().flat_map(|head| (0..head.rows.len()).map(move |at| (head, at)));
    let by_preset = || rows().find(|(head, at)| !preset::recognise(cells(head, *at)).is_empty());
    let by_shape = || {
        let head = heads.iter().min_by_key(|head| head.illegible)?;
        let filled = |at: &usize| cells(head, *at).iter().filter(|cell| !cell.trim().is_empty()).count();
        // Of rows that are alike the first one: headings stand above what they head.
        let at = (0..head.rows.len()).rev().max_by_key(filled)?;
        Some((head, at))
    };
    by_mapping.or_else(by_preset).or_else(by_shape).map(|(head, at)| (head, Some(at)))
}

/// What a mapping makes of a file.
#[derive(Debug, Clone)]
pub struct Preview {
    /// The first orders that would be taken.
    pub orders: Vec<FileOrder>,
    /// How many rows would be taken, refused and passed over.
    pub counts: RowCounts,
    /// The first orders that are refused.
    pub refused: Vec<InvalidOrder>,
    /// What an import would ask first. The orders are those with any of its values.
    pub question: Option<Question>,
    /// The file has more than was read.
    pub is_cut: bool,
}

/// Tries the mapping that `text` is on a file, of which a mall takes the orders that `take` says.
pub fn preview(sample: &Sample, text: &str, take: &Takes) -> Result<Preview, FileError> {
    let mapping = setting::mapping(text).map_err(FileError::Mapping)?;
    let read = |told: &[String]| {
        let take = Choice { told, setting: take };
        parse(&sample.bytes, Reading { encoding: None, mapping: &mapping, take })
    };
    let (parsed, question) = match read(&[]) {
        Err(OrderFileError::ChoiceNeeded(question)) => {
            let every = question.columns.iter().map(|column| format!("{}={EVERY}", column.heading));
            (read(&every.collect::<Vec<_>>()), Some(question))
        }
        other => (other, None),
    };
    let mut report = match parsed {
        Ok(parsed) => parsed.intake,
        Err(OrderFileError::File(problem)) => return Err(problem),
        Err(OrderFileError::ChoiceNeeded(_)) => FileReport::default(),
    };
    if sample.is_cut {
        // The rest of the last order may be in what was not read.
        report.entries.pop();
    }
    let is_taken = |order: &&FileOrder| order.not_taken.is_none();
    Ok(Preview {
        orders: report.taken().map(|(.., order)| order).filter(is_taken).take(SHOWN_ORDERS).cloned().collect(),
        counts: report.counts(),
        refused: report.bad().take(SHOWN_REFUSED).collect(),
        question,
        is_cut: sample.is_cut,
    })
}
