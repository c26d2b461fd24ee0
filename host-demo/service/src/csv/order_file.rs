//! Orders from a mall's CSV export, by the mall's mapping.
//!
//! The rows of an order are gathered from wherever they stand. An order is read as a whole or refused as a whole, with
//! every error in it. The rest of the file is read nevertheless, and every row of it is accounted for
//! ([`crate::csv::row_result`]).
//!
//! A file is read once for an index of which rows are whose (some tens of bytes for each), and then order by order, as
//! often as an order is needed, so that its orders need not be in memory together.

use crate::csv::column_kind::{FEW_VALUES, MAX_VALUE};
use crate::csv::error::{FileError, RowError};
use crate::csv::limits::MAX_ITEMS;
use crate::csv::mapping::column::Column;
use crate::csv::mapping::definition::Mapping;
use crate::csv::mapping::error::{MappingError, Problem, ProblemKind};
use crate::csv::mapping::evaluate::{Group, Grouping, Place};
use crate::csv::mapping::layout::heading_place;
use crate::csv::mapping::plan::{Plan, Reader, Wanted};
use crate::csv::mapping::preset;
use crate::csv::mapping::row::Skipped;
use crate::csv::order_cells;
pub use crate::csv::order_cells::FileOrder;
use crate::csv::row_result::{Entry, FileReport, RowResult, SkipReason};
use crate::csv::selection::{self, Choice, NotTaken, Question, Selection, SelectionError, Values};
use crate::csv::sheet::{Head, Layout, RowPlace, Rows, SheetRow, Source};
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

/// Reads a file of orders, all of them.
pub fn parse(bytes: &[u8], reading: Reading<'_>) -> Result<Parsed, OrderFileError> {
    let source = Source::open(bytes, reading.encoding, reading.mapping.file.separator)?;
    let mut entries = Vec::new();
    let file = OrderFile::open(&source, reading, &mut |passed| entries.push(passed.entry()))?;
    for order in 0..file.orders() {
        file.read(order, &mut entries);
    }
    entries.sort_by_key(|entry| entry.line);
    Ok(Parsed { encoding: file.encoding(), gathered: file.gathered(), intake: FileReport::of(entries) })
}

/// A row of a file that is part of no order.
#[derive(Debug, Clone, PartialEq)]
pub struct PassedRow {
    line: u64,
    rows: usize,
    reason: SkipReason,
}

impl PassedRow {
    fn new(row: &SheetRow, reason: SkipReason) -> Self {
        Self { line: row.at, rows: row.rows(), reason }
    }

    /// The entry that it is.
    pub fn entry<T>(self) -> Entry<T> {
        let Self { line, rows, reason } = self;
        Entry { line, rows, number: String::new(), result: RowResult::Skipped(reason) }
    }
}

/// A file whose orders can be read one by one.
pub struct OrderFile<'a> {
    plan: Plan,
    rows: Rows<'a>,
    index: Index,
    /// The columns that say which orders are taken.
    columns: Vec<SayingColumn>,
    /// The columns that are read, by their places.
    headings: BTreeMap<usize, String>,
    rules: Selection,
}

impl<'a> OrderFile<'a> {
    /// Looks through a file, and decides which of its orders are taken. Rows that are part of none go to `pass`.
    pub fn open(
        source: &'a Source<'_>,
        reading: Reading<'_>,
        pass: &mut dyn FnMut(PassedRow),
    ) -> Result<Self, OrderFileError> {
        let (plan, layout) = planned(source, reading.mapping)?;
        let rows = source.rows(layout)?;
        let (index, words) = Index::of(&plan, &rows, pass)?;
        let columns = saying_columns(&plan, &rows.headings, &words, reading.take);
        let saying = columns.iter().filter_map(|column| match column.from {
            SaidIn::Cell(at) => Some((at, column.heading.clone())),
            SaidIn::Status => None,
        });
        let read = plan.places().into_iter().map(|(at, heading)| (at, heading.to_owned()));
        let headings = saying.chain(read).collect();
        let mut file = OrderFile { plan, rows, index, columns, headings, rules: Selection::default() };
        file.rules = selection::decide(&file.values(), reading.take)?;
        Ok(file)
    }

    /// What it turned out to be written in.
    pub fn encoding(&self) -> &'static Encoding {
        self.rows.encoding
    }

    /// How many orders it has.
    pub fn orders(&self) -> usize {
        self.index.orders.len()
    }

    /// How many rows are those of orders.
    pub fn order_rows(&self) -> usize {
        self.index.in_orders
    }

    /// Orders that are gathered from rows between which other orders stand.
    pub fn gathered(&self) -> usize {
        self.index.orders.iter().filter(|order| order.is_gathered).count()
    }
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
    let wanted = Wanted::of(mapping);
    let known = |head: &Head, at: usize| head.rows.get(at).map_or(0, |row| wanted.among(&row.cells));
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

/// Which rows of a file are whose.
#[derive(Default)]
struct Index {
    /// The rows of orders, in the order of the file.
    rows: Vec<IndexedRow>,
    orders: Vec<IndexedOrder>,
    /// Numbers in rows whose quoting may hide other rows, and the line of the quoting error.
    hidden: HashMap<String, u64>,
    /// Rows of the file that are those of orders: where quoting may hide rows, each line is one.
    in_orders: usize,
}

struct IndexedRow {
    place: RowPlace,
    /// The next row of the same order; for the last one itself.
    next: u32,
    /// Another order's rows stand before it.
    is_apart: bool,
}

struct IndexedOrder {
    first: u32,
    last: u32,
    is_gathered: bool,
}

impl Index {
    /// Looks through the rows once; the words of each column with it. Rows that are part of no order go to `pass`.
    fn of(plan: &Plan, rows: &Rows<'_>, pass: &mut dyn FnMut(PassedRow)) -> Result<(Self, Words), FileError> {
        let (mut index, mut grouping) = (Self::default(), Grouping::default());
        let mut words = Words::new(rows.headings.len(), &plan.places());
        for row in &rows.above {
            pass(PassedRow::new(row, if row.is_blank { SkipReason::Blank } else { SkipReason::Title }));
        }
        for row in rows.walk() {
            let row = row?;
            words.add(&row);
            if row.is_blank {
                pass(PassedRow::new(&row, SkipReason::Blank));
                continue;
            }
            let is_whole = row.shape.is_empty() && row.hidden.is_empty();
            let record = row.record();
            if let Some(reason) = plan.skipped(&record).filter(|_| is_whole) {
                pass(PassedRow::new(&row, skip_reason(reason)));
                continue;
            }
            for cells in &row.hidden {
                let cells: Vec<String> = cells.iter().map(str::to_owned).collect();
                index.hidden.insert(number(plan, &cells), row.at);
            }
            // Of what may hold other rows nobody knows whose it is.
            let place = match row.hidden.is_empty() {
                true => grouping.place(plan, &number(plan, &record.cells)),
                false => grouping.apart(),
            };
            index.add(&row, place);
        }
        index.hidden.remove("");
        Ok((index, words))
    }

    fn add(&mut self, row: &SheetRow, Place { group, is_apart }: Place) {
        // A file has far fewer rows.
        let at = u32::try_from(self.rows.len()).unwrap_or(u32::MAX);
        self.in_orders += row.rows();
        self.rows.push(IndexedRow { place: row.place, next: at, is_apart });
        let Some(order) = self.orders.get_mut(group) else {
            self.orders.push(IndexedOrder { first: at, last: at, is_gathered: false });
            return;
        };
        if let Some(before) = self.rows.get_mut(order.last as usize) {
            before.next = at;
        }
        order.last = at;
        order.is_gathered |= is_apart;
    }

    /// The rows of an order, in the order of the file.
    fn rows_of(&self, order: usize) -> impl Iterator<Item = &IndexedRow> {
        let mut next = self.orders.get(order).map(|order| order.first);
        std::iter::from_fn(move || {
            let at = next?;
            let row = self.rows.get(at as usize)?;
            next = (row.next != at).then_some(row.next);
            Some(row)
        })
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
fn saying_columns(plan: &Plan, headings: &[String], words: &Words, take: Choice<'_>) -> Vec<SayingColumn> {
    let status = plan.columns.get(&Column::OrderStatus);
    let status_place = status.and_then(Reader::only_place).filter(|at| *at < headings.len());
    let status_places = status.map(Reader::places).unwrap_or_default();
    let mut columns = Vec::new();
    for ((at, heading), words) in headings.iter().enumerate().zip(&words.of_columns) {
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

/// Of each column its different values, without the empty one, as long as they are few words.
struct Words {
    of_columns: Vec<BTreeSet<String>>,
    /// Columns that have had nothing but few words so far.
    is_open: Vec<bool>,
}

impl Words {
    /// Of `width` columns, but for those that a mapping reads, `read`.
    fn new(width: usize, read: &BTreeMap<usize, &str>) -> Self {
        let is_open = (0..width).map(|at| !read.contains_key(&at)).collect();
        Self { of_columns: vec![BTreeSet::new(); width], is_open }
    }

    fn add(&mut self, row: &SheetRow) {
        if !row.shape.is_empty() {
            return;
        }
        for ((cell, words), is_open) in row.cells.iter().zip(&mut self.of_columns).zip(&mut self.is_open) {
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
}

/// A row of an order, and whether another's stand before it.
type OrderRow = (SheetRow, bool);

impl OrderFile<'_> {
    /// The rows of an order; of one with too many lines no more than show it.
    fn rows(&self, order: usize) -> Vec<OrderRow> {
        let rows = self.index.rows_of(order).take(MAX_ITEMS + 1);
        rows.filter_map(|row| Some((self.rows.at(row.place)?, row.is_apart))).collect()
    }

    /// How many orders have which value in the columns that say which orders are taken.
    fn values(&self) -> Vec<Values> {
        let mut counts = vec![BTreeMap::new(); self.columns.len()];
        // Where no column has a say, nothing has to be read.
        let orders = if self.columns.is_empty() { 0 } else { self.orders() };
        for rows in (0..orders).map(|order| self.rows(order)) {
            if !self.errors(&rows).is_empty() {
                continue;
            }
            for (column, counts) in self.columns.iter().zip(&mut counts) {
                if let Some(value) = self.agreed(column, &rows) {
                    *counts.entry(value).or_default() += 1;
                }
            }
        }
        let values = self.columns.iter().zip(counts).map(|(column, orders)| Values {
            heading: column.heading.clone(),
            orders,
            is_mapped: column.is_mapped,
        });
        values.collect()
    }

    /// What the rows of an order have in a column, on whichever of them it stands; nothing if they differ.
    fn agreed(&self, column: &SayingColumn, rows: &[OrderRow]) -> Option<String> {
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
    fn errors(&self, rows: &[OrderRow]) -> Vec<RowError> {
        let of_row = |(row, _): &OrderRow| {
            let is_quote = row.shape.iter().any(|error| matches!(error, RowError::Quote { .. }));
            let wrong = row.wrong.iter().filter_map(|(at, fault)| Some(fault(self.headings.get(at)?.clone())));
            // Errors in cells mean nothing if it is not known where the cells end.
            let wrong: Vec<_> = if is_quote { Vec::new() } else { wrong.collect() };
            row.shape.iter().cloned().chain(wrong).collect::<Vec<_>>()
        };
        rows.iter().flat_map(of_row).collect()
    }

    /// Reads the order that comes as the `order`th of the file, from 0; rows that come twice are entries of their own.
    pub fn read(&self, order: usize, entries: &mut Vec<Entry<FileOrder>>) {
        let rows = self.rows(order);
        let Some((first, _)) = rows.first() else { return };
        let number = number(&self.plan, &first.record().cells);
        let mut repeated = Vec::new();
        let result = self.result(&number, &rows, &mut repeated);
        let shown: String = number.chars().take(SHOWN_NUMBER).collect();
        // What may hold rows is an order of its own.
        let all = self.index.rows_of(order).count() - 1 + first.rows();
        entries.push(Entry { line: first.at, rows: all - repeated.len(), number: shown.clone(), result });
        entries.extend(repeated.into_iter().map(|line| Entry {
            line,
            rows: 1,
            number: shown.clone(),
            result: RowResult::Skipped(SkipReason::Repeated),
        }));
    }

    fn result(&self, number: &str, rows: &[OrderRow], repeated: &mut Vec<u64>) -> RowResult<FileOrder> {
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
        let not_taken = match self.rules.not_taken(&values) {
            Some(NotTaken { reason, is_payment: true }) => return RowResult::Skipped(reason),
            not_taken => not_taken.map(|not_taken| not_taken.reason),
        };
        if let Some(line) = self.index.hidden.get(number) {
            return RowResult::Refused(vec![RowError::PartUnread(*line)]);
        }
        if rows.len() > MAX_ITEMS {
            return RowResult::Refused(vec![RowError::TooManyItems]);
        }
        let mut group = Group::default();
        for (row, is_apart) in rows {
            let is_repeated = group.add(&self.plan, self.plan.row(&row.record()), *is_apart).is_some();
            repeated.extend(is_repeated.then_some(row.at));
        }
        match order_cells::order(&self.plan, &group.order(&self.plan)) {
            Ok(order) => {
                let headings = self.columns.iter().map(|column| column.heading.clone());
                let selected_by = headings.zip(values).filter(|(_, value)| !value.is_empty()).collect();
                RowResult::Taken(FileOrder { not_taken, selected_by, ..order })
            }
            // An order that is not to be taken need not be corrected.
            Err(problems) => not_taken.map_or_else(
                || RowResult::Refused(problems.into_iter().map(RowError::Value).collect()),
                RowResult::Skipped,
            ),
        }
    }
}

fn differing(column: &SayingColumn, rows: &[OrderRow]) -> RowError {
    let line = rows.first().map_or(0, |(row, _)| row.at);
    RowError::Value(Problem { line, heading: column.heading.clone(), kind: ProblemKind::RowsDiffer })
}

/// Characters of a bad order's number that a message repeats.
const SHOWN_NUMBER: usize = 64;
