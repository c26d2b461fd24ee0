//! Orders from a mall's CSV export, by the mall's mapping.
//!
//! The rows of an order are gathered from wherever they stand. An order is read as a whole or refused as a whole, with
//! every error in it. The rest of the file is read nevertheless, and every row of it is accounted for
//! ([`crate::csv::row_result`]).

use crate::csv::column_kind::{FEW_VALUES, MAX_VALUE};
use crate::csv::error::{FileError, RowError};
use crate::csv::limits::MAX_ITEMS;
use crate::csv::mapping::column::Column;
use crate::csv::mapping::definition::Mapping;
use crate::csv::mapping::error::{MappingError, Problem, ProblemKind};
use crate::csv::mapping::evaluate::{Group, Grouping, Place};
use crate::csv::mapping::layout::heading_place;
use crate::csv::mapping::plan::{Plan, Reader, known_headings};
use crate::csv::mapping::preset;
use crate::csv::mapping::row::Skipped;
use crate::csv::order_cells;
pub use crate::csv::order_cells::FileOrder;
use crate::csv::row_result::{Entry, FileReport, RowResult, SkipReason};
use crate::csv::selection::{self, Choice, NotTaken, Question, Selection, SelectionError, Values};
use crate::csv::sheet::{Head, Layout, Sheet, SheetRow, Source};
use encoding_rs::Encoding;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// How a file is read.
#[derive(Debug, Clone, Copy)]
pub struct Reading<'a> {
    /// As the operator says it; absent: the one in which the headings can be read.
    pub encoding: Option<&'static Encoding>,
    /// How the mall's export is read.
    pub mapping: &'a Mapping,
    /// Which of its orders are taken.
    pub take: Choice<'a>,
}

/// A file's orders.
#[derive(Debug, Clone, PartialEq)]
pub struct Parsed {
    /// What the file turned out to be written in.
    pub encoding: &'static Encoding,
    /// Orders that were gathered from rows between which other orders stand.
    pub gathered: usize,
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
    let source = Source::open(bytes, reading.encoding, reading.mapping.file.separator)?;
    let (plan, layout) = planned(&source, reading.mapping)?;
    let sheet = source.read(layout)?;
    drop(source);
    let sorted = Sorted::of(&plan, &sheet);
    let orders = Orders::of(&plan, &sheet, reading.take);
    let rules = selection::decide(&orders.values(&sorted.orders), reading.take)?;
    let Sorted { passed: mut entries, orders: groups } = sorted;
    let gathered = groups.iter().filter(|rows| rows.iter().any(|(_, is_apart)| *is_apart)).count();
    for rows in &groups {
        orders.read(rows, &rules, &mut entries);
    }
    entries.sort_by_key(|entry| entry.line);
    Ok(Parsed { encoding: sheet.encoding, gathered, intake: FileReport { entries } })
}

/// Finds the headings, and with them every column of the mapping.
fn planned(source: &Source<'_>, mapping: &Mapping) -> Result<(Plan, Layout), FileError> {
    let heads = source.heads();
    let layout = |head: &Head, headings_at, plan: &Plan| Layout {
        encoding: head.encoding,
        headings_at,
        needed: plan.needed_width(),
    };
    if mapping.file.no_headings {
        let plan = Plan::new(mapping, &[]).map_err(|errors| unfit(&heads, errors))?;
        let head = heads.iter().min_by_key(|head| head.illegible).ok_or(FileError::Empty)?;
        let layout = layout(head, None, &plan);
        return Ok((plan, layout));
    }
    let known = |head: &Head, at: usize| head.rows.get(at).map_or(0, |row| known_headings(mapping, &row.cells));
    let places = heads.iter().filter_map(|head| Some((head, heading_place(mapping, &head.rows)?)));
    // Of two encodings in which as much can be read, the first.
    let best = places.min_by_key(|(head, at)| Reverse(known(head, *at)));
    let Some((head, at)) = best else {
        let rows = heads.iter().flat_map(|head| (0..head.rows.len()).map(move |at| (head, at)));
        let rows = rows.filter(|(head, at)| head.rows.get(*at).is_some_and(|row| !row.is_blank()));
        let (head, at) = rows
            .min_by_key(|(head, at)| Reverse(known(head, *at)))
            .ok_or_else(|| source.quote_error().unwrap_or(FileError::Empty))?;
        let cells = head.rows.get(at).map_or(&[][..], |row| &row.cells);
        let errors = Plan::new(mapping, cells).err().unwrap_or_else(|| vec![MappingError::NoHeadings]);
        return Err(source.quote_error().unwrap_or_else(|| unfit(&heads, errors)));
    };
    let cells = head.rows.get(at).map_or(&[][..], |row| &row.cells);
    let plan =
        Plan::new(mapping, cells).map_err(|errors| source.quote_error().unwrap_or_else(|| unfit(&heads, errors)))?;
    let layout = layout(head, Some(at), &plan);
    Ok((plan, layout))
}

/// What is said of a file that a mapping does not fit: if it is a known mall's export, that.
fn unfit(heads: &[Head], errors: Vec<MappingError>) -> FileError {
    let rows = heads.iter().flat_map(|head| &head.rows);
    let recognised: Vec<_> = rows.flat_map(|row| preset::recognise(&row.cells)).collect();
    if !recognised.is_empty() {
        let mut ids: Vec<String> = recognised.iter().map(|preset| preset.id.clone()).collect();
        ids.dedup();
        return FileError::Recognised(ids);
    }
    let missing = errors.iter().map(|error| match error {
        MappingError::Missing { heading, column } if heading == column => Some(heading.clone()),
        _ => None,
    });
    match missing.collect::<Option<Vec<_>>>() {
        Some(missing) => FileError::MissingHeadings(missing),
        None => FileError::Columns(errors),
    }
}

/// The rows of a file by what they are.
struct Sorted<'a> {
    /// Those that are part of no order.
    passed: Vec<Entry<FileOrder>>,
    /// The rows of each order, and whether another's stand before them.
    orders: Vec<Vec<(&'a SheetRow, bool)>>,
}

impl<'a> Sorted<'a> {
    fn of(plan: &Plan, sheet: &'a Sheet) -> Self {
        let mut sorted = Sorted { passed: Vec::new(), orders: Vec::new() };
        for row in &sheet.above {
            sorted.pass(row, if row.is_blank { SkipReason::Blank } else { SkipReason::Title });
        }
        let mut grouping = Grouping::default();
        for row in &sheet.rows {
            if row.is_blank {
                sorted.pass(row, SkipReason::Blank);
                continue;
            }
            let is_whole = row.shape.is_empty() && row.hidden.is_empty();
            let record = row.record();
            let skipped = plan.skipped(&record).filter(|_| is_whole);
            if let Some(reason) = skipped {
                sorted.pass(row, skip_reason(reason));
                continue;
            }
            // Of what may hold other rows nobody knows whose it is.
            let Place { group, is_apart } = match row.hidden.is_empty() {
                true => grouping.place(plan, &number(plan, &record.cells)),
                false => grouping.apart(),
            };
            match sorted.orders.get_mut(group) {
                Some(rows) => rows.push((row, is_apart)),
                None => sorted.orders.push(vec![(row, false)]),
            }
        }
        sorted
    }

    fn pass(&mut self, row: &SheetRow, reason: SkipReason) {
        let number = String::new();
        self.passed.push(Entry { line: row.at, rows: row.rows(), number, result: RowResult::Skipped(reason) });
    }
}

fn skip_reason(reason: Skipped) -> SkipReason {
    match reason {
        Skipped::Title => SkipReason::Title,
        Skipped::Headings => SkipReason::Headings,
        Skipped::Blank => SkipReason::Blank,
        Skipped::TotalLine => SkipReason::TotalLine,
        Skipped::Repeated(_) => SkipReason::Repeated,
        Skipped::Rule { heading: column, value } => SkipReason::NotTaken { column, value },
    }
}

fn number(plan: &Plan, cells: &[String]) -> String {
    plan.columns.get(&Column::Number).and_then(|reader| reader.read(cells).ok()).unwrap_or_default()
}

/// Numbers in rows whose quoting may hide other rows, and the line of the quoting error.
fn hidden_numbers(plan: &Plan, sheet: &Sheet) -> HashMap<String, u64> {
    let hidden = sheet.rows.iter().flat_map(|row| row.hidden.iter().map(|cells| (cells, row.at)));
    let numbers = hidden.map(|(cells, at)| {
        let cells: Vec<String> = cells.iter().map(str::to_owned).collect();
        (number(plan, &cells), at)
    });
    numbers.filter(|(number, _)| !number.is_empty()).collect()
}

/// A column that says which orders of a file are taken.
struct SayingColumn {
    heading: String,
    from: SaidIn,
    /// The import reads it as 受注ステータス.
    is_mapped: bool,
}

/// Where what a column says stands.
#[derive(Clone, Copy)]
enum SaidIn {
    /// In this cell.
    Cell(usize),
    /// In what the mapping makes of several cells or of their words.
    Status,
}

/// The columns of a file that say which of its orders are taken: the file's own, and what the mapping reads as
/// 受注ステータス.
fn saying_columns(plan: &Plan, sheet: &Sheet, take: Choice<'_>) -> Vec<SayingColumn> {
    let status = plan.columns.get(&Column::OrderStatus);
    let status_place = status.and_then(Reader::only_place).filter(|at| *at < sheet.headings.len());
    let status_places = status.map(Reader::places).unwrap_or_default();
    let words = words(sheet, &plan.places());
    let mut columns = Vec::new();
    for ((at, heading), words) in sheet.headings.iter().enumerate().zip(&words) {
        let is_mapped = status_place == Some(at);
        // What the mapping makes the status of has its say as the status.
        let is_own = !status_places.contains(&at);
        if is_mapped || (is_own && take.reads(heading, words)) {
            columns.push(SayingColumn { heading: heading.clone(), from: SaidIn::Cell(at), is_mapped });
        }
    }
    if status.is_some() && status_place.is_none() {
        let heading = Column::OrderStatus.name().to_owned();
        columns.push(SayingColumn { heading, from: SaidIn::Status, is_mapped: true });
    }
    columns
}

/// Of each column its different values, without the empty one, as long as they are few words; nothing of those that a
/// mapping reads, `read`.
fn words(sheet: &Sheet, read: &BTreeMap<usize, &str>) -> Vec<BTreeSet<String>> {
    let width = sheet.headings.len();
    let mut words = vec![BTreeSet::new(); width];
    let mut is_open: Vec<bool> = (0..width).map(|at| !read.contains_key(&at)).collect();
    for row in sheet.rows.iter().filter(|row| row.shape.is_empty()) {
        for ((cell, words), is_open) in row.cells.iter().zip(&mut words).zip(&mut is_open) {
            if !*is_open || cell.is_empty() || words.contains(cell) {
                continue;
            }
            let is_word = cell.chars().count() <= MAX_VALUE && !cell.contains(['\r', '\n']);
            *is_open = is_word && words.len() < FEW_VALUES;
            match is_open {
                true => _ = words.insert(cell.to_owned()),
                // Of the others it is not known which values they have.
                false => words.clear(),
            }
        }
    }
    words
}

/// Reads the orders of a file.
struct Orders<'a> {
    plan: &'a Plan,
    columns: Vec<SayingColumn>,
    /// The columns that are read, by their places.
    headings: BTreeMap<usize, String>,
    hidden: HashMap<String, u64>,
}

/// The rows of an order, and whether another's stand before each.
type OrderRows<'a> = [(&'a SheetRow, bool)];

impl<'a> Orders<'a> {
    fn of(plan: &'a Plan, sheet: &Sheet, take: Choice<'_>) -> Self {
        let columns = saying_columns(plan, sheet, take);
        let saying = columns.iter().filter_map(|column| match column.from {
            SaidIn::Cell(at) => Some((at, column.heading.clone())),
            SaidIn::Status => None,
        });
        let read = plan.places().into_iter().map(|(at, heading)| (at, heading.to_owned()));
        let headings = saying.chain(read).collect();
        Orders { plan, columns, headings, hidden: hidden_numbers(plan, sheet) }
    }

    /// How many orders have which value in the columns that say which orders are taken.
    fn values(&self, orders: &[Vec<(&SheetRow, bool)>]) -> Vec<Values> {
        let of_column = |column: &SayingColumn| {
            let mut counts = BTreeMap::new();
            let readable = orders.iter().filter(|rows| self.errors(rows).is_empty());
            for value in readable.filter_map(|rows| self.agreed(column, rows)) {
                *counts.entry(value).or_default() += 1;
            }
            Values { heading: column.heading.clone(), orders: counts, is_mapped: column.is_mapped }
        };
        self.columns.iter().map(of_column).collect()
    }

    /// What the rows of an order have in a column, on whichever of them it stands; nothing if they differ.
    fn agreed(&self, column: &SayingColumn, rows: &OrderRows<'_>) -> Option<String> {
        let mut given = rows.iter().map(|(row, _)| self.said(column, row)).filter(|value| !value.is_empty());
        let first = given.next().unwrap_or_default();
        given.all(|value| value == first).then_some(first)
    }

    fn said(&self, column: &SayingColumn, row: &SheetRow) -> String {
        match column.from {
            SaidIn::Cell(at) => row.cells.get(at).unwrap_or_default().to_owned(),
            SaidIn::Status => {
                let reader = self.plan.columns.get(&Column::OrderStatus);
                reader.and_then(|reader| reader.read(&row.record().cells).ok()).unwrap_or_default()
            }
        }
    }

    /// What is wrong with the rows as rows, and with their cells as text.
    fn errors(&self, rows: &OrderRows<'_>) -> Vec<RowError> {
        let of_row = |(row, _): &(&SheetRow, bool)| {
            let is_quote = row.shape.iter().any(|error| matches!(error, RowError::Quote { .. }));
            let wrong = row.wrong.iter().filter_map(|(at, fault)| Some(fault(self.headings.get(at)?.clone())));
            // Errors in cells mean nothing if it is not known where the cells end.
            let wrong: Vec<_> = if is_quote { Vec::new() } else { wrong.collect() };
            row.shape.iter().cloned().chain(wrong).collect::<Vec<_>>()
        };
        rows.iter().flat_map(of_row).collect()
    }

    /// Reads an order; rows that come twice are entries of their own.
    fn read(&self, rows: &OrderRows<'_>, rules: &Selection, entries: &mut Vec<Entry<FileOrder>>) {
        let Some((first, _)) = rows.first() else { return };
        let number = number(self.plan, &first.record().cells);
        let mut repeated = Vec::new();
        let result = self.result(&number, rows, rules, &mut repeated);
        let shown: String = number.chars().take(SHOWN_NUMBER).collect();
        let all: usize = rows.iter().map(|(row, _)| row.rows()).sum();
        entries.push(Entry { line: first.at, rows: all - repeated.len(), number: shown.clone(), result });
        entries.extend(repeated.into_iter().map(|line| Entry {
            line,
            rows: 1,
            number: shown.clone(),
            result: RowResult::Skipped(SkipReason::Repeated),
        }));
    }

    fn result(
        &self,
        number: &str,
        rows: &OrderRows<'_>,
        rules: &Selection,
        repeated: &mut Vec<u64>,
    ) -> RowResult<FileOrder> {
        let unreadable = self.errors(rows);
        // What stands in a row that cannot be read says nothing about its cells.
        if !unreadable.is_empty() {
            return RowResult::Refused(unreadable);
        }
        // An order of which one part would be taken and another not is none.
        let values = self.columns.iter().map(|column| self.agreed(column, rows).ok_or(column));
        let values: Vec<String> = match values.collect() {
            Ok(values) => values,
            Err(column) => return RowResult::Refused(vec![differing(column, rows)]),
        };
        let not_taken = match rules.not_taken(&values) {
            Some(NotTaken { reason, is_payment: true }) => return RowResult::Skipped(reason),
            not_taken => not_taken.map(|not_taken| not_taken.reason),
        };
        if let Some(line) = self.hidden.get(number) {
            return RowResult::Refused(vec![RowError::PartUnread(*line)]);
        }
        if rows.len() > MAX_ITEMS {
            return RowResult::Refused(vec![RowError::TooManyItems]);
        }
        let mut group = Group::default();
        for (row, is_apart) in rows {
            let is_repeated = group.add(self.plan, self.plan.row(&row.record()), *is_apart).is_some();
            repeated.extend(is_repeated.then_some(row.at));
        }
        match order_cells::order(self.plan, &group.order(self.plan)) {
            Ok(order) => RowResult::Taken(FileOrder { not_taken, ..order }),
            // An order that is not to be taken need not be corrected.
            Err(problems) => not_taken.map_or_else(
                || RowResult::Refused(problems.into_iter().map(RowError::Value).collect()),
                RowResult::Skipped,
            ),
        }
    }
}

fn differing(column: &SayingColumn, rows: &OrderRows<'_>) -> RowError {
    let line = rows.first().map_or(0, |(row, _)| row.at);
    RowError::Value(Problem { line, heading: column.heading.clone(), kind: ProblemKind::RowsDiffer })
}

/// Characters of a bad order's number that a message repeats.
const SHOWN_NUMBER: usize = 64;
