//! What becomes of the rows of a file: each is taken, passed over for a reason, or refused for another, and none is
//! ever lost. A file is read into entries, and every step turns each entry into one entry, so the counts add up to
//! the rows that were read because there is nothing else to count.

use crate::service::csv::error::{InvalidOrder, RowError};
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
    /// The row says nothing about its order yet.
    NoResult,
}

/// What becomes of an entry.
#[derive(Debug, Clone, PartialEq)]
pub enum RowResult<T> {
    /// It is taken in, or would be.
    Taken(T),
    /// It is passed over.
    SkipReason(SkipReason),
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
    pub fate: RowResult<T>,
}

impl<T> Entry<T> {
    /// What is to be taken, apart from its entry; or the entry with which nothing more is to be done.
    pub fn open<U>(self) -> Result<(Entry<()>, T), Entry<U>> {
        let Entry { line, rows, number, fate } = self;
        let settled = |fate| Entry { line, rows, number: number.clone(), fate };
        match fate {
            RowResult::Taken(taken) => Ok((Entry { line, rows, number, fate: RowResult::Taken(()) }, taken)),
            RowResult::SkipReason(reason) => Err(settled(RowResult::SkipReason(reason))),
            RowResult::Refused(complaints) => Err(settled(RowResult::Refused(complaints))),
        }
    }
}

impl Entry<()> {
    /// The same rows with what becomes of them.
    pub fn with<U>(self, fate: RowResult<U>) -> Entry<U> {
        Entry { line: self.line, rows: self.rows, number: self.number, fate }
    }
}

/// What became of a whole file, or would, in its order.
#[derive(Debug, Clone, PartialEq)]
pub struct FileReport<T> {
    /// Every row of the file is in one of them.
    pub entries: Vec<Entry<T>>,
}

/// How many orders, and how many rows of the file they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tally {
    /// Entries: orders, or rows that are none.
    pub orders: usize,
    /// Rows.
    pub rows: usize,
}

impl Tally {
    fn add(&mut self, rows: usize) {
        self.orders += 1;
        self.rows += rows;
    }
}

/// How many rows of a file were taken, refused and passed over.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Counts {
    /// Taken in, or would be.
    pub taken: Tally,
    /// Refused.
    pub refused: Tally,
    /// Passed over, by reason.
    pub passed: BTreeMap<SkipReason, Tally>,
}

impl Counts {
    /// Passed over for any reason.
    pub fn passed_over(&self) -> Tally {
        self.passed
            .values()
            .fold(Tally::default(), |sum, one| Tally { orders: sum.orders + one.orders, rows: sum.rows + one.rows })
    }

    /// Rows that were read.
    pub fn read(&self) -> usize {
        self.taken.rows + self.refused.rows + self.passed_over().rows
    }
}

impl<T> FileReport<T> {
    /// What was taken, or would be, in the order of the file: the line, the number, what.
    pub fn taken(&self) -> impl Iterator<Item = (u64, &str, &T)> {
        self.entries.iter().filter_map(|entry| match &entry.fate {
            RowResult::Taken(taken) => Some((entry.line, entry.number.as_str(), taken)),
            _ => None,
        })
    }

    /// What was refused, in the order of the file.
    pub fn bad(&self) -> impl Iterator<Item = InvalidOrder> {
        self.entries.iter().filter_map(|entry| match &entry.fate {
            RowResult::Refused(complaints) => {
                Some(InvalidOrder { line: entry.line, number: entry.number.clone(), complaints: complaints.clone() })
            }
            _ => None,
        })
    }

    /// How many of each.
    pub fn counts(&self) -> Counts {
        let mut counts = Counts::default();
        for entry in &self.entries {
            let tally = match &entry.fate {
                RowResult::Taken(_) => &mut counts.taken,
                RowResult::Refused(_) => &mut counts.refused,
                RowResult::SkipReason(reason) => counts.passed.entry(reason.clone()).or_default(),
            };
            tally.add(entry.rows);
        }
        counts
    }
}
