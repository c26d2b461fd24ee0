//! Reads a whole file by a mapping: every record is part of exactly one order, or of none for a reason.

use crate::csv::mapping::column::Column;
use crate::csv::mapping::definition::{Mapping, Total};
use crate::csv::mapping::error::{MappingError, Problem, ProblemKind};
use crate::csv::mapping::layout::heading_place;
use crate::csv::mapping::order::{MappedOrder, order};
use crate::csv::mapping::plan::Plan;
use crate::csv::mapping::row::{Record, Row, Skipped};
use domain::identifier::is_mangled;
use std::collections::HashMap;

/// What a file holds.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Evaluated {
    /// Its orders, in the order of their first rows.
    pub orders: Vec<MappedOrder>,
    /// Records that are part of no order: the line, why.
    pub skipped: Vec<(u64, Skipped)>,
}

impl Evaluated {
    /// How many orders were gathered from rows between which other orders stand.
    pub fn gathered(&self) -> usize {
        self.orders.iter().filter(|order| order.is_gathered).count()
    }

    /// How many records it accounts for.
    pub fn records(&self) -> usize {
        self.skipped.len() + self.orders.iter().map(|order| order.lines.len()).sum::<usize>()
    }
}

/// Reads all records of a file, titles and headings among them.
pub fn evaluate(mapping: &Mapping, records: &[Record]) -> Result<Evaluated, Vec<MappingError>> {
    let no_headings = || vec![MappingError::NoHeadings];
    let (above, headings, below) = match mapping.file.no_headings {
        true => (&[][..], None, records),
        false => {
            let at = heading_place(mapping, records).ok_or_else(no_headings)?;
            let (above, rest) = records.split_at_checked(at).ok_or_else(no_headings)?;
            let (headings, below) = rest.split_first().ok_or_else(no_headings)?;
            (above, Some(headings), below)
        }
    };
    let plan = Plan::new(mapping, headings.map_or(&[], |headings| &headings.cells))?;
    let mut evaluated = plan.evaluate(below);
    let above =
        above.iter().map(|record| (record.line, if record.is_blank() { Skipped::Blank } else { Skipped::Title }));
    let headings = headings.map(|record| (record.line, Skipped::Headings));
    evaluated.skipped.splice(0..0, above.chain(headings));
    Ok(evaluated)
}

impl Plan {
    /// Reads the records below the headings.
    pub fn evaluate(&self, records: &[Record]) -> Evaluated {
        let mut groups = Groups::default();
        let mut skipped = Vec::new();
        for record in records {
            match self.skipped(record) {
                Some(reason) => skipped.push((record.line, reason)),
                None => {
                    let line = record.line;
                    let repeated = groups.add(self, self.row(record));
                    skipped.extend(repeated.map(|first| (line, Skipped::Repeated(first))));
                }
            }
        }
        let orders = groups.all.iter().map(|group| order(self, &group.rows, group.is_gathered)).collect();
        Evaluated { orders, skipped }
    }
}

/// The rows of one order.
struct Group {
    rows: Vec<Row>,
    is_gathered: bool,
}

/// Rows by order, wherever they stand.
#[derive(Default)]
struct Groups {
    all: Vec<Group>,
    by_number: HashMap<String, usize>,
    /// Which order the row above belongs to.
    above: Option<usize>,
}

impl Groups {
    /// Puts a row to its order; the line of the one that it repeats, if it does: then it is not put there again.
    ///
    /// A row without a number is an order of its own, unless it belongs to the one above; so is one whose number a
    /// spreadsheet destroyed, for it can be any order's.
    fn add(&mut self, plan: &Plan, row: Row) -> Option<u64> {
        let number = row.cells.get(Column::Number).to_owned();
        let is_name = !number.is_empty() && !is_mangled(&number);
        let known = match number.as_str() {
            "" if plan.number_on_first_row => self.above,
            _ if is_name => self.by_number.get(&number).copied(),
            _ => None,
        };
        let is_apart = known != self.above;
        if let Some(group) = known.and_then(|place| self.all.get_mut(place)) {
            self.above = known;
            return group.add(plan, row, is_apart);
        }
        let place = self.all.len();
        self.all.push(Group { rows: vec![row], is_gathered: false });
        if is_name {
            self.by_number.insert(number, place);
        }
        self.above = Some(place);
        None
    }
}

impl Group {
    fn add(&mut self, plan: &Plan, mut row: Row, is_apart: bool) -> Option<u64> {
        match self.repetition(plan, &row, is_apart) {
            Some(Ok(first)) => return Some(first),
            Some(Err(problem)) => row.problems.push(problem),
            None => {}
        }
        self.is_gathered |= is_apart;
        self.rows.push(row);
        None
    }

    /// The line of the row that `row` repeats; what is wrong where it cannot be said whether it does.
    fn repetition(&self, plan: &Plan, row: &Row, is_apart: bool) -> Option<Result<u64, Problem>> {
        let problem = |heading: &str, kind| Problem { line: row.line, heading: heading.to_owned(), kind };
        if let Some(id) = &plan.row_id {
            let known = self.rows.iter().find(|known| !row.id.is_empty() && known.id == row.id)?;
            let is_same = known.says_as(row);
            return Some(is_same.then_some(known.line).ok_or_else(|| problem(&id.heading, ProblemKind::RowsDiffer)));
        }
        // Without a total nothing else shows that an order is in the file twice.
        let is_unsure = is_apart && plan.prices.total == Total::Computed;
        let known = self.rows.iter().find(|known| is_unsure && known.says_as(row))?;
        Some(Err(problem(plan.heading(Column::Number), ProblemKind::Repeated(known.line))))
    }
}
