//! One record of a file by itself: its values under our headings, what kind of row it is, and what is wrong with it.

use crate::csv::mapping::column::{Cells, Column, Level};
use crate::csv::mapping::date;
use crate::csv::mapping::definition::{Rounding, RowKind};
use crate::csv::mapping::error::{Problem, ProblemKind, shown};
use crate::csv::mapping::plan::{Plan, Reader, fold};
use domain::clock;

/// A record of a file, its quotes and its encoding read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// The line on which it begins, from 1.
    pub line: u64,
    /// Its cells.
    pub cells: Vec<String>,
}

impl Record {
    /// Whether nothing stands in it.
    pub fn is_blank(&self) -> bool {
        self.cells.iter().all(|cell| cell.trim().is_empty())
    }
}

/// A record, read by a plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// The line on which it begins, from 1.
    pub line: u64,
    /// Its values under our headings; the date in its one form.
    pub cells: Cells,
    /// What it is in its order.
    pub kind: RowKind,
    /// What tells its destination from the order's others; empty where the row names none.
    pub destination: String,
    /// What tells it from the order's other rows; empty where nothing does.
    pub id: String,
    /// How its price is rounded.
    pub rounding: Rounding,
    /// The amount and the detail of each adjustment of the plan.
    pub adjustments: Vec<(String, String)>,
    /// What is wrong with it.
    pub problems: Vec<Problem>,
}

impl Row {
    /// Whether it says the same as `other`, wherever they stand.
    pub fn says_as(&self, other: &Self) -> bool {
        let own = |row: &Self| Self { line: 0, problems: Vec::new(), ..row.clone() };
        own(self) == own(other)
    }
}

/// Why a record is part of no order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Skipped {
    /// It stands above the headings.
    Title,
    /// It has the headings; once more where files were put together.
    Headings,
    /// Nothing stands in it.
    Blank,
    /// It has the sum of the file.
    TotalLine,
    /// The row of its order at this line comes again.
    Repeated(u64),
    /// The mapping passes over it.
    Rule {
        /// The heading of the column that says so.
        heading: String,
        /// What stands there.
        value: String,
    },
}

/// What stands where an order's number is expected, in a row that sums up the file and names no item.
const TOTALS: [&str; 10] = ["合計", "総合計", "総計", "小計", "計", "合計行", "Total", "TOTAL", "total", "Grand Total"];

impl Plan {
    /// Why `record` is part of no order; nothing if it is.
    pub fn skipped(&self, record: &Record) -> Option<Skipped> {
        if record.is_blank() {
            return Some(Skipped::Blank);
        }
        let is_heading = |(cell, heading): (&String, &String)| fold(cell) == *heading;
        let has_all = !self.headings.is_empty() && record.cells.len() == self.headings.len();
        if has_all && record.cells.iter().zip(&self.headings).all(is_heading) {
            return Some(Skipped::Headings);
        }
        let value = |reader: &Reader| reader.read(&record.cells).unwrap_or_default();
        let rule = |(reader, values): &(Reader, Vec<String>)| {
            let value = value(reader);
            let is_named = values.contains(&fold(&value));
            is_named.then(|| Skipped::Rule { heading: reader.heading.clone(), value: shown(&value) })
        };
        let of = |column: &Column| self.columns.get(column).map(value).unwrap_or_default();
        let is_total = || {
            let first = record.cells.iter().map(|cell| cell.trim()).find(|cell| !cell.is_empty()).unwrap_or_default();
            let says_so =
                [of(&Column::Number).as_str(), first].iter().any(|cell| TOTALS.contains(&fold(cell).as_str()));
            says_so && of(&Column::ItemName).is_empty()
        };
        self.skip.iter().find_map(rule).or_else(|| is_total().then_some(Skipped::TotalLine))
    }

    /// Reads a record that is part of an order.
    pub fn row(&self, record: &Record) -> Row {
        let mut reading = Reading { plan: self, record, problems: Vec::new() };
        let mut cells = Cells::default();
        for (column, reader) in &self.columns {
            cells.set(*column, reading.value(reader));
        }
        reading.date(&mut cells);
        reading.width();
        let id = self.row_id.as_ref().map(|reader| reading.value(reader)).unwrap_or_default();
        let kind = reading.kind();
        let destination = reading.destination(&cells);
        let rounding = reading.rounding();
        let adjustments = self.adjustments.iter().map(|adjustment| {
            let detail = adjustment.detail.as_ref().map(|detail| reading.value(detail)).unwrap_or_default();
            (reading.value(&adjustment.amount), detail)
        });
        let adjustments = adjustments.collect();
        Row { line: record.line, cells, kind, destination, id, rounding, adjustments, problems: reading.problems }
    }
}

/// Reads the values of one record, and collects what is wrong with them.
struct Reading<'a> {
    plan: &'a Plan,
    record: &'a Record,
    problems: Vec<Problem>,
}

impl Reading<'_> {
    fn value(&mut self, reader: &Reader) -> String {
        reader.read(&self.record.cells).unwrap_or_else(|kind| {
            self.report(&reader.heading, kind);
            String::new()
        })
    }

    fn report(&mut self, heading: &str, kind: ProblemKind) {
        self.problems.push(Problem { line: self.record.line, heading: heading.to_owned(), kind });
    }

    /// Brings the date to its one form.
    fn date(&mut self, cells: &mut Cells) {
        let text = cells.get(Column::OrderedAt);
        if text.is_empty() {
            return;
        }
        match date::in_japan(text) {
            Some(moment) => cells.set(Column::OrderedAt, clock::show(moment)),
            None => {
                let kind = ProblemKind::Date(shown(text));
                self.report(self.plan.heading(Column::OrderedAt), kind);
            }
        }
    }

    /// A cell beyond the headings means that all before it may stand in wrong columns.
    fn width(&mut self) {
        let (expected, cells) = (self.plan.headings.len(), &self.record.cells);
        if expected > 0 && cells.iter().skip(expected).any(|cell| !cell.trim().is_empty()) {
            let number = self.plan.heading(Column::Number);
            self.report(number, ProblemKind::Cells { expected, found: cells.len() });
        }
    }

    fn kind(&mut self) -> RowKind {
        let Some((reader, words)) = &self.plan.row_kind else { return RowKind::Item };
        let value = self.value(reader);
        words.get(&fold(&value)).copied().unwrap_or_else(|| {
            let kind = if value.is_empty() { ProblemKind::Empty } else { ProblemKind::NoWord(shown(&value)) };
            self.report(&reader.heading, kind);
            RowKind::Item
        })
    }

    /// Without a column that tells destinations apart, the destination is told by its own cells.
    fn destination(&mut self, cells: &Cells) -> String {
        match &self.plan.destination {
            Some(reader) => self.value(reader),
            None => {
                let own: Vec<&str> = cells
                    .iter()
                    .filter(|(column, _)| column.level() == Level::Destination)
                    .map(|(_, cell)| cell)
                    .collect();
                if own.iter().all(|cell| cell.is_empty()) { String::new() } else { own.join("\u{1f}") }
            }
        }
    }

    fn rounding(&mut self) -> Rounding {
        let fixed = self.plan.prices.rounding;
        let Some(reader) = &self.plan.rounding else { return fixed };
        let value = self.value(reader);
        let found = match value.as_str() {
            "" => Some(fixed),
            "down" | "切り捨て" => Some(Rounding::Down),
            "half-up" | "四捨五入" => Some(Rounding::HalfUp),
            "up" | "切り上げ" => Some(Rounding::Up),
            _ => None,
        };
        found.unwrap_or_else(|| {
            self.report(&reader.heading, ProblemKind::NoWord(shown(&value)));
            fixed
        })
    }
}
