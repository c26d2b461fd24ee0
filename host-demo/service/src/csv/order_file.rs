//! Orders from a mall's CSV export, in UTF-8 (with or without BOM) or `Shift_JIS`.
//!
//! One line for each item; adjacent lines with the same 注文番号 are one order. An order is read as a whole or refused
//! as a whole, with every error in it. The rest of the file is read nevertheless, and every row of it is accounted for
//! ([`crate::csv::row_result`]).

use crate::csv::error::{FileError, RowError};
use crate::csv::limits::MAX_ITEMS;
pub use crate::csv::order_cells::FileOrder;
use crate::csv::order_cells::{Cells, cell};
use crate::csv::row_result::{Entry, FileReport, RowResult, SkipReason};
use crate::csv::selection::{self, Choice, NotTaken, Question, Selection, SelectionError, Values};
use crate::csv::table::{self, Column, Line};
use domain::columns::{HEADINGS, Heading, IDENTIFIERS, NUMBER, ORDER_STATUS, Renamed, position, their_name};
use domain::identifier;
use encoding_rs::Encoding;
use std::collections::{BTreeMap, HashMap};

/// How a file is read.
#[derive(Debug, Clone, Copy)]
pub struct Reading<'a> {
    /// As the operator says it; absent: the one in which the headings can be read.
    pub encoding: Option<&'static Encoding>,
    /// What the mall calls its columns.
    pub renamed: &'a Renamed,
    /// Which of its orders are taken.
    pub take: Choice<'a>,
}

/// A file's orders.
#[derive(Debug, Clone, PartialEq)]
pub struct Parsed {
    /// What the file turned out to be written in.
    pub encoding: &'static Encoding,
    /// Every row of it.
    pub intake: FileReport<FileOrder>,
}

/// Nothing of a file is taken in.
#[derive(Debug, Clone, PartialEq)]
pub enum OrderFileError {
    /// It cannot be read.
    File(FileError),
    /// It has to be said which of its orders are taken.
    ChoiceNeeded(Question),
}

impl From<FileError> for OrderFileError {
    fn from(problem: FileError) -> Self {
        Self::File(problem)
    }
}

impl From<SelectionError> for OrderFileError {
    fn from(undecided: SelectionError) -> Self {
        match undecided {
            SelectionError::ChoiceNeeded(question) => Self::ChoiceNeeded(question),
            SelectionError::Invalid(problem) => Self::File(problem),
        }
    }
}

/// Reads a file of orders.
pub fn parse(bytes: &[u8], reading: Reading<'_>) -> Result<Parsed, OrderFileError> {
    let Reading { encoding, renamed, take } = reading;
    let column =
        |heading: &Heading| Column { name: their_name(renamed, heading.name).to_owned(), required: heading.required };
    let columns: Vec<Column> = HEADINGS.iter().map(column).collect();
    let status = their_name(renamed, ORDER_STATUS);
    let has_say = |heading: &str, values: &_| heading == status || take.reads(heading, values);
    let mut content = table::read(bytes, encoding, &columns, has_say)?;
    content.unify(&IDENTIFIERS.iter().filter_map(|name| position(name)).collect::<Vec<_>>());
    let blank = content.lines.iter().filter(|line| line.is_blank).map(|line| Entry {
        line: line.at,
        rows: line.rows(),
        number: String::new(),
        result: RowResult::Skipped(SkipReason::Blank),
    });
    let mut entries: Vec<_> = blank.collect();
    let lines: Vec<&Line> = content.lines.iter().filter(|line| !line.is_blank).collect();
    let groups: Vec<&[&Line]> = lines.chunk_by(|a, b| same_order(a, b)).collect();
    let rules = selection::decide(&values(&groups, &content.further, status), take)?;
    entries.extend(Groups::of(renamed, &content.further, rules, &lines).entries(&groups));
    entries.sort_by_key(|entry| entry.line);
    Ok(Parsed { encoding: content.encoding, intake: FileReport { entries } })
}

/// Whether two neighbouring rows are one order. A row without a number cannot belong to its neighbour, and a number
/// that a spreadsheet destroyed can be anybody's.
fn same_order(a: &Line, b: &Line) -> bool {
    let number = cell(a, NUMBER);
    number == cell(b, NUMBER) && !number.is_empty() && !identifier::is_mangled(number)
}

/// How many orders have which value in the columns that say which orders are taken.
fn values(groups: &[&[&Line]], further: &[String], status: &str) -> Vec<Values> {
    let of_column = |(at, heading): (usize, &String)| {
        let mut orders = BTreeMap::new();
        for value in groups.iter().filter(|lines| is_readable(lines)).filter_map(|lines| agreed(lines, at)) {
            *orders.entry(value.to_owned()).or_default() += 1;
        }
        Values { heading: heading.clone(), orders, is_mapped: heading == status }
    };
    further.iter().enumerate().map(of_column).collect()
}

fn is_readable(lines: &[&Line]) -> bool {
    lines.iter().all(|line| line.errors.is_empty())
}

/// What the rows of an order have in a further column, on whichever of them it stands; nothing if they differ.
fn agreed<'a>(lines: &[&'a Line], at: usize) -> Option<&'a str> {
    let mut given =
        lines.iter().filter_map(|line| line.further.get(at)).map(String::as_str).filter(|value| !value.is_empty());
    let first = given.next().unwrap_or_default();
    given.all(|value| value == first).then_some(first)
}

/// Makes an entry of every group of rows.
struct Groups<'a> {
    renamed: &'a Renamed,
    further: &'a [String],
    rules: Selection,
    /// Numbers in cells whose rows cannot be told, and the line of the quoting error.
    hidden: HashMap<&'a str, u64>,
    seen: HashMap<&'a str, u64>,
}

impl<'a> Groups<'a> {
    fn of(renamed: &'a Renamed, further: &'a [String], rules: Selection, lines: &[&'a Line]) -> Self {
        let number = position(NUMBER).unwrap_or_default();
        let number_of = |cells: &'a Vec<String>| cells.get(number).map_or("", String::as_str);
        let hidden = lines.iter().flat_map(|line| line.hidden.iter().map(|cells| (number_of(cells), line.at)));
        let hidden = hidden.filter(|(number, _)| !number.is_empty()).collect();
        Groups { renamed, further, rules, hidden, seen: HashMap::new() }
    }

    fn entries(mut self, groups: &[&[&'a Line]]) -> Vec<Entry<FileOrder>> {
        groups.iter().map(|lines| self.entry(lines)).collect()
    }

    fn entry(&mut self, lines: &[&'a Line]) -> Entry<FileOrder> {
        let number = lines.first().map_or("", |line| cell(line, NUMBER));
        let first_line = lines.first().map_or(0, |line| line.at);
        Entry {
            line: first_line,
            rows: lines.iter().map(|line| line.rows()).sum(),
            number: number.chars().take(SHOWN_NUMBER).collect(),
            result: self.result(number, first_line, lines),
        }
    }

    /// What says whether the order is taken; an order of which one part would be and another not is none.
    fn values(&self, lines: &[&Line]) -> impl Iterator<Item = Result<String, RowError>> {
        let value = |(at, heading): (usize, &String)| match agreed(lines, at) {
            Some(value) => Ok(value.to_owned()),
            None => Err(RowError::LinesDiffer(heading.clone())),
        };
        self.further.iter().enumerate().map(value)
    }

    fn result(&mut self, number: &'a str, first_line: u64, lines: &[&'a Line]) -> RowResult<FileOrder> {
        let unreadable: Vec<_> = lines.iter().flat_map(|line| line.errors.clone()).collect();
        // What stands in a row that cannot be read says nothing about its cells.
        if !unreadable.is_empty() {
            return RowResult::Refused(unreadable);
        }
        let values: Result<Vec<String>, RowError> = self.values(lines).collect();
        let values = match values {
            Ok(values) => values,
            Err(differing) => return RowResult::Refused(vec![differing]),
        };
        let mut errors = Vec::new();
        let not_taken = match self.rules.not_taken(&values) {
            Some(NotTaken { reason, is_payment: true }) => return RowResult::Skipped(reason),
            not_taken => not_taken.map(|not_taken| not_taken.reason),
        };
        if lines.len() > MAX_ITEMS {
            errors.push(RowError::TooManyItems);
        }
        if let Some(line) = self.hidden.get(number) {
            errors.push(RowError::PartUnread(*line));
        }
        let is_name = !number.is_empty() && !identifier::is_mangled(number);
        if let Some(before) = self.seen.insert(number, first_line).filter(|_| is_name) {
            errors.push(RowError::TwiceInFile(before));
        }
        if !errors.is_empty() {
            return RowResult::Refused(errors);
        }
        let mut found = Cells { renamed: self.renamed, errors };
        match found.order(lines) {
            Some(order) if found.errors.is_empty() => RowResult::Taken(FileOrder { not_taken, ..order }),
            // An order that is not to be taken need not be corrected.
            _ => not_taken.map_or(RowResult::Refused(found.errors), RowResult::Skipped),
        }
    }
}

/// Characters of a bad order's number that a message repeats.
const SHOWN_NUMBER: usize = 64;
