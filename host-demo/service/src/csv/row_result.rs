//! What becomes of the rows of a file: each is taken, passed over for a reason, or refused for another, and none is
//! ever lost. A file is read into entries, and every step turns each entry into one entry, so the counts add up to
//! the rows that were read because there is nothing else to count.

use crate::csv::error::{InvalidOrder, RowError};
use std::collections::BTreeMap;

/// Why rows are passed over: nothing is wrong with them, and nothing is to be done.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum SkipReason {
    /// Nothing stands in the row.
    Blank,
    /// The store has the order as the file has it.
    Unchanged,
    /// The order is none of those that are to be taken.
    NotTaken {
        /// The heading of the column that says so.
        column: String,
        /// What stands there.
        value: String,
    },
    /// It stands above the headings.
    Title,
    /// It has the headings once more, where files were put together.
    Headings,
    /// It has the sum of the file.
    TotalLine,
    /// The same row of its order came before.
    Repeated,
    /// Nothing is to be paid, so that no credit is needed.
    NothingToBill,
    /// The row says nothing about its order yet.
    NoResult,
    /// The row has no tracking number yet.
    NoTracking,
    /// Another row has the tracking number of the order that is reported.
    OtherParcel,
}

/// What becomes of an entry.
#[derive(Debug, Clone, PartialEq)]
pub enum RowResult<T> {
    /// It is taken in, or would be.
    Taken(T),
    /// It is passed over.
    Skipped(SkipReason),
    /// It is not taken in, for everything that is wrong with it.
    Refused(Vec<RowError>),
}

/// One row of a file, or the rows that are one order.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry<T> {
    /// The first line, counted from 1.
    pub line: u64,
    /// How many rows of the file it is.
    pub rows: usize,
    /// 注文番号, as far as it can be read.
    pub number: String,
    /// What becomes of it.
    pub result: RowResult<T>,
}

impl<T> Entry<T> {
    /// What is to be taken, apart from its entry; or the entry with which nothing more is to be done.
    pub fn open<U>(self) -> Result<(Entry<()>, T), Entry<U>> {
        let Self { line, rows, number, result } = self;
        let settled = |result| Entry { line, rows, number: number.clone(), result };
        match result {
            RowResult::Taken(taken) => Ok((Entry { line, rows, number, result: RowResult::Taken(()) }, taken)),
            RowResult::Skipped(reason) => Err(settled(RowResult::Skipped(reason))),
            RowResult::Refused(errors) => Err(settled(RowResult::Refused(errors))),
        }
    }
}

impl Entry<()> {
    /// The same rows with what becomes of them.
    pub fn with<U>(self, result: RowResult<U>) -> Entry<U> {
        Entry { line: self.line, rows: self.rows, number: self.number, result }
    }
}

/// Entries with what was taken that the report of a long file keeps: as many as are ever shown of it.
pub const KEPT_TAKEN: usize = 1_000;

/// What became of a whole file, or would, in its order.
#[derive(Debug, Clone, PartialEq)]
pub struct FileReport<T> {
    /// Every row of the file is in one of them, or is one of those that are only counted.
    pub entries: Vec<Entry<T>>,
    /// How many of them are taken.
    kept: usize,
    /// Entries that are not kept.
    only_counted: RowCounts,
}

impl<T> Default for FileReport<T> {
    fn default() -> Self {
        Self::of(Vec::new())
    }
}

/// How many orders, and how many rows of the file they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RowCount {
    /// Entries: orders, or rows that are none.
    pub orders: usize,
    /// Rows.
    pub rows: usize,
}

impl RowCount {
    fn add(&mut self, rows: usize) {
        self.orders += 1;
        self.rows += rows;
    }
}

/// How many rows of a file were taken, refused and passed over.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RowCounts {
    /// Taken in, or would be.
    pub taken: RowCount,
    /// Refused.
    pub refused: RowCount,
    /// Passed over, by reason.
    pub passed: BTreeMap<SkipReason, RowCount>,
}

impl RowCounts {
    /// Passed over for any reason.
    pub fn passed_over(&self) -> RowCount {
        self.passed.values().fold(RowCount::default(), |sum, one| RowCount {
            orders: sum.orders + one.orders,
            rows: sum.rows + one.rows,
        })
    }

    /// Rows that were read.
    pub fn read(&self) -> usize {
        self.taken.rows + self.refused.rows + self.passed_over().rows
    }

    fn add<T>(&mut self, entry: &Entry<T>) {
        let tally = match &entry.result {
            RowResult::Taken(_) => &mut self.taken,
            RowResult::Refused(_) => &mut self.refused,
            RowResult::Skipped(reason) => match self.passed.get_mut(reason) {
                Some(known) => known,
                None => self.passed.entry(reason.clone()).or_default(),
            },
        };
        tally.add(entry.rows);
    }
}

impl<T> FileReport<T> {
    /// Of all entries of a file.
    pub fn of(entries: Vec<Entry<T>>) -> Self {
        let kept = entries.iter().filter(|entry| matches!(entry.result, RowResult::Taken(_))).count();
        Self { entries, kept, only_counted: RowCounts::default() }
    }

    /// Adds an entry. It is kept if it is refused, for each is named, or among the first that are taken.
    pub fn add(&mut self, entry: Entry<T>) {
        let is_kept = match entry.result {
            RowResult::Taken(_) => self.kept < KEPT_TAKEN,
            RowResult::Refused(_) => true,
            RowResult::Skipped(_) => false,
        };
        if !is_kept {
            self.only_counted.add(&entry);
            return;
        }
        self.kept += usize::from(matches!(entry.result, RowResult::Taken(_)));
        self.entries.push(entry);
    }

    /// What was taken, or would be, in the order of the file: the line, the number, what.
    pub fn taken(&self) -> impl Iterator<Item = (u64, &str, &T)> {
        self.entries.iter().filter_map(|entry| match &entry.result {
            RowResult::Taken(taken) => Some((entry.line, entry.number.as_str(), taken)),
            _ => None,
        })
    }

    /// What was refused, in the order of the file.
    pub fn bad(&self) -> impl Iterator<Item = InvalidOrder> {
        self.entries.iter().filter_map(|entry| match &entry.result {
            RowResult::Refused(errors) => {
                Some(InvalidOrder { line: entry.line, number: entry.number.clone(), errors: errors.clone() })
            }
            _ => None,
        })
    }

    /// How many of each.
    pub fn counts(&self) -> RowCounts {
        let mut counts = self.only_counted.clone();
        self.entries.iter().for_each(|entry| counts.add(entry));
        counts
    }
}
